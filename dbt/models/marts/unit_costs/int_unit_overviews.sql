-- What int_unit_periods has but single customers and hours: few rows, in files of their own.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(
    materialized='monthly_parquet', schema='intermediate', contract={'enforced': false}, meta={'day_hash': 'units_hash'}
) }}
select *
from {{ ref('int_unit_periods') }}
where entity <> 'customer_id' and period_kind <> 'hour'
order by {{ unit_keys() | join(', ') }}
