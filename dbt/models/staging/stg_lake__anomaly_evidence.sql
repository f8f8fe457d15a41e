-- What the cost of an anomaly is made of, beside what is usual.
select *
from {{ source('lake', 'anomaly_evidence') }}
