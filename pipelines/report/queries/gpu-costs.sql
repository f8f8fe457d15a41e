select
    billing_currency as currency,
    coalesce(pool, '(none)') || ', ' || replace(state, '_', ' ') as pool_and_state,
    (sum(nanoseconds) / 3.6e12)::decimal(18, 4) as hours,
    sum(effective_cost) as effective_cost
from marts.capacity_states
where strftime(charge_date, '%Y-%m') = '{period}'
group by 1, 2
order by 1, effective_cost desc, 2
