-- Where each budget stands at the last day that has costs.
{{ config(materialized='view') }}
with last_days as (
    select *
    from {{ ref('budgets_daily') }}
    qualify row_number() over (partition by budget_id, value, period_start order by charge_date desc) = 1
)

select
    budget_id,
    entity,
    value,
    period_kind,
    period_start,
    billing_currency,
    owner,
    amount,
    charge_date as spent_through,
    period_days,
    elapsed_days,
    spent_cost,
    remaining_cost,
    (spent_cost / amount)::decimal(18, 6) as spent_part,
    even_cost,
    period_cost_estimate,
    case when period_cost_estimate is null then 'fewer than 7 days of costs' end as period_cost_estimate_reason,
    case
        when spent_cost > amount then 'exceeded'
        when period_cost_estimate > amount then 'will exceed'
        when spent_cost >= amount * list_min(thresholds) then 'warned'
        else 'within'
    end as state
from last_days
