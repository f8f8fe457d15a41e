-- One row a rule of the configuration that says what kind of cost a charge is.
select *
from {{ source('lake', 'driver_rules') }}
