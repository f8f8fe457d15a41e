{# Of each entity, all changes of a period add up to the cost of the period minus that of the one before. #}
{% test changes_add_up(model) %}
with parts as (
    select
        date_trunc('month', charge_date)::date as month,
        billing_currency,
        entity,
        sum(effective_cost) as effective_cost
    from {{ ref('cost_parts_daily') }}
    group by all
),

changes as (
    select period_start, billing_currency, entity, sum(cost_change) as cost_change
    from {{ model }}
    where period_kind = 'month'
    group by all
)

select
    after.month,
    after.billing_currency,
    after.entity,
    after.effective_cost - before.effective_cost as expected,
    changes.cost_change
from parts as after
inner join parts as before
    on
        after.month = before.month + interval 1 month
        and after.billing_currency = before.billing_currency
        and after.entity = before.entity
left join changes
    on
        after.month = changes.period_start
        and after.billing_currency = changes.billing_currency
        and after.entity = changes.entity
where after.effective_cost - before.effective_cost <> coalesce(changes.cost_change, 0)
union all
select
    changes.period_start,
    changes.billing_currency,
    changes.entity,
    changes.cost_after - changes.cost_before,
    sum(changes.cost_change)
from {{ model }} as changes
group by
    changes.period_kind, changes.period_start, changes.billing_currency, changes.entity, changes.value, changes.kind,
    changes.part, changes.cost_before, changes.cost_after
having sum(changes.cost_change) <> changes.cost_after - changes.cost_before
{% endtest %}
