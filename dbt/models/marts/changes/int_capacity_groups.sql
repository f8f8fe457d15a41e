-- One row a day and capacity charge group of the ledger: its pool, and its time. What looks at all days asks
-- here, not the ledger.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'ledger_hash'}
) }}
select
    charge_date,
    charge_group_id,
    any_value(pool) as pool,
    max(total_weight)::bigint as nanoseconds
from {{ ref('int_costs_attributed') }}
where {{ is_of_days('charge_date') }} and pool is not null and weight_unit = 'Nanoseconds'
group by charge_date, charge_group_id
