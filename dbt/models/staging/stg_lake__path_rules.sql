-- One row a rule of the configuration that says on which path work runs.
select *
from {{ source('lake', 'path_rules') }}
