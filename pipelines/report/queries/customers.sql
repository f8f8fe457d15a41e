select
    currency,
    value as customer,
    revenue,
    infrastructure_cost,
    llm_cost,
    shared_cost,
    "cost",
    gross_margin,
    cloud_efficiency_rate,
    reason
from marts.margins
where charge_month = '{period}' and scope = 'customer'
order by currency asc, cloud_efficiency_rate asc nulls last, "cost" desc nulls last, customer asc
