-- One row a target of how much of its paid time a pool works; of those that match, the smallest priority holds.
select *
from {{ source('lake', 'utilization_targets') }}
