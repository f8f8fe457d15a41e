-- The first day on which what was spent reached a threshold of a budget.
with reached as (
    select
        days.*,
        thresholds.threshold
    from {{ ref('budgets_daily') }} as days
    cross join lateral (select unnest(days.thresholds) as threshold) as thresholds
    where days.spent_cost >= days.amount * thresholds.threshold
)

select
    budget_id,
    entity,
    value,
    period_kind,
    period_start,
    threshold,
    charge_date as crossed_on,
    billing_currency,
    owner,
    amount,
    (amount * threshold)::decimal(38, 12) as threshold_cost,
    spent_cost,
    day_cost
from reached
qualify row_number() over (partition by budget_id, value, period_start, threshold order by charge_date) = 1
