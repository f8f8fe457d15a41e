-- One row a capacity charge group and an attempt that ran on it, or a workload of a cloud's own split
-- where no telemetry knows what ran, or a state that nobody's request was in: its nanoseconds of the
-- billed time and its exact share of the group's cost.
-- Every billed GPU-millisecond has one state, first match wins:
-- terminating > provisioning > starting > busy > unknown > warm_idle > unrequested.
-- Busy time is shared by the attempts that were running, by their rates φ: F(t) = ∫ dt / Σφ, and an
-- attempt that ran from s to e has φ × (F(e) − F(s)). One sorted pass over all starts, ends and state
-- changes. φ is the attempt's weighted tokens a millisecond; with φ = 1 (the equal_… columns) it is
-- the Shapley value of the busy time.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'day_hash': 'attempts_hash', 'grain': 'attempt'}) }}
{%- set ms_per_hour = 3600000 -%}
{%- set midnight = 'epoch_ms(cast(' ~ charge_date() ~ ' as timestamp))' -%}
with charge_groups as materialized (
    select
        charge_group_id,
        (row_number() over (order by charge_group_id))::int as group_key,
        resource_id,
        rule.pool as pool,
        gpu_count,
        service_provider_name,
        model,
        effective_cost,
        -- Whole nano-units, rounded down; what is finer goes to one member.
        {{ nano('effective_cost') }} as near_units,
        near_units - ({{ from_nano('near_units') }} > abs(effective_cost))::bigint as units,
        charge_period_start,
        charge_period_end,
        billed_milliseconds * 1000000 as billed_ns,
        (epoch_ms(charge_period_end) - epoch_ms(charge_period_start)) * 1000000 as period_ns
    from {{ ref('int_charge_groups') }}
    where treatment = 'capacity' and charge_date = {{ charge_date() }} and effective_cost <> 0
),

-- A state interval belongs to every day that it touches; it was delivered on its first. A pod with
-- slots has a part of the GPU, or of the machine, for its own.
states as materialized (
    select
        resource_id,
        gpu_index,
        gpu_count,
        pool,
        pod_uid,
        slots,
        slots_of,
        if(slots is not null, pod_uid, null) as slot_pod,
        state,
        epoch_ms(greatest(started_at, cast({{ charge_date() }} as timestamp))) as started_ms,
        epoch_ms(least(ended_at, cast({{ charge_date() }} as timestamp) + interval 1 day)) as ended_ms
    from {{ ref('stg_lake__resource_states') }}
    where
        started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and ended_at > cast({{ charge_date() }} as timestamp)
        and resource_id in (select charge_groups.resource_id from charge_groups)
),

{{ provisioned_endpoints() }},

{{ machine_requests() }},

{{ provisioned_attempts() }},

{{ label_weights(
    'select distinct label from delivered_requests'
    ~ ' union select model from ' ~ ref('stg_lake__counter_deltas') ~ ' where counted_by = \'engine\''
) }},

timed as (
    select
        requests.attempt_id,
        coalesce(requests.pod_uid, endpoint_attempts.endpoint) as replica,
        requests.starts,
        requests.ends,
        {{ weighted_tokens() }} as tokens,
        {{ weighted_tokens('uncached_input') }} as tokens_with_cached
    from requests
    left join endpoint_attempts
        on
            requests.pod_uid is null
            and requests.label = endpoint_attempts.label
            and requests.provider_name is not distinct from endpoint_attempts.provider_name
            and requests.service_tier is not distinct from endpoint_attempts.service_tier
    left join label_weights on requests.label = label_weights.label
),

-- φ, a whole number: billionths of a weighted token a millisecond, at least 1.
attempts as materialized (
    select
        attempt_id,
        replica,
        (row_number() over (order by attempt_id))::int as attempt_key,
        greatest(starts, {{ midnight }}) as started_ms,
        least(ends, {{ midnight }} + 24 * {{ ms_per_hour }}) as ended_ms,
        tokens,
        tokens_with_cached,
        {{ token_rate('tokens', '(ends - starts)') }} as rate,
        {{ token_rate('tokens_with_cached', '(ends - starts)') }} as rate_with_cached
    from timed
    where replica is not null and ends > starts and ends > {{ midnight }}
),

attempt_hours as (
    select
        attempt_key,
        replica,
        rate,
        rate_with_cached,
        hour,
        greatest(started_ms, hour) as s,
        least(ended_ms, hour + {{ ms_per_hour }}) as e,
        e - s as milliseconds
    from (
        -- Most end in the hour that they began in: a list of one is dear.
        select *, started_ms - started_ms % {{ ms_per_hour }} as hour
        from attempts
        where started_ms // {{ ms_per_hour }} = (ended_ms - 1) // {{ ms_per_hour }}
        union all
        select *, unnest(range(started_ms - started_ms % {{ ms_per_hour }}, ended_ms, {{ ms_per_hour }}))
        from attempts
        where started_ms // {{ ms_per_hour }} < (ended_ms - 1) // {{ ms_per_hour }}
    ) as hours
),

{{ capacity_lanes() }},

{{ replica_hours() }},

{{ split_members() }},

rated_lanes as (
    select replica_lanes.*, replica_hours.mean_rate
    from replica_lanes
    left join replica_hours
        on replica_lanes.replica = replica_hours.replica and replica_lanes.hour = replica_hours.hour
),

pieces as (
    select
        rated_lanes.lane,
        attempt_hours.attempt_key,
        attempt_hours.s,
        attempt_hours.e,
        coalesce(attempt_hours.rate, rated_lanes.mean_rate, 1) as phi
    from attempt_hours
    inner join rated_lanes
        on attempt_hours.replica = rated_lanes.replica and attempt_hours.hour = rated_lanes.hour
),

{{ busy_time() }}, -- noqa: PRS

-- Observed excess is scaled to what was billed, GPU by GPU; what is missing is unknown.
-- A bill that states no time was for the time that was observed, or else for its whole period.
gpu_totals as (
    select
        *,
        coalesce(billed_ns, nullif(observed_ns, 0), period_ns) as total_ns
    from (
        select
            lanes.group_key,
            lanes.gpu,
            any_value(lanes.gpus) as gpus,
            any_value(charge_groups.billed_ns) as billed_ns,
            any_value(charge_groups.period_ns) as period_ns,
            coalesce(sum(state_ticks.ticks) filter (where state_ticks.is_observed), 0)
            * (1000000 / any_value(lanes.parts)) as observed_ns
        from lanes
        inner join charge_groups on lanes.group_key = charge_groups.group_key
        left join state_ticks on lanes.lane = state_ticks.lane
        group by lanes.group_key, lanes.gpu
    ) as observed
),

lane_scales as (
    select
        lanes.lane,
        lanes.group_key,
        gpu_totals.gpus * (1000000 / lanes.parts)
        * if(gpu_totals.observed_ns > gpu_totals.total_ns, gpu_totals.total_ns / gpu_totals.observed_ns, 1) as scale,
        scale * (1 - coalesce(ghosts.part, 0)) as traced_scale
    from lanes
    inner join gpu_totals on lanes.group_key = gpu_totals.group_key and lanes.gpu = gpu_totals.gpu
    left join ghosts on lanes.lane = ghosts.lane
),

-- Weights in 128ths of a nanosecond: sums of whole numbers do not depend on the order. Members that
-- are no attempt are −1 to −7, see the names at the end; −8 is a ghost.
members as (
    select
        lane_scales.group_key,
        shares.member,
        max(shares.phi) as phi,
        sum((shares.ticks * lane_scales.traced_scale * 128)::bigint)::bigint as weight,
        sum((shares.equal_ticks * lane_scales.traced_scale * 128)::bigint)::bigint as equal_weight
    from shares
    inner join lane_scales on shares.lane = lane_scales.lane
    group by lane_scales.group_key, shares.member
    union all
    select
        group_key,
        member,
        null,
        sum(weight)::bigint,
        sum(weight)::bigint
    from (
        select
            lane_scales.group_key,
            if(state_ticks.is_shared or (state_ticks.state = 3 and ghosts.lane is not null), -8, -1 - state_ticks.state)
                as member,
            (
                state_ticks.ticks * 128
                * if(state_ticks.is_shared, lane_scales.scale - lane_scales.traced_scale, lane_scales.scale)
            )::bigint as weight
        from state_ticks
        inner join lane_scales on state_ticks.lane = lane_scales.lane
        left join ghosts on state_ticks.lane = ghosts.lane
        where state_ticks.is_observed
    ) as states_of_lanes
    group by group_key, member
    union all
    select group_key, -3, null, sum(weight)::bigint, sum(weight)::bigint
    from (
        select
            group_key,
            (gpus * greatest(0, total_ns - observed_ns) * 128)::bigint as weight
        from gpu_totals
    ) as unknown
    where group_key not in (select split_members.group_key from split_members)
    group by group_key
    union all
    select group_key, member, null, weight, weight from split_members
),

{{ hand_out() }}

select
    {{ charge_date() }} as charge_date,
    charge_groups.charge_group_id,
    charge_groups.resource_id,
    coalesce(resources.pool, '(none)') as pool,
    attempts.attempt_id,
    workloads.namespace,
    workloads.workload,
    case handed_out.member
        when -1 then 'warm_idle'
        when -2 then 'unrequested'
        when -3 then 'unknown'
        when -5 then 'starting'
        when -6 then 'provisioning'
        when -7 then 'terminating'
        else 'busy'
    end as state,
    handed_out.member = -8 as is_ghost,
    handed_out.phi,
    handed_out.ns as nanoseconds,
    handed_out.equal_ns as equal_nanoseconds,
    sums.total_ns as billed_nanoseconds,
    sums.is_scaled
    {%- for units, cost in [('units', 'effective_cost'), ('equal_units', 'equal_weight_cost')] %},
    (sign(charge_groups.effective_cost)::decimal(2, 0) * if(
        handed_out.{{ units }}_rank = 1,
        abs(charge_groups.effective_cost) - {{ from_nano('charge_groups.units - handed_out.' ~ units) }},
        {{ from_nano('handed_out.' ~ units) }}
    ))::decimal(38, 12) as {{ cost }}
    {%- endfor %}
from handed_out
inner join sums on handed_out.group_key = sums.group_key
inner join charge_groups on handed_out.group_key = charge_groups.group_key
inner join resources on charge_groups.resource_id = resources.resource_id
left join attempts on handed_out.member = attempts.attempt_key
left join workloads on handed_out.member = workloads.member
