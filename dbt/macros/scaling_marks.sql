{# How far apart what a pool is waiting for may be in one episode, and how long a decision to scale can
   be believed to be on its way. #}
{% macro episode_gap_ms() -%} 60000 {%- endmacro %}
{% macro decision_holds_ms() -%} 1800000 {%- endmacro %}

{# CTEs that end with `episodes`: when a pool had too little, by all that says so. #}
{% macro scaling_episodes() -%}
    {%- set midnight = "cast(" ~ charge_date() ~ " as timestamp)" -%}
    {%- set next_midnight = midnight ~ " + interval 1 day" -%}
states as materialized (
    select
        resource_id,
        pool,
        pod_uid,
        model,
        state,
        greatest(started_at, {{ midnight }}) as s,
        least(ended_at, {{ next_midnight }}) as e,
        started_at >= {{ midnight }} as begins
    from {{ ref('stg_lake__resource_states') }}
    where started_at < {{ next_midnight }} and ended_at > {{ midnight }} and pool is not null
),

machines as (
    select
        resource_id,
        min(s) filter (where state = 'provisioning') as provisioned_from,
        min(s) filter (where state in ('node_ready', 'starting', 'ready') and begins) as node_ready_at,
        min(s) filter (where state = 'ready') as first_pod_ready_at
    from states
    group by resource_id
),

pods as materialized (
    select
        states.pod_uid,
        any_value(states.resource_id) as resource_id,
        any_value(states.pool) as pool,
        any_value(states.model) as model,
        min(states.s) filter (where states.state = 'starting' and states.begins) as scheduled_at,
        min(states.s) filter (where states.state = 'ready' and states.begins) as ready_at
    from states
    where states.pod_uid is not null
    group by states.pod_uid
),

arrivals as materialized (
    select
        pods.*,
        -- Of a machine that was there long before, nothing is provisioned.
        machines.provisioned_from <= pods.scheduled_at and pods.scheduled_at <= machines.first_pod_ready_at as is_new,
        if(is_new, machines.provisioned_from, null) as provisioned_from,
        if(is_new, machines.node_ready_at, null) as node_ready_at
    from pods
    inner join machines on pods.resource_id = machines.resource_id
    where pods.scheduled_at is not null and pods.ready_at is not null
),

events as materialized (
    select
        pool,
        event,
        resource_id,
        pod_uid,
        occurred_at,
        least(greatest(last_occurred_at, occurred_at), {{ next_midnight }}) as last_occurred_at,
        duration_ms,
        -- A number that falls is no need.
        event <> 'desired_replicas'
        or coalesce(
            replicas_after > coalesce(
                replicas_before,
                lag(replicas_after) over (partition by object_kind, object_name, event order by occurred_at, event_uid)
            ),
            not contains(lower(coalesce(message, '')), 'below target')
        ) as is_up
    from {{ ref('stg_lake__scale_events') }}
    where occurred_at >= {{ midnight }} and occurred_at < {{ next_midnight }} and pool is not null
),

asked as (
    select pool, event, occurred_at, last_occurred_at
    from events
    where
        is_up
        and event in ('desired_replicas', 'activated', 'scheduling_failed', 'capacity_missing', 'node_requested')
),

gauges as (
    select
        coalesce(gauges.pool, pods.pool) as pool,
        gauges.gauge,
        gauges.value,
        gauges.namespace,
        gauges.model,
        greatest(gauges.sampled_at, {{ midnight }}) as s,
        least(gauges.believed_until, {{ next_midnight }}) as e
    from {{ ref('stg_lake__gauge_samples') }} as gauges
    left join pods on gauges.pod_uid = pods.pod_uid
    where
        gauges.gauge in ('requests_waiting', 'replicas_desired', 'replicas_ready')
        and gauges.sampled_at < {{ next_midnight }}
        and gauges.believed_until > {{ midnight }}
),

queued as (
    select
        pods.pool,
        min(attempts.started_at) as s,
        max(attempts.started_at + to_milliseconds(attempts.queued_ms)) as e
    from {{ ref('stg_lake__attempts') }} as attempts
    inner join pods on attempts.pod_uid = pods.pod_uid
    where
        attempts.queued_ms > 0
        and attempts.started_at >= {{ midnight }}
        and attempts.started_at < {{ next_midnight }}
    group by pods.pool, date_trunc('second', attempts.started_at)
),

marks as (
    select pool, s, e, 'queue' as mark from gauges where gauge = 'requests_waiting' and value > 0
    union all
    select pool, s, least(e, {{ next_midnight }}), 'queue' from queued
    union all
    select desired.pool, greatest(desired.s, ready.s), least(desired.e, ready.e), 'replicas'
    from gauges as desired
    inner join gauges as ready
        on
            desired.gauge = 'replicas_desired'
            and ready.gauge = 'replicas_ready'
            and desired.pool = ready.pool
            and desired.namespace is not distinct from ready.namespace
            and desired.model is not distinct from ready.model
            and desired.s < ready.e
            and desired.e > ready.s
    where desired.value > ready.value
    union all
    -- What was asked for is wanted until a pod that came after it is ready.
    select asked.pool, asked.occurred_at, asked.last_occurred_at, asked.event
    from asked
    union all
    select asked.pool, asked.occurred_at, min(arrivals.ready_at), asked.event
    from asked
    inner join arrivals
        on
            asked.pool = arrivals.pool
            and arrivals.ready_at > asked.occurred_at
            and arrivals.scheduled_at <= asked.occurred_at + to_milliseconds({{ decision_holds_ms() }})
    group by asked.pool, asked.occurred_at, asked.event
    union all
    select pool, coalesce(provisioned_from, scheduled_at), ready_at, if(provisioned_from is null, 'pod', 'machine')
    from arrivals
),

episodes as materialized (
    select
        pool,
        episode,
        min(s) as s,
        max(e) as e,
        min(s) filter (where mark <> 'pod') as need_at,
        min(s) filter (where mark in ('desired_replicas', 'activated', 'replicas')) as decided_at,
        bool_or(mark = 'capacity_missing') as is_missing,
        bool_or(mark = 'scheduling_failed') as is_failed,
        list_aggregate(list_sort(list_distinct(list(mark))), 'string_agg', ', ') as signals
    from (
        select
            *,
            sum(is_first::int) over (partition by pool order by s, e, mark rows unbounded preceding) as episode
        from (
            select
                *,
                coalesce(s > max(e) over (
                    partition by pool order by s, e, mark rows between unbounded preceding and 1 preceding
                ) + to_milliseconds({{ episode_gap_ms() }}), true) as is_first
            from marks
            where pool is not null
        ) as apart
    ) as numbered
    group by pool, episode
    -- A pod that is only replaced is waited for by nobody.
    having bool_or(mark <> 'pod')
)
{%- endmacro %}
