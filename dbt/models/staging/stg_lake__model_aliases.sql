-- The configuration's model_aliases, as a table.
select *
from {{ source('lake', 'model_aliases') }}
