-- The configuration's rules, as a table.
select *
from {{ source('lake', 'rules') }}
