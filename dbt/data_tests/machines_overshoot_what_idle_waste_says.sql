-- What new machines cost until demand used them is the idle waste of that reason, machine by machine.
with machines as (
    select
        resource_id,
        billing_currency,
        sum(overshoot_cost) as overshoot_cost
    from {{ ref('scale_outs') }}
    where cost_reason is null
    group by resource_id, billing_currency
),

gaps as (
    select
        resource_id,
        billing_currency,
        sum(idle_cost) as idle_cost
    from {{ ref('int_idle_reasons') }}
    where
        reason = 'overshoot'
        and resource_id not in (
            select told.resource_id from {{ ref('scale_outs') }} as told where told.cost_reason is not null
        )
    group by resource_id, billing_currency
)

select
    coalesce(machines.resource_id, gaps.resource_id) as resource_id,
    coalesce(machines.billing_currency, gaps.billing_currency) as billing_currency,
    machines.overshoot_cost,
    gaps.idle_cost
from machines
full join gaps
    on machines.resource_id = gaps.resource_id and machines.billing_currency = gaps.billing_currency
where coalesce(machines.overshoot_cost, 0) <> coalesce(gaps.idle_cost, 0)
