select
    coalesce(billing_currency, 'without a price') as currency,
    strftime(down_at, '%m-%d %H:%M') || ' ' || pool || coalesce(', ' || model, '') as down_and_pool,
    kind as what,
    reason,
    (gap_ms / 1000)::decimal(18, 3) as gap_seconds,
    overhead_cost_estimate,
    avoided_cost_estimate,
    loss_cost_estimate,
    is_thrash
from marts.scaling_cycles
where strftime(down_at, '%Y-%m') = '{period}'
order by currency asc, loss_cost_estimate desc nulls last, overhead_cost_estimate desc nulls last, down_and_pool asc
