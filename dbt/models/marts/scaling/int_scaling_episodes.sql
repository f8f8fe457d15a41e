-- When a pool had too little: what it waited for, step by step, who waited, and what that put at risk.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false}, meta={'day_hash': 'scaling_hash'}
) }}
with {{ scaling_episodes() }},

{{ scaling_requests() }},

-- The first that came; what was decided after that was begun is not its decision.
came as (
    select
        episodes.pool,
        episodes.episode,
        arrivals.* exclude (pool),
        if(episodes.decided_at <= coalesce(arrivals.provisioned_from, arrivals.scheduled_at), episodes.decided_at, null)
            as decided_at
    from episodes
    inner join arrivals
        on
            episodes.pool = arrivals.pool
            and arrivals.scheduled_at >= episodes.s
            and arrivals.ready_at <= episodes.e
    qualify row_number() over (
        partition by episodes.pool, episodes.episode order by arrivals.ready_at, arrivals.pod_uid
    ) = 1
),

pulls as (
    select
        came.pool,
        came.episode,
        sum(events.duration_ms) filter (where events.event = 'image_pulled')::bigint as pull_ms,
        sum(events.duration_ms) filter (where events.event = 'model_loaded')::bigint as load_ms
    from came
    inner join events
        on
            coalesce(events.pod_uid = came.pod_uid, events.resource_id = came.resource_id)
            and events.occurred_at >= came.scheduled_at
            and events.occurred_at <= came.ready_at
    group by came.pool, came.episode
),

rated as (
    select
        judged.*,
        policies.per_second,
        policies.low,
        policies.high,
        -- An operation waits as long as all its attempts.
        row_number() over of_operation = 1 as is_operation,
        greatest(
            0, coalesce(sum(judged.queued_ms) over of_operation, 0) - coalesce(policies.grace_s, 0) * 1000
        ) as waited_ms
    from judged
    left join lateral (
        select *
        from {{ ref('stg_lake__scaling_policies') }} as scaling_policies
        where scaling_policies.pool = judged.pool and {{ is_valid_on('scaling_policies', charge_date()) }}
        order by scaling_policies.priority
        limit 1
    ) as policies on true
    window of_operation as (
        partition by judged.pool, judged.episode, judged.inference_id
        order by judged.attempt_id
        rows between unbounded preceding and unbounded following
    )
),

requests as (
    select
        pool,
        episode,
        count(*) as requests,
        count(queued_ms) as with_queue_time,
        sum(queued_ms)::bigint as queued_ms,
        count(over_ms) as with_target,
        count(*) filter (where over_ms > 0) as breaches,
        sum(over_ms)::bigint as over_ms,
        count(*) filter (where is_lost) as lost,
        count(*) filter (where is_lost and value is null) as lost_without_value,
        min(currency) filter (where value is not null) as currency,
        max(currency) filter (where value is not null) as other_currency,
        coalesce(sum(value) filter (where is_lost), 0)::decimal(38, 12) as lost_value,
        max(per_second) as per_second
        {%- for rate in ['per_second', 'low', 'high'] %},
        sum(
            (value * round(1 - exp(-{{ rate }}::double * waited_ms / 1000), 12)::decimal(13, 12))::decimal(38, 12)
        ) filter (where is_operation)::decimal(38, 12) as modelled_{{ rate }}
        {%- endfor %}
    from rated
    group by pool, episode
)

select
    {{ charge_date() }} as charge_date,
    episodes.pool,
    episodes.signals,
    episodes.need_at,
    if(came.ready_at is null, episodes.decided_at, came.decided_at) as decided_at,
    came.provisioned_from,
    came.node_ready_at,
    came.scheduled_at,
    came.ready_at,
    episodes.e as ended_at,
    case
        when episodes.is_missing then 'capped'
        when came.ready_at is not null then 'capacity_arrived'
        when episodes.is_failed then 'capped'
        else 'other'
    end as outcome,
    epoch_ms(came.ready_at) - epoch_ms(episodes.need_at) as lag_ms,
    epoch_ms(if(came.ready_at is null, episodes.decided_at, came.decided_at)) - epoch_ms(episodes.need_at)
        as decision_ms,
    epoch_ms(came.provisioned_from) - epoch_ms(coalesce(came.decided_at, episodes.need_at)) as request_ms,
    epoch_ms(came.node_ready_at) - epoch_ms(came.provisioned_from) as provision_ms,
    epoch_ms(came.scheduled_at) - epoch_ms(coalesce(came.node_ready_at, came.decided_at, episodes.need_at))
        as schedule_ms,
    epoch_ms(came.ready_at) - epoch_ms(came.scheduled_at) as start_ms,
    pulls.pull_ms,
    pulls.load_ms,
    coalesce(requests.requests, 0) as requests,
    if(requests.with_queue_time > 0, requests.queued_ms, null) as queued_ms,
    if(requests.with_target > 0, requests.breaches, null) as slo_breaches,
    if(requests.with_target > 0, requests.over_ms, null) as over_slo_ms,
    if(requests.with_queue_time > 0 or requests.lost > 0, requests.lost, null) as lost_operations,
    requests.lost_without_value as lost_operations_without_value,
    if(requests.currency = requests.other_currency, requests.currency, null) as value_currency,
    case
        when requests.currency = requests.other_currency and (requests.with_queue_time > 0 or requests.lost > 0)
            then requests.lost_value
    end as revenue_at_risk_observed_estimate
    {%- for rate, name in [('per_second', ''), ('low', '_low'), ('high', '_high')] %},
    case
        when requests.currency = requests.other_currency and requests.with_queue_time > 0
            then requests.modelled_{{ rate }}
    end as revenue_at_risk_modelled{{ name }}_estimate
    {%- endfor %},
    case
        when requests.requests is null then 'no request overlaps it'
        when requests.with_target = 0 then 'no target holds for its requests, or none tells its first token'
    end as slo_reason,
    case
        when requests.requests is null then 'no request overlaps it'
        when requests.currency is null then 'no value of its operations is delivered'
        when requests.currency <> requests.other_currency then 'its operations are worth several currencies'
        when requests.with_queue_time = 0 and requests.lost = 0 then 'no request tells how long it was queued'
        when requests.with_queue_time = 0 then 'modelled: no request tells how long it was queued'
        when requests.per_second is null then 'modelled: no abandonment rate is configured for the pool'
    end as revenue_reason
from episodes
left join came on episodes.pool = came.pool and episodes.episode = came.episode
left join pulls on episodes.pool = pulls.pool and episodes.episode = pulls.episode
left join requests on episodes.pool = requests.pool and episodes.episode = requests.episode
