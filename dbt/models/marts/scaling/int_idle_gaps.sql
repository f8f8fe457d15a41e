-- One row a piece of an idle gap, with the gap's beginning and end over hours and days, and the reason
-- for which it was idle.
{{ config(materialized='view', schema='intermediate', contract={'enforced': false}) }}
with pieces as (
    select
        charge_date,
        charge_group_id,
        resource_id,
        pool,
        owner,
        billing_currency,
        state,
        started_at,
        ended_at,
        nanoseconds,
        effective_cost as idle_cost,
        stoppable_cost,
        coalesce(is_alone, false) as is_alone
    from {{ ref('int_unused_capacity') }}
    where component = 'idle' and started_at is not null
),

-- Where the pool's minimum begins to count a machine, its gap ends and another begins.
lived as (
    select
        pieces.*,
        machines.life,
        machines.first_pod_ready_at,
        machines.is_start_seen,
        {% for name in ['cooldown_ms', 'policy_drain_ms', 'warm_up_ms'] -%}
        coalesce(
            machines.{{ name }},
            {{ scaling_default(name.replace('policy_', '').replace('_ms', '_s')) }} * 1000
        ) as {{ name }},
        {% endfor -%}
        least(greatest(coalesce(machines.baseline_from, pieces.ended_at), pieces.started_at), pieces.ended_at) as cut_at
    from pieces
    left join {{ ref('int_machines') }} as machines
        on
            pieces.resource_id = machines.resource_id
            and pieces.started_at >= machines.started_at
            and pieces.started_at < machines.ended_at
),

halves as (
    select
        *,
        epoch_ms(cut_at) - epoch_ms(started_at) as first_ms,
        epoch_ms(ended_at) - epoch_ms(started_at) as all_ms,
        {{ cost_of_ms('idle_cost', 'first_ms', 'all_ms') }} as first_cost,
        {{ cost_of_ms('stoppable_cost', 'first_ms', 'all_ms') }} as first_stoppable_cost,
        (nanoseconds::hugeint * first_ms // all_ms)::bigint as first_nanoseconds
    from lived
    where cut_at > started_at and cut_at < ended_at
),

cut as (
    select *, cut_at <= started_at as is_baseline
    from lived
    where cut_at <= started_at or cut_at >= ended_at
    union all by name
    select
        * exclude (first_ms, all_ms, first_cost, first_stoppable_cost, first_nanoseconds) replace (
            cut_at as ended_at, first_cost as idle_cost, first_stoppable_cost as stoppable_cost,
            first_nanoseconds as nanoseconds
        ),
        false as is_baseline
    from halves
    union all by name
    select
        * exclude (first_ms, all_ms, first_cost, first_stoppable_cost, first_nanoseconds) replace (
            cut_at as started_at, idle_cost - first_cost as idle_cost,
            stoppable_cost - first_stoppable_cost as stoppable_cost, nanoseconds - first_nanoseconds as nanoseconds
        ),
        true as is_baseline
    from halves
),

-- Charges of several sources or periods can tell of the same hour: what is in step is one gap. Most pieces are
-- gaps by themselves; those of others are found in few columns.
marked as (
    select
        resource_id,
        is_baseline,
        started_at,
        ended_at,
        coalesce(started_at > max(ended_at) over (
            partition by resource_id, is_baseline order by started_at, ended_at
            rows between unbounded preceding and 1 preceding
        ), true) as is_first
    from (select distinct resource_id, is_baseline, started_at, ended_at from cut where not is_alone) as times
),

numbered as (
    select
        *,
        sum(is_first::int) over (
            partition by resource_id, is_baseline order by started_at, ended_at rows unbounded preceding
        ) as gap
    from marked
),

gaps as (
    select *, started_at as gap_started_at, ended_at as gap_ended_at
    from cut
    where is_alone
    union all
    select
        cut.*,
        numbered.gap_started_at,
        numbered.gap_ended_at
    from cut
    inner join (
        select
            resource_id,
            is_baseline,
            started_at,
            ended_at,
            min(started_at) over of_gap as gap_started_at,
            max(ended_at) over of_gap as gap_ended_at
        from numbered
        window of_gap as (partition by resource_id, is_baseline, gap)
    ) as numbered
        on
            cut.resource_id is not distinct from numbered.resource_id
            and cut.is_baseline = numbered.is_baseline
            and cut.started_at = numbered.started_at
            and cut.ended_at = numbered.ended_at
    where not cut.is_alone
)

select
    * exclude (
        stoppable_cost, first_pod_ready_at, is_start_seen, cooldown_ms, policy_drain_ms, warm_up_ms, cut_at,
        is_baseline, is_alone
    ),
    case
        when state = 'unrequested' and coalesce(started_at < first_pod_ready_at, false) then 'warm_up'
        when is_baseline then 'baseline'
        when is_start_seen and gap_started_at <= first_pod_ready_at and gap_ended_at > first_pod_ready_at
            then 'overshoot'
        when is_start_seen and first_pod_ready_at is null then 'overshoot'
        else 'other'
    end as reason,
    case when is_baseline then 0 else greatest(
        0,
        least(
            epoch_ms(ended_at), epoch_ms(gap_ended_at) - warm_up_ms
        ) - greatest(
            epoch_ms(started_at), epoch_ms(gap_started_at) + cooldown_ms + policy_drain_ms
        )
    ) end as recoverable_ms,
    case when recoverable_ms = 0 then 0::decimal(38, 12) else
        {{ cost_of_ms('stoppable_cost', 'recoverable_ms', '(epoch_ms(ended_at) - epoch_ms(started_at))') }}
    end as recoverable_cost
from gaps
