select
    billing_currency as currency,
    budget_id || ': ' || "value" || ', ' || period_kind || ' from ' || period_start as budget,
    owner,
    amount as budget_cost,
    spent_cost,
    spent_part as spent_share,
    period_cost_estimate,
    state
from marts.budgets
where
    strftime(period_start, '%Y-%m') = '{period}'
    and (state <> 'within' or entity = 'all')
order by currency asc, spent_share desc, budget asc
