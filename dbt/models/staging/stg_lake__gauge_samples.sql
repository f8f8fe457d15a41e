-- One row a measurement, with how long it can be believed.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'gauge_samples') }}
