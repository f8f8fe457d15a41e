with total as (
    select *
    from marts.margins
    where charge_month = '{period}' and scope = 'total'
),

lines as (
    select currency, 1 as step, 'revenue' as line, 'total' as kind, revenue as amount, null as efficiency_rate
    from total
    union all
    select currency, 2, 'infrastructure', 'change', -infrastructure_cost, infrastructure_efficiency_rate
    from total
    union all
    select currency, 3, 'models paid by use', 'change', -llm_cost, infrastructure_and_llm_efficiency_rate
    from total
    union all
    select currency, 4, 'shared', 'change', -shared_cost, cloud_efficiency_rate
    from total
    union all
    select currency, 5, 'gross margin', 'total', gross_margin, cloud_efficiency_rate
    from total
)

select currency, line, kind, amount, efficiency_rate
from lines
order by currency, step
