-- One row a glob of model names and its tier; position 1 is the largest.
select *
from {{ source('lake', 'model_tiers') }}
