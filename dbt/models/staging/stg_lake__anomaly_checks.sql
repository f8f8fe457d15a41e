-- How much was watched on a day, and what was not, with the reason.
select *
from {{ source('lake', 'anomaly_checks') }}
