select
    coalesce(reporting_currency, billing_currency) as currency,
    replace(cost_driver, '_', ' ') as cost_driver,
    sum(case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end) as effective_cost
from marts.cost_drivers_daily
where billing_period = '{period}'
group by 1, 2
order by currency asc, effective_cost desc, cost_driver asc
