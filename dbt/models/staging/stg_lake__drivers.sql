-- Measures that shared rules name, each with its first choice and its fallback.
select *
from {{ source('lake', 'drivers') }}
