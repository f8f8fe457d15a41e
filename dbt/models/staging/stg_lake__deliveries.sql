-- One row a table, source and slot of the lake's index.
select
    status,
    source,
    connector,
    slot,
    "table" as table_name,
    version,
    delivery_id,
    billing_period,
    file,
    delivered,
    days,
    dimensions,
    error
from {{ source('lake', 'index') }}
