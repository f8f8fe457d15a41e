{# CTEs that end with `judged`: the requests of the pools that overlap an episode, what they waited,
   by how much they missed their targets, and what they were worth. Needs `episodes` and `pods`. #}
{% macro scaling_requests() -%}
pod_names as materialized (
    select unnest([pod_uid, model]) as name
    from pods
    where exists (select 1 from episodes)
),

{{ attempts_of_day(
    'coalesce(pod_uid, response_model, request_model) in (select pod_names.name from pod_names)'
    ~ ' and status <> \'cached\''
) }},

-- A request that never reached a pod is of the pool that serves its model, where only one does.
model_pools as (
    select model, any_value(pool) as pool
    from pods
    where model is not null
    group by model
    having count(distinct pool) = 1
),

met as (
    select
        attempts.attempt_id,
        attempts.inference_id,
        attempts.customer_id,
        attempts.feature,
        attempts.workflow,
        coalesce(aliases.model, attempts.response_model, attempts.request_model) as model,
        attempts.status,
        attempts.queued_ms,
        epoch_ms(attempts.first_token_at) - epoch_ms(attempts.started_at) as first_token_ms,
        epoch_ms(attempts.ended_at) - epoch_ms(attempts.started_at) as duration_ms,
        episodes.pool,
        episodes.episode
    from attempts_of_day as attempts
    left join pods on attempts.pod_uid = pods.pod_uid
    left join model_pools
        on attempts.pod_uid is null and coalesce(attempts.response_model, attempts.request_model) = model_pools.model
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            coalesce(attempts.response_model, attempts.request_model) = aliases.name
            and {{ is_valid_on('aliases', charge_date()) }}
    inner join episodes
        on
            coalesce(pods.pool, model_pools.pool) = episodes.pool
            and attempts.started_at < episodes.e
            and attempts.ended_at >= episodes.s
    -- One that overlaps two waited in the first.
    qualify row_number() over (partition by attempts.attempt_id order by episodes.s) = 1
),

targets as (
    select
        met.attempt_id,
        min(levels.target_ms) filter (where levels.measure = 'time_to_first_token') as first_token_target,
        min(levels.target_ms) filter (where levels.measure = 'duration') as duration_target
    from met
    inner join {{ ref('stg_lake__service_levels') }} as levels
        on
            coalesce(levels.feature = met.feature, true)
            and coalesce(levels.workflow = met.workflow, true)
            and coalesce(levels.model = met.model, true)
            and {{ is_valid_on('levels', charge_date()) }}
    group by met.attempt_id
),

-- The value that says most about whose operation it is.
worth as (
    select
        met.attempt_id,
        operation_values.value,
        operation_values.currency
    from met
    inner join {{ ref('stg_lake__operation_values') }} as operation_values
        on
            coalesce(operation_values.customer_id = met.customer_id, true)
            and coalesce(operation_values.feature = met.feature, true)
            and coalesce(operation_values.workflow = met.workflow, true)
            and {{ is_valid_on('operation_values', charge_date()) }}
    qualify row_number() over (
        partition by met.attempt_id
        order by
            (operation_values.customer_id is not null)::int + (operation_values.feature is not null)::int
            + (operation_values.workflow is not null)::int desc,
            operation_values.customer_id nulls last,
            operation_values.feature nulls last,
            operation_values.workflow nulls last,
            operation_values.currency,
            operation_values.value
    ) = 1
),

succeeded as (
    select distinct inference_id
    from attempts_of_day
    where
        status = 'ok'
        and inference_id in (select failed.inference_id from met as failed where failed.status in ('error', 'rejected'))
),

judged as (
    select
        met.*,
        worth.value,
        worth.currency,
        case
            when met.status in ('error', 'rejected') then null
            when (targets.first_token_target is null or met.first_token_ms is null)
                and targets.duration_target is null then null
            else greatest(
                0,
                coalesce(met.first_token_ms - targets.first_token_target, 0),
                coalesce(met.duration_ms - targets.duration_target, 0)
            )
        end as over_ms,
        met.status in ('error', 'rejected')
        and (met.queued_ms > 0 or met.status = 'rejected')
        and succeeded.inference_id is null
        and row_number() over (partition by met.inference_id order by met.attempt_id) = 1 as is_lost
    from met
    left join targets on met.attempt_id = targets.attempt_id
    left join worth on met.attempt_id = worth.attempt_id
    left join succeeded on met.inference_id = succeeded.inference_id
)
{%- endmacro %}
