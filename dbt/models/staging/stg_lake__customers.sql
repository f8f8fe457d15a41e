-- One row a customer and the days in which it was so.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'customers') }}
