-- Machines that were started: how long until they were ready, until demand used them, and what that cost.
with first_gaps as (
    select
        resource_id,
        life,
        billing_currency,
        max(gap_ended_at) as gap_ended_at,
        sum(idle_cost)::decimal(38, 12) as idle_cost,
        sum(recoverable_cost)::decimal(38, 12) as recoverable_cost
    from {{ ref('int_idle_reasons') }}
    where reason = 'overshoot'
    group by resource_id, life, billing_currency
),

machines as (
    select
        machines.*,
        rates.billing_currency,
        machines.first_pod_ready_at is not null
        and rates.billing_currency is not null
        and coalesce(machines.baseline_from > machines.first_pod_ready_at, true) as is_followed
    from {{ ref('int_machines') }} as machines
    left join (
        select resource_id, min(billing_currency) as billing_currency
        from {{ ref('int_machine_rates') }}
        group by resource_id
        having count(distinct billing_currency) = 1
    ) as rates on machines.resource_id = rates.resource_id
    where machines.is_start_seen
),

-- The hours of the bill that lie over the start.
starts as (
    select
        machines.resource_id,
        machines.life,
        sum(unused.effective_cost)::decimal(38, 12) as start_cost
    from machines
    inner join {{ ref('int_unused_capacity') }} as unused
        on
            machines.resource_id = unused.resource_id
            and machines.billing_currency = unused.billing_currency
            and unused.state in ('provisioning', 'starting')
            and unused.hour_started_at < coalesce(machines.first_pod_ready_at, machines.ended_at)
            and unused.hour_ended_at > machines.started_at
    group by machines.resource_id, machines.life
)

select
    machines.started_at::date as charge_date,
    machines.pool,
    machines.resource_id,
    machines.started_at,
    machines.ready_at,
    machines.first_pod_ready_at,
    case
        when not machines.is_followed then null
        when first_gaps.gap_ended_at is null then machines.first_pod_ready_at
        when loads.pods_end > first_gaps.gap_ended_at then first_gaps.gap_ended_at
    end as used_at,
    if(
        machines.is_followed,
        epoch_ms(coalesce(first_gaps.gap_ended_at, machines.first_pod_ready_at))
        - epoch_ms(machines.first_pod_ready_at),
        null
    ) as unused_ms,
    case
        when machines.first_pod_ready_at is null then 'no pod was ready'
        when machines.billing_currency is null then 'no bill of the machine, or several currencies'
        when not machines.is_followed then 'kept as the minimum of its pool'
        when first_gaps.gap_ended_at >= loads.pods_end then 'no request until its end'
    end as used_reason,
    machines.billing_currency,
    starts.start_cost,
    case when machines.billing_currency is not null then coalesce(first_gaps.idle_cost, 0) end::decimal(38, 12)
        as overshoot_cost,
    case when machines.billing_currency is not null then coalesce(first_gaps.recoverable_cost, 0) end::decimal(38, 12)
        as recoverable_cost_estimate,
    case when machines.billing_currency is null then 'no bill of the machine, or several currencies' end as cost_reason
from machines
left join first_gaps
    on
        machines.resource_id = first_gaps.resource_id
        and machines.life = first_gaps.life
        and machines.billing_currency = first_gaps.billing_currency
left join starts on machines.resource_id = starts.resource_id and machines.life = starts.life
-- A gap that ends with the last pod was not ended by a request.
left join (
    select resource_id, life, max(ready_until) as pods_end
    from {{ ref('int_model_loads') }}
    group by resource_id, life
) as loads on machines.resource_id = loads.resource_id and machines.life = loads.life
