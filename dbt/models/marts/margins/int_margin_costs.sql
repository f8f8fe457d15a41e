-- One row a day, currency, customer and layer: what a customer's part of the ledger was for. In the
-- reporting currency; where none is configured, in the bill's own.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'drivers_hash'}
) }}
with ledger as (
    select *
    from {{ ref('allocated_costs') }}
    where {{ is_of_days('charge_date') }}
),

layers as (
    select
        charge_group_id,
        arg_max(layer, (abs(effective_cost), charge_line_id)) as layer
    from {{ ref('int_charge_lines') }}
    group by charge_group_id
)

select
    ledger.charge_date,
    coalesce(ledger.reporting_currency, ledger.billing_currency) as currency,
    ledger.customer_id,
    case
        when ledger.component in ('idle', 'scaling') then 'infrastructure'
        when ledger.component in ('shared', 'overhead') then 'shared'
        else coalesce(layers.layer, 'shared')
    end as layer,
    sum(coalesce(ledger.reporting_cost, ledger.effective_cost::decimal(38, 21)))::decimal(38, 21) as cost
from ledger
left join layers on ledger.charge_group_id = layers.charge_group_id
group by all
