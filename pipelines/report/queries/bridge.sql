with bridge as (
    select
        coalesce(reporting_currency, billing_currency) as currency,
        line_number as step,
        line,
        case when line in ('billed cost', 'effective cost') then 'total' else 'change' end as kind,
        case when reporting_currency is null then amount::decimal(38, 21) else reporting_amount end as cost
    from marts.invoice_bridge
    where
        billing_period = '{period}'
        and line in (
            'billed cost', '- commitments paid', '+ commitments used', '+ commitments unused', 'effective cost'
        )
),

ledger as (
    select
        coalesce(reporting_currency, billing_currency) as currency,
        100 + list_position(
            ['direct', 'idle', 'scaling', 'shared', 'overhead', 'unmatched'], component
        ) as step,
        component as line,
        'part' as kind,
        case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end as cost
    from marts.allocated_costs
    where billing_period = '{period}'
),

lines as (
    select * from bridge
    union all
    select * from ledger
)

select currency, line, kind, sum(cost) as cost
from lines
group by currency, step, line, kind
order by currency, step
