-- One row a model of one's own and what a vendor's API calls it.
select *
from {{ source('lake', 'api_equivalents') }}
