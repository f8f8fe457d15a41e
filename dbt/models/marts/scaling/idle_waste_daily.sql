-- Idle capacity by why it was idle, and what of it could have been stopped.
select
    charge_date,
    pool,
    reason,
    owner,
    billing_currency,
    sum(nanoseconds)::bigint as idle_gpu_nanoseconds,
    sum(idle_cost)::decimal(38, 12) as idle_cost,
    sum(recoverable_cost)::decimal(38, 12) as recoverable_cost_estimate,
    case when reason = 'correction' then 'a correction does not say when nothing ran' end as recoverable_reason
from (
    select charge_date, pool, reason, owner, billing_currency, nanoseconds, idle_cost, recoverable_cost
    from {{ ref('int_idle_reasons') }}
    union all
    -- Idle between requests that were close to each other, or beside others on the machine.
    select
        pieces.charge_date,
        pieces.pool,
        case
            when pieces.is_correction then 'correction'
            when machines.baseline_from <= pieces.hour_started_at then 'baseline'
            else 'other'
        end,
        pieces.owner,
        pieces.billing_currency,
        pieces.nanoseconds,
        pieces.effective_cost,
        case when not pieces.is_correction then 0 end
    from {{ ref('int_unused_capacity') }} as pieces
    left join {{ ref('int_machines') }} as machines
        on
            pieces.resource_id = machines.resource_id
            and pieces.hour_started_at >= machines.started_at
            and pieces.hour_started_at < machines.ended_at
    where pieces.component = 'idle' and pieces.started_at is null
) as parts
group by charge_date, pool, reason, owner, billing_currency
