select
    billing_currency as currency,
    pool || ', ' || replace(reason, '_', '-') as pool_and_reason,
    string_agg(distinct owner, ', ' order by owner) as owner,
    (sum(idle_gpu_nanoseconds) / 3.6e12)::decimal(18, 4) as idle_gpu_hours,
    sum(idle_cost) as idle_cost,
    sum(recoverable_cost_estimate) as recoverable_cost_estimate,
    max(recoverable_reason) as not_recoverable_because
from marts.idle_waste_daily
where strftime(charge_date, '%Y-%m') = '{period}'
group by 1, 2
order by currency asc, idle_cost desc, pool_and_reason asc
