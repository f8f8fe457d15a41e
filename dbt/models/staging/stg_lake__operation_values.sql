-- One row what an operation is worth, to whom, and when.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'operation_values') }}
