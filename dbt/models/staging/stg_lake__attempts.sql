-- One row a delivered attempt; the same attempt can be delivered twice.
select
    * exclude (x_source, x_delivery_id, x_file, x_row),
    x_source as source,
    x_delivery_id,
    x_file,
    x_row
from {{ source('lake', 'attempts') }}
