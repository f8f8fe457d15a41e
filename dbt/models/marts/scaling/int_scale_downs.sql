-- One row a scale-down and the scale-up that it is paired with: of machines by pool and shape, of models
-- by machine. What it took and what it saved is measured in milliseconds.
{{ config(schema='intermediate', contract={'enforced': false}) }}
with shapes as (
    select resource_id, arg_max(shape, (effective_cost, shape)) as shape
    from {{ ref('int_machine_rates') }}
    group by resource_id
),

machines as (
    select
        machines.*,
        coalesce(shapes.shape, '(unknown)') || ', ' || machines.gpus || ' GPU' as shape
    from {{ ref('int_machines') }} as machines
    left join shapes on machines.resource_id = shapes.resource_id
),

loads as (
    select *, row_number() over (order by resource_id, life, started_at, pod_uid) as load_key
    from {{ ref('int_model_loads') }}
    where model is not null
),

machine_events as (
    select
        *,
        row_number() over (order by t, is_up, resource_id, life) as place
    from (
        select pool, shape, resource_id, life, resource_id || ' ' || life as event_key, ended_at as t, true as is_down
        from machines
        where is_end_seen
        union all
        select pool, shape, resource_id, life, resource_id || ' ' || life, started_at, false
        from machines
        where is_start_seen
    ) as events
    cross join lateral (select not events.is_down as is_up) as ups
),

machine_pairs as (
    {{ lifo_pairs('machine_events', 'pool, shape') }}
),

load_events as (
    select
        *,
        row_number() over (order by t, not is_down, event_key) as place
    from (
        select resource_id, life, model, load_key as event_key, ended_at as t, true as is_down
        from loads
        where ended_at < machine_ended_at
        union all
        select resource_id, life, model, load_key, started_at, false
        from loads
        where has_start
    ) as events
),

load_pairs as (
    {{ lifo_pairs('load_events', 'resource_id, life, model') }}
),

events as (
    select
        *,
        case
            when event = 'interrupted' then 'interruption'
            when event = 'rollout' or (event = 'disrupted' and regexp_matches(coalesce(message, ''), '(?i)drift|expir'))
                then 'rollout'
            when
                object_kind in ('Node', 'NodeClaim')
                and regexp_matches(coalesce(reason, ''), '(?i)repair|unhealthy|notready')
                then 'repair'
        end as cause
    from {{ ref('stg_lake__scale_events') }}
),

pairs as (
    select
        'machine' as kind,
        downs.pool,
        downs.shape,
        null::varchar as model,
        downs.resource_id as down_resource_id,
        ups.resource_id as up_resource_id,
        ups.pod_starts_at is not null as has_pod,
        downs.ended_at as down_at,
        ups.started_at as up_at,
        downs.drain_ms,
        ups.provision_ms,
        ups.start_ms,
        greatest(
            0, downs.minimum_billing_ms - (epoch_ms(downs.ended_at) - epoch_ms(downs.started_at))
        ) as billed_after_ms,
        1::bigint as part,
        1::bigint as parts,
        'scaling' as own_reason,
        ups.started_at as up_started_at,
        coalesce(ups.first_pod_ready_at, ups.ready_at, ups.ended_at) as up_ready_at
    from machine_pairs
    inner join machines as downs on machine_pairs.down_key = downs.resource_id || ' ' || downs.life
    inner join machines as ups on machine_pairs.up_key = ups.resource_id || ' ' || ups.life
    union all
    select
        'model',
        downs.pool,
        machines.shape,
        downs.model,
        downs.resource_id,
        ups.resource_id,
        true,
        downs.ended_at,
        ups.started_at,
        downs.drain_ms,
        0,
        ups.start_ms,
        0,
        ups.part,
        ups.parts,
        -- Without another model in between it is the same one, started again.
        if(exists (
            select 1
            from loads as others
            where
                others.resource_id = downs.resource_id
                and others.life = downs.life
                and others.model <> downs.model
                and others.started_at < ups.started_at
                and others.ended_at > downs.ended_at
                and others.started_at >= downs.started_at
                and others.ended_at <= ups.ready_at
        ), 'scaling', 'restart'),
        ups.started_at,
        coalesce(ups.ready_at, ups.ended_at)
    from load_pairs
    inner join loads as downs on load_pairs.down_key = downs.load_key
    inner join loads as ups on load_pairs.up_key = ups.load_key
    inner join machines on downs.resource_id = machines.resource_id and downs.life = machines.life
),

-- What happened to the machine around its end, or a rollout in its pool until the next one came.
causes as (
    select
        pairs.kind,
        pairs.down_resource_id,
        pairs.down_at,
        min(events.cause) as cause
    from pairs
    inner join events
        on
            events.cause is not null
            and (
                (
                    events.resource_id = pairs.down_resource_id
                    and events.occurred_at >= pairs.down_at - interval 30 minute
                    and events.occurred_at <= pairs.down_at + interval 10 minute
                )
                or (
                    events.cause = 'rollout'
                    and events.pool = pairs.pool
                    and events.resource_id is null
                    and events.occurred_at >= pairs.down_at - interval 10 minute
                    and events.occurred_at <= pairs.up_at + interval 10 minute
                )
            )
    group by pairs.kind, pairs.down_resource_id, pairs.down_at
),

pulls as (
    select
        pairs.kind,
        pairs.up_resource_id,
        pairs.up_at,
        sum(events.duration_ms) filter (where events.event = 'image_pulled')::bigint as pull_ms,
        sum(events.duration_ms) filter (where events.event = 'model_loaded')::bigint as load_ms
    from pairs
    inner join events
        on
            events.resource_id = pairs.up_resource_id
            and events.occurred_at >= pairs.up_started_at
            and events.occurred_at <= pairs.up_ready_at
            and coalesce(pairs.model = events.model, true)
    group by pairs.kind, pairs.up_resource_id, pairs.up_at
)

select
    pairs.* exclude (own_reason, up_started_at, up_ready_at, has_pod),
    coalesce(causes.cause, pairs.own_reason) as reason,
    pulls.pull_ms,
    pulls.load_ms
from pairs
left join causes
    on
        pairs.kind = causes.kind
        and pairs.down_resource_id = causes.down_resource_id
        and pairs.down_at = causes.down_at
left join pulls
    on
        pairs.kind = pulls.kind
        and pairs.up_resource_id = pulls.up_resource_id
        and pairs.up_at = pulls.up_at
