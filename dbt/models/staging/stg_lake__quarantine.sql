-- One row a delivered row that could not be used, with the reason.
select
    quarantined_day,
    column_name,
    value,
    reason,
    x_source as source,
    x_delivery_id,
    x_file,
    x_row
from {{ source('lake', 'quarantine') }}
