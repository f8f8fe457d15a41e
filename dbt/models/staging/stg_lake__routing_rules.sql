-- One row a what-if: where requests of these features and models would have gone.
select *
from {{ source('lake', 'routing_rules') }}
