-- One row a driver's measure of one member in one interval.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'allocation_drivers') }}
