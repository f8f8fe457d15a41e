-- The ledger, in the currency of the bill and in the reporting currency beside it.
{{ config(materialized='view') }}
select
    ledger.*,
    rates.reporting_currency,
    {{ in_reporting_currency('ledger.effective_cost') }} as reporting_cost
from {{ ref('int_costs_allocated') }} as ledger
{{ join_exchange_rates('ledger') }}
