{{ config(materialized='view') }}
select
    quarantined_day,
    source,
    column_name,
    value,
    reason,
    x_delivery_id,
    x_file,
    x_row
from {{ ref('stg_lake__quarantine') }}
