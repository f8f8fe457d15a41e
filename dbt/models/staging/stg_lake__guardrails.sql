-- One row: what is allowed before attempts count as wasted.
select *
from {{ source('lake', 'guardrails') }}
