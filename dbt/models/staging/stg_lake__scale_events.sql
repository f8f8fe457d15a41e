-- One row an event of capacity, repeated ones counted.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'scale_events') }}
