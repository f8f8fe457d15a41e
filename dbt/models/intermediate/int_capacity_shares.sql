-- One row a capacity charge group and an attempt that ran on it, or a state that nobody ran in:
-- its nanoseconds of the billed GPU time and its exact share of the group's cost.
-- Every billed GPU-millisecond has one state, first match wins:
-- terminating > provisioning > starting > busy > unknown > warm_idle > unrequested.
-- Busy time is shared equally by the attempts that were running: F(t) = ∫ dt / n(t), and an attempt
-- that ran from s to e has F(e) − F(s). One sorted pass over all starts, ends and state changes.
-- With equal weights this is the Shapley value of the busy time.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet') }}
{%- set ms_per_hour = 3600000 %}
with {{ attempts_of_day("pod_uid is not null and status <> 'rejected'") }},

charge_groups as (
    select
        charge_group_id,
        resource_id,
        rule.pool as pool,
        gpu_count,
        effective_cost,
        charge_period_start,
        charge_period_end,
        billed_milliseconds * 1000000 as billed_ns,
        (epoch_ms(charge_period_end) - epoch_ms(charge_period_start)) * 1000000 as period_ns
    from {{ ref('int_charge_groups') }}
    where treatment = 'capacity' and charge_date = {{ charge_date() }} and effective_cost <> 0
),

-- A state interval belongs to every day that it touches; it was delivered on its first.
states as (
    select
        resource_id,
        gpu_index,
        gpu_count,
        pool,
        pod_uid,
        state,
        epoch_ms(greatest(started_at, cast({{ charge_date() }} as timestamp))) as started_ms,
        epoch_ms(least(ended_at, cast({{ charge_date() }} as timestamp) + interval 1 day)) as ended_ms
    from {{ ref('stg_lake__resource_states') }}
    where
        started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and ended_at > cast({{ charge_date() }} as timestamp)
        and resource_id in (select charge_groups.resource_id from charge_groups)
),

resources as (
    select
        charge_groups.resource_id,
        coalesce(max(charge_groups.gpu_count), max(states.gpu_count), max(states.gpu_index) + 1, 1) as gpus,
        coalesce(max(charge_groups.pool), max(states.pool)) as pool
    from charge_groups
    left join states on charge_groups.resource_id = states.resource_id
    group by charge_groups.resource_id
),

-- GPUs of a resource with one history, such as those that serve a model together, have the same
-- states and attempts: one of them is looked at, and counts for all.
alike_gpus as (
    select
        resource_id,
        min(gpu) as gpu,
        count(*) as gpus
    from (
        select
            gpus.resource_id,
            gpus.gpu,
            list(
                (states.pod_uid, states.state, states.started_ms, states.ended_ms)
                order by states.pod_uid, states.state, states.started_ms, states.ended_ms
            ) as history
        from (select resource_id, unnest(range(gpus)) as gpu from resources) as gpus
        left join states
            on gpus.resource_id = states.resource_id and coalesce(states.gpu_index = gpus.gpu, true)
        group by gpus.resource_id, gpus.gpu
    ) as histories
    group by resource_id, history
),

gpu_hours as (
    select
        *,
        row_number() over (order by charge_group_id, gpu, hour) as gpu_hour_id
    from (
        select
            charge_groups.charge_group_id,
            charge_groups.resource_id,
            charge_groups.billed_ns,
            charge_groups.period_ns,
            alike_gpus.gpu,
            alike_gpus.gpus,
            hours.hour
        from charge_groups
        inner join alike_gpus on charge_groups.resource_id = alike_gpus.resource_id
        cross join lateral (
            select unnest(range(
                epoch_ms(date_trunc('hour', charge_groups.charge_period_start)),
                epoch_ms(charge_groups.charge_period_end),
                {{ ms_per_hour }}
            )) as hour
        ) as hours
    )
),

-- Which GPUs a pod runs on. Where no lifecycle names the pod, the resource itself is the pod.
pods as (
    select distinct pod_uid, resource_id, gpu_index from states where pod_uid is not null
    union
    select distinct resource_id, resource_id, null::bigint
    from charge_groups
    where resource_id not in (select states.pod_uid from states where states.pod_uid is not null)
),

spans as (
    select
        gpu_hours.gpu_hour_id,
        greatest(states.started_ms, gpu_hours.hour) as s,
        least(states.ended_ms, gpu_hours.hour + {{ ms_per_hour }}) as e,
        states.state
    from states
    inner join gpu_hours
        on
            states.resource_id = gpu_hours.resource_id
            and coalesce(states.gpu_index = gpu_hours.gpu, true)
            and states.started_ms < gpu_hours.hour + {{ ms_per_hour }}
            and states.ended_ms > gpu_hours.hour
),

attempts as (
    select
        attempt_id,
        pod_uid,
        row_number() over (order by attempt_id) as attempt_key,
        greatest(epoch_ms(started_at), epoch_ms(cast({{ charge_date() }} as timestamp))) as started_ms,
        least(epoch_ms(ended_at), epoch_ms(cast({{ charge_date() }} as timestamp) + interval 1 day)) as ended_ms
    from attempts_of_day
),

attempt_hours as (
    select
        attempt_key,
        pod_uid,
        started_ms,
        ended_ms,
        unnest(range(started_ms - started_ms % {{ ms_per_hour }}, ended_ms, {{ ms_per_hour }})) as hour
    from attempts
    where ended_ms > started_ms
),

pieces as (
    select
        gpu_hours.gpu_hour_id,
        attempt_hours.attempt_key,
        greatest(attempt_hours.started_ms, attempt_hours.hour) as s,
        least(attempt_hours.ended_ms, attempt_hours.hour + {{ ms_per_hour }}) as e
    from attempt_hours
    inner join pods on attempt_hours.pod_uid = pods.pod_uid
    inner join gpu_hours
        on
            pods.resource_id = gpu_hours.resource_id
            and attempt_hours.hour = gpu_hours.hour
            and coalesce(pods.gpu_index = gpu_hours.gpu, true)
),

edges as (
    select gpu_hour_id, s as t, state, 1 as d from spans
    union all
    select gpu_hour_id, e, state, -1 from spans
    union all
    select gpu_hour_id, unnest([hour, hour + {{ ms_per_hour }}]), null, 0 from gpu_hours
),

-- 0 warm_idle, 1 unrequested, 2 unknown; 3 and more are scaling, in which nothing counts as busy.
timeline as (
    select
        gpu_hour_id,
        t as s,
        lead(t) over state_order as e,
        case
            when sum(d) filter (where state = 'terminating') over state_order > 0 then 5
            when sum(d) filter (where state = 'provisioning') over state_order > 0 then 4
            when sum(d) filter (where state = 'starting') over state_order > 0 then 3
            when sum(d) filter (where state = 'ready') over state_order > 0 then 0
            when sum(d) filter (where state = 'node_ready') over state_order > 0 then 1
            else 2
        end as code
    from edges
    window state_order as (partition by gpu_hour_id order by t, d, state rows unbounded preceding)
),

-- Events have a total order (time, key, sign): windows that break ties differently would disagree.
events as (
    select gpu_hour_id, s as t, attempt_key as k, 1 as d, 0 as code from pieces
    union all
    select gpu_hour_id, e, -attempt_key, -1, 0 from pieces
    union all
    select gpu_hour_id, s, 0, 0, code from timeline where e > s
    union all
    select gpu_hour_id, e, 0, 0, -code from timeline where e > s
),

running as (
    select
        *,
        lead(t) over event_order - t as dt,
        sum(d) over event_order as active,
        sum(code) over event_order as state_code
    from events
    window event_order as (partition by gpu_hour_id order by t, k, code, d rows unbounded preceding)
),

integrand as (
    select
        *,
        case when dt > 0 and state_code <= 2 and active > 0 then dt / active::double end as df
    from running
),

integrated as (
    select
        *,
        coalesce(sum(df) over (
            partition by gpu_hour_id order by t, k, code, d rows between unbounded preceding and 1 preceding
        ), 0) as f
    from integrand
),

busy as (
    select
        gpu_hour_id,
        abs(k) as attempt_key,
        round((max(f) - min(f)) * 1e6)::bigint as ns
    from integrated
    where k <> 0
    group by gpu_hour_id, abs(k)
),

state_ns as (
    select
        gpu_hour_id,
        case
            when df is not null then 'busy'
            when state_code = 0 then 'warm_idle'
            when state_code = 1 then 'unrequested'
            when state_code = 2 then 'unknown'
            when state_code = 3 then 'starting'
            when state_code = 4 then 'provisioning'
            else 'terminating'
        end as state,
        sum(dt)::bigint * 1000000 as ns
    from integrated
    where dt > 0
    group by all
),

observed as (
    select
        gpu_hours.charge_group_id,
        gpu_hours.gpu,
        any_value(gpu_hours.billed_ns) as billed_ns,
        any_value(gpu_hours.period_ns) as period_ns,
        any_value(gpu_hours.gpus) as gpus,
        coalesce(sum(state_ns.ns) filter (where state_ns.state <> 'unknown'), 0)::bigint as observed_ns
    from gpu_hours
    left join state_ns on gpu_hours.gpu_hour_id = state_ns.gpu_hour_id
    group by gpu_hours.charge_group_id, gpu_hours.gpu
),

-- Observed excess is scaled to what was billed, GPU by GPU; what is missing is unknown.
-- A bill that states no time was for the time that was observed, or else for its whole period.
gpu_totals as (
    select
        charge_group_id,
        gpu,
        gpus,
        observed_ns,
        coalesce(billed_ns, nullif(observed_ns, 0), period_ns) as billed_ns
    from observed
),

members as (
    select gpu_hour_id, attempt_key, 'busy' as state, ns from busy
    union all
    select gpu_hour_id, null, state, ns from state_ns where state not in ('busy', 'unknown')
),

weights as (
    select
        gpu_totals.charge_group_id,
        members.attempt_key,
        members.state,
        case
            when gpu_totals.observed_ns > gpu_totals.billed_ns
                then floor(members.ns * (gpu_totals.billed_ns / gpu_totals.observed_ns::double))::bigint
            else members.ns
        end * gpu_totals.gpus as weight
    from members
    inner join gpu_hours on members.gpu_hour_id = gpu_hours.gpu_hour_id
    inner join gpu_totals
        on gpu_hours.charge_group_id = gpu_totals.charge_group_id and gpu_hours.gpu = gpu_totals.gpu
    union all
    select
        charge_group_id,
        null,
        'unknown',
        (billed_ns - observed_ns) * gpus
    from gpu_totals
    where billed_ns > observed_ns
),

weighted as (
    select
        weights.charge_group_id,
        weights.attempt_key,
        weights.state,
        any_value(charge_groups.resource_id) as resource_id,
        any_value(charge_groups.effective_cost) as amount,
        sum(weights.weight)::bigint as weight,
        sum(sum(weights.weight)) over (partition by weights.charge_group_id)::bigint as total_weight
    from weights
    inner join charge_groups on weights.charge_group_id = charge_groups.charge_group_id
    group by weights.charge_group_id, weights.attempt_key, weights.state
),

scaled as (
    select
        charge_group_id,
        bool_or(observed_ns > billed_ns) as is_scaled
    from gpu_totals
    group by charge_group_id
),

shares as (
    {{ exact_shares('weighted', 'charge_group_id', 'state, attempt_key') }}
)

select
    {{ charge_date() }} as charge_date,
    shares.charge_group_id,
    shares.resource_id,
    coalesce(resources.pool, '(none)') as pool,
    attempts.attempt_id,
    shares.state,
    shares.weight as nanoseconds,
    shares.total_weight as billed_nanoseconds,
    scaled.is_scaled,
    shares.share as effective_cost
from shares
inner join resources on shares.resource_id = resources.resource_id
inner join scaled on shares.charge_group_id = scaled.charge_group_id
left join attempts on shares.attempt_key = attempts.attempt_key
where shares.weight > 0 or shares.share <> 0
