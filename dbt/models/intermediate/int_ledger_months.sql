-- One row a month of use, source, billing period and currency: what the ledger has of it.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet') }}
{%- set month = "strftime(charge_date, '%Y-%m')" %}
select
    {{ month }} as charge_month,
    source,
    billing_period,
    billing_currency,
    sum(effective_cost)::decimal(38, 12) as effective_cost
from {{ ref('allocated_costs') }}
where {{ is_of_period(month) }}
group by all
