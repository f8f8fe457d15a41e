-- What was judged to be out of the ordinary, as it was when it was judged.
select *
from {{ source('lake', 'anomalies') }}
