-- One row a target and the days in which it holds.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'service_levels') }}
