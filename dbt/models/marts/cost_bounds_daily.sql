-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'attempts_hash'}) }}
with {{ cost_bounds('charge_date', is_of_days('charge_date')) }}

select
    grain as charge_date,
    {{ bounded_columns() }}
from bounded
