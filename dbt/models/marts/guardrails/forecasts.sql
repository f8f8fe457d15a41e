-- Forecasts as they were made: nothing changes them later.
{{ config(materialized='view') }}
select
    made_on,
    is_backtest,
    billing_currency,
    entity,
    value,
    period_kind,
    period_start,
    known_cost,
    cost_estimate,
    lower_estimate,
    upper_estimate,
    method,
    reason,
    history_days,
    left_out_sources
from {{ ref('stg_lake__forecasts') }}
