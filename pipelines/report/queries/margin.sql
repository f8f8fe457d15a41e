with total as (
    select *
    from marts.margins
    where charge_month = '{period}' and scope = 'total'
),

lines as (
    select total.currency, lines.*
    from total
    cross join lateral (
        values
        (1, 'revenue', 'total', revenue, null),
        (2, 'infrastructure', 'change', -infrastructure_cost, infrastructure_efficiency_rate),
        (3, 'models paid by use', 'change', -llm_cost, infrastructure_and_llm_efficiency_rate),
        (4, 'shared', 'change', -shared_cost, cloud_efficiency_rate),
        (5, 'gross margin', 'total', gross_margin, cloud_efficiency_rate)
    ) as lines (step, line, kind, amount, efficiency_rate)
)

select currency, line, kind, amount, efficiency_rate
from lines
order by currency, step
