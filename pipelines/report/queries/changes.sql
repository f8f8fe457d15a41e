with compared as (
    select period_kind, period_start, previous_start
    from marts.cost_changes
    where
        (period_kind = 'month' and period_start = '{period}-01')
        or (
            period_kind = 'week' and strftime(period_start, '%Y-%m') = '{period}'
            and strftime(period_start + interval 6 day, '%Y-%m') = '{period}'
            and strftime(previous_start, '%Y-%m') = '{period}'
        )
    order by period_kind = 'month' desc, period_start desc
    limit 1
),

changes as (
    select changes.*
    from marts.cost_changes as changes
    inner join compared
        on
            changes.period_kind = compared.period_kind
            and changes.period_start = compared.period_start
    where changes.entity = 'all'
),

parts as (
    select billing_currency, kind, part, any_value(cost_before) as cost_before, any_value(cost_after) as cost_after
    from changes
    group by all
),

lines as (
    select changes.billing_currency, 1 as step, 'from ' || compared.previous_start as line, 'total' as kind, changes.cost
    from (select billing_currency, sum(cost_before) as cost from parts group by 1) as changes
    cross join compared
    union all
    select billing_currency, 2, replace(effect, '_', ' '), 'change', sum(cost_change) from changes group by all
    union all
    select changes.billing_currency, 3, compared.period_kind || ' from ' || compared.period_start, 'total', changes.cost
    from (select billing_currency, sum(cost_after) as cost from parts group by 1) as changes
    cross join compared
)

select billing_currency as currency, line, kind, cost
from lines
order by billing_currency asc, step asc, abs(cost) desc, line asc
