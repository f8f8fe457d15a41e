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
{{ config(materialized='daily_parquet', meta={'day_hash': 'attempts_hash'}) }}
{%- set ms_per_hour = 3600000 -%}
{%- set midnight = 'epoch_ms(cast(' ~ charge_date() ~ ' as timestamp))' -%}
-- F in whole numbers: their sums do not depend on the order, and what is divided loses nothing.
{% set unit = '19342813113834066795298816::double' %}
{%- set quotas = {
    'ns': 'sums.total_ns * (members.weight / sums.weight)',
    'equal_ns': 'sums.total_ns * (members.equal_weight / sums.equal_weight)',
    'units': 'sums.units * (members.weight / sums.weight)',
    'equal_units': 'sums.units * (members.equal_weight / sums.equal_weight)',
} %}
with charge_groups as materialized (
    select
        charge_group_id,
        row_number() over (order by charge_group_id) as group_key,
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

{{ attempts_of_day(
    "status not in ('rejected', 'cached')"
    ~ ' and (pod_uid is not null'
    ~ ' or coalesce(response_model, request_model) in (select endpoint_labels.label from endpoint_labels))'
) }},

{{ provisioned_attempts() }},

{{ label_weights(
    'select distinct coalesce(response_model, request_model) as label from attempts_of_day'
    ~ ' union select model from ' ~ ref('stg_lake__counter_deltas') ~ ' where counted_by = \'engine\''
) }},

-- The server's interval: what a request waited in its queue is left out.
timed as (
    select
        attempts_of_day.attempt_id,
        coalesce(attempts_of_day.pod_uid, endpoint_attempts.endpoint) as replica,
        epoch_ms(attempts_of_day.started_at) + coalesce(attempts_of_day.queued_ms, 0) as starts,
        epoch_ms(attempts_of_day.ended_at) as ends,
        {{ weighted_tokens() }} as tokens,
        {{ weighted_tokens('uncached_input') }} as tokens_with_cached
    from attempts_of_day
    left join endpoint_attempts
        on
            attempts_of_day.pod_uid is null
            and coalesce(attempts_of_day.response_model, attempts_of_day.request_model) = endpoint_attempts.label
            and attempts_of_day.provider_name is not distinct from endpoint_attempts.provider_name
            and attempts_of_day.service_tier is not distinct from endpoint_attempts.service_tier
    left join label_weights
        on coalesce(attempts_of_day.response_model, attempts_of_day.request_model) = label_weights.label
),

-- φ, a whole number: billionths of a weighted token a millisecond, at least 1.
attempts as materialized (
    select
        attempt_id,
        replica,
        row_number() over (order by attempt_id) as attempt_key,
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
        select *, unnest(range(started_ms - started_ms % {{ ms_per_hour }}, ended_ms, {{ ms_per_hour }})) as hour
        from attempts
    ) as hours
),

{{ capacity_lanes() }},

{{ replica_hours() }},

{{ split_members() }},

pieces as (
    select
        replica_lanes.lane,
        attempt_hours.attempt_key,
        attempt_hours.s,
        attempt_hours.e,
        coalesce(attempt_hours.rate, replica_hours.mean_rate, 1) as phi
    from attempt_hours
    inner join replica_lanes
        on attempt_hours.replica = replica_lanes.replica and attempt_hours.hour = replica_lanes.hour
    left join replica_hours
        -- An equality, so that it is found by its hash.
        on
            if(attempt_hours.rate is null, attempt_hours.replica, null) = replica_hours.replica
            and attempt_hours.hour = replica_hours.hour
),

edges as (
    select lane, s as t, state, 1 as d, 0 as width from spans
    union all
    select lane, e, state, -1, 0 from spans
    union all
    select lane, s, state, 1, 0 from active_spans
    union all
    select lane, e, state, -1, 0 from active_spans
    union all
    select lane, t, null, 0, width from widths
),

-- Busy are the first four where a request runs, and the engine's own activity where none does; in
-- scaling, from 4 on, nothing counts as busy.
timeline as (
    select
        lane,
        t as s,
        lead(t) over state_order as e,
        case
            when sum(d) filter (where state = 'terminating') over state_order > 0 then 6
            when sum(d) filter (where state = 'provisioning') over state_order > 0 then 5
            when sum(d) filter (where state = 'starting') over state_order > 0 then 4
            when sum(d) filter (where state = 'active') over state_order > 0 then 3
            when sum(d) filter (where state = 'ready') over state_order > 0 then 0
            when sum(d) filter (where state = 'held') over state_order > 0 then 2
            when sum(d) filter (where state = 'node_ready') over state_order > 0 then 1
            else 2
        end + 8 * greatest(0, sum(width) over state_order) as state_code
    from edges
    window state_order as (partition by lane order by t, d, width, state rows unbounded preceding)
),

-- Events have a total order (time, key, sign): windows that break ties differently would disagree.
events as (
    select lane, s as t, attempt_key as k, 1 as d, phi, 0 as code from pieces
    union all
    select lane, e, attempt_key, -1, -phi, 0 from pieces
    union all
    select lane, s, 0, 0, 0, state_code from timeline where e > s
    union all
    select lane, e, 0, 0, 0, -state_code from timeline where e > s
),

running as (
    select
        lane,
        t,
        k,
        d,
        phi,
        code,
        lead(t) over event_order - t as dt,
        sum(d) over event_order as active,
        sum(phi) over event_order as total_phi,
        sum(code) over event_order as state_code
    from events
    window event_order as (partition by lane order by t, k, code, d rows unbounded preceding)
),

-- Time in parts of a GPU: milliseconds × parts of the lane.
timed_parts as (
    select
        * exclude (state_code, dt),
        dt * (state_code >> 3) as ticks,
        state_code & 7 as state,
        active > 0 and ticks > 0 and state <= 3 as is_shared
    from running
),

integrated as (
    select
        *,
        coalesce(sum(case when is_shared then (ticks * {{ unit }} / total_phi)::hugeint end) over past, 0) as f,
        coalesce(sum(case when is_shared then (ticks * {{ unit }} / active)::hugeint end) over past, 0) as equal_f
    from timed_parts
    window past as (
        partition by lane order by t, k, code, d rows between unbounded preceding and 1 preceding
    )
),

shares as (
    select
        lane,
        k as member,
        max(phi) as phi,
        max(phi) * ((max(f) - min(f))::double / {{ unit }}) as ticks,
        (max(equal_f) - min(equal_f))::double / {{ unit }} as equal_ticks
    from integrated
    where k > 0
    group by lane, k
),

state_ticks as (
    select
        lane,
        is_shared,
        state,
        sum(ticks)::bigint as ticks,
        is_shared or state <> 2 as is_observed
    from timed_parts
    where ticks > 0
    group by lane, is_shared, state
),

-- What was counted but not traced takes its part of the weighted tokens from all that ran: requests
-- whose traces were lost ran when others did. What the engine was seen to do alone is its, too.
ghosts as (
    select
        state_ticks.lane,
        any_value(lane_hours.untraced_tokens) * (
            coalesce(sum(state_ticks.ticks) filter (where state_ticks.is_shared), 0) / sum(state_ticks.ticks)::double
        ) as tokens_beside,
        tokens_beside / nullif(any_value(lane_hours.traced_tokens) + tokens_beside, 0) as part
    from state_ticks
    inner join lane_hours on state_ticks.lane = lane_hours.lane
    where lane_hours.untraced_tokens > 0 and (state_ticks.is_shared or state_ticks.state = 3)
    group by state_ticks.lane
),

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
    from (select group_key, (gpus * greatest(0, total_ns - observed_ns) * 128)::bigint as weight from gpu_totals) as unknown
    where group_key not in (select split_members.group_key from split_members)
    group by group_key
    union all
    select group_key, member, null, weight, weight from split_members
),

sums as (
    select
        members.group_key,
        sum(members.weight)::double as weight,
        sum(members.equal_weight)::double as equal_weight,
        any_value(totals.total_ns) as total_ns,
        any_value(totals.is_scaled) as is_scaled,
        any_value(charge_groups.units) as units
    from members
    inner join (
        select
            group_key,
            sum((gpus * total_ns)::bigint)::bigint as total_ns,
            bool_or(observed_ns > total_ns + 0.5) as is_scaled
        from gpu_totals
        group by group_key
    ) as totals on members.group_key = totals.group_key
    inner join charge_groups on members.group_key = charge_groups.group_key
    group by members.group_key
),

quotas as (
    select
        members.group_key,
        members.member,
        members.phi
        {%- for name, quota in quotas.items() %},
        {{ quota }} as {{ name }}
        {%- endfor %}
    from members
    inner join sums on members.group_key = sums.group_key
    where members.weight > 0 or members.equal_weight > 0
),

left_over as (
    select
        quotas.group_key
        {%- for name in quotas %},
        (any_value(sums.{{ 'total_ns' if name.endswith('ns') else 'units' }}) - sum(floor(quotas.{{ name }})::bigint))::bigint
            as {{ name }}
        {%- endfor %}
    from quotas
    inner join sums on quotas.group_key = sums.group_key
    group by quotas.group_key
),

-- Whole nanoseconds and nano-units, by the largest remainders, ties to the smaller key: the sums
-- are exact, and each is right within one.
ranked as (
    select
        *
        {%- for name in quotas %},
        row_number() over (
            partition by group_key order by {{ name }} - floor({{ name }}) desc, member
        ) as {{ name }}_rank
        {%- endfor %}
    from quotas
),

handed_out as (
    select
        ranked.group_key,
        ranked.member,
        ranked.phi,
        ranked.units_rank,
        ranked.equal_units_rank
        {%- for name in quotas %},
        floor(ranked.{{ name }})::bigint + (ranked.{{ name }}_rank <= left_over.{{ name }})::bigint as {{ name }}
        {%- endfor %}
    from ranked
    inner join left_over on ranked.group_key = left_over.group_key
)

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
