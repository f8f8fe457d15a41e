-- One row a counter's gain between two of its samples.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'counter_deltas') }}
