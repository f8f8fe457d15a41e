select
    source,
    coalesce(reporting_currency, billing_currency) as currency,
    sum(case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end) as effective_cost,
    coalesce(
        sum(case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end)
            filter (where component = 'unmatched'),
        0
    ) as unmatched_cost
from marts.allocated_costs
where billing_period = '{period}'
group by 1, 2
order by currency asc, unmatched_cost desc, source asc
