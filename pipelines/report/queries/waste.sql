select
    billing_currency as currency,
    "value" as feature,
    sum(attempts)::bigint as attempts,
    sum(direct_cost) as direct_cost,
    sum(wasted_cost) as wasted_cost,
    sum(cancelled_cost) as cancelled_cost,
    sum(failed_cost) as failed_cost,
    sum(retried_cost) as retried_cost,
    sum(looping_cost) as looping_cost
from marts.wasted_costs_daily
where strftime(charge_date, '%Y-%m') = '{period}' and entity = 'feature' and billing_currency is not null
group by 1, 2
order by currency asc, wasted_cost desc nulls last, feature asc
