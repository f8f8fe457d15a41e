{# CTEs of int_fleet_days: a day of the fleet, in sums. #}

{% macro fleet_states() -%}
    {{ return(['busy', 'warm_idle', 'unrequested', 'starting', 'provisioning', 'terminating', 'unknown']) }}
{%- endmacro %}

{# Machines by the hour (or the longer time that they are billed by): time and cost of each state, and
   the model that their pods held, where it is one. #}
{% macro fleet_machines() -%}
states_of_day as (
    select resource_id, pod_uid, pool, model, state, slots_of, started_at, ended_at
    from {{ ref('stg_lake__resource_states') }}
    where
        started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and ended_at > cast({{ charge_date() }} as timestamp)
),

machines as materialized (
    select
        resource_id,
        pool,
        billing_currency,
        charge_period_start as hour,
        charge_period_end as hour_end
        {%- for state in fleet_states() %},
        (sum(nanoseconds) filter (where state = '{{ state }}'))::bigint as {{ state }}_ns,
        (sum(effective_cost) filter (where state = '{{ state }}'))::decimal(38, 12) as {{ state }}_cost
        {%- endfor %},
        sum(nanoseconds)::bigint as paid_ns,
        sum(effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('capacity_states') }}
    where charge_date = {{ charge_date() }}
    group by all
),

machine_hours as (
    select
        machines.*,
        count(distinct held.model) as models,
        min(held.model) as model,
        max(held.slots_of) as slices_of
    from machines
    left join states_of_day as held
        on
            machines.resource_id = held.resource_id
            and held.pod_uid is not null
            and held.started_at < machines.hour_end
            and held.ended_at > machines.hour
    group by all
)
{%- endmacro %}

{# Gauges of machines by the hour in which the sample was taken: weighted by the time for which each was
   believed. Those of one GPU are means over the GPUs; those of pods are sums, of the time for which the
   machine itself was seen: its capacity, or that it was ready. #}
{% macro fleet_gauges() -%}
samples as (
    select
        resource_id,
        date_trunc('hour', sampled_at) as hour,
        gauge,
        sum(value * epoch_ms(believed_until - sampled_at)) as value_ms,
        sum(epoch_ms(believed_until - sampled_at)) as ms
    from (
        select *
        replace (
            least(believed_until, date_trunc('hour', sampled_at) + interval 1 hour) as believed_until
        )
        from {{ ref('stg_lake__gauge_samples') }}
        where
            sampled_at >= cast({{ charge_date() }} as timestamp)
            and sampled_at < cast({{ charge_date() }} as timestamp) + interval 1 day
            and resource_id is not null
            and believed_until > sampled_at
    ) as believed
    group by resource_id, hour, gauge
),

gauge_hours as (
    select
        resource_id,
        hour,
        {% for gauge in ['gpu_active', 'gpu_utilization', 'gpu_memory_used', 'gpu_power', 'cpu_capacity'] -%}
        (sum(value_ms) filter (where gauge = '{{ gauge }}') / max(ms) filter (where gauge = '{{ gauge }}'))
        ::decimal(28, 6) as {{ gauge }},
        {% endfor -%}
        {% for gauge in ['cpu_requested', 'cpu_used', 'gpus_requested'] -%}
        (
            sum(value_ms) filter (where gauge = '{{ gauge }}')
            / max(ms) filter (where gauge in ('cpu_capacity', 'node_ready'))
        )::decimal(28, 6) as {{ gauge }}{{ ',' if not loop.last }}
        {% endfor %}
    from samples
    group by resource_id, hour
)
{%- endmacro %}

{# What pools of machines did by the hour in which requests ended. #}
{% macro fleet_work() -%}
pools_of_pods as (
    select states_of_day.pod_uid, min(machines.pool) as pool, min(machines.billing_currency) as billing_currency
    from states_of_day
    inner join machines on states_of_day.resource_id = machines.resource_id
    where states_of_day.pod_uid is not null
    group by states_of_day.pod_uid
),

work_hours as (
    select
        pools_of_pods.pool,
        pools_of_pods.billing_currency,
        attempts.hour,
        count(*) as requests,
        sum(attempts.input_tokens)::bigint as input_tokens,
        sum(attempts.all_output_tokens)::bigint as all_output_tokens,
        {% for percent in [50, 95] -%}
        quantile_disc(epoch_us(attempts.first_token_at - attempts.started_at), {{ percent / 100 }})
            as first_token_p{{ percent }}_us,
        {% endfor -%}
        sum(attempts.queued_ms)::bigint as queued_ms,
        count(attempts.queued_ms) as queues_known
    from attempts
    inner join pools_of_pods on attempts.pod_uid = pools_of_pods.pod_uid
    where attempts.is_ended and attempts.is_served
    group by all
)
{%- endmacro %}

{# Requests on machines by how many the replica served when theirs began, in doublings. #}
{% macro fleet_batches() -%}
-- A replica's requests begin and end with none, so that all are passed in one row, replica by replica.
-- Of what happens at a moment ends come first. The fewer bytes the order needs, the faster it is found.
turns as (
    select *, sum(step) over (rows unbounded preceding) as running
    from (
        select
            hash(pod_uid) as pod,
            2 * (epoch_us(started_at) + 1000 * coalesce(queued_ms, 0)) + 1 as moment,
            1 as step,
            attempt_id,
            is_ended,
            model,
            billing_currency,
            status = 'ok' as is_ok,
            epoch_ms(ended_at) - epoch_ms(started_at) as duration_ms,
            queued_ms,
            direct_cost
        from attempts
        where pod_uid is not null and is_served
        union all
        select
            hash(pod_uid), 2 * greatest(epoch_us(ended_at), epoch_us(started_at) + 1), -1, null, false, null, null,
            null, null, null, null
        from attempts
        where pod_uid is not null and is_served
        order by pod, moment, attempt_id
    ) as steps
),

batches as (
    select
        model,
        billing_currency,
        (1 << floor(log2(running))::int)::bigint as running_from,
        count(*) as requests,
        count(*) filter (where is_ok) as successful_requests,
        sum(duration_ms)::bigint as duration_ms,
        sum(queued_ms)::bigint as queued_ms,
        count(queued_ms) as queues_known,
        sum(direct_cost)::decimal(38, 12) as direct_cost
    from turns
    where step = 1 and is_ended
    group by all
)
{%- endmacro %}

{# What evaluations said by the day after of the attempt that answered. #}
{% macro fleet_verdicts() -%}
evaluated as materialized (
    select inference_id, attempt_id, is_passed
    from {{ ref('stg_lake__evaluations') }} as evaluations
    where is_passed is not null and {{ unit_is_evaluated_in_time(charge_date()) }}
),

verdicts as (
    select attempt_id, bool_and(is_passed) as is_passed
    from (
        select attempt_id, is_passed
        from evaluated
        where attempt_id is not null
        union all
        select answers.attempt_id, evaluated.is_passed
        from (
            select inference_id, arg_max(attempt_id, (ended_at, attempt_id)) as attempt_id
            from attempts
            where
                is_ended and status in ('ok', 'cached')
                and inference_id in (select judged.inference_id from evaluated as judged)
            group by inference_id
        ) as answers
        inner join evaluated on answers.inference_id = evaluated.inference_id
    ) as of_attempts
    group by attempt_id
)
{%- endmacro %}

{# Requests by feature, model and its version, tier and environment. Cost and tokens as attributed. #}
{% macro fleet_models() -%}
models_served as (
    select
        attempts.feature,
        attempts.model,
        attempts.version,
        attempts.provider_name,
        {{ service_tier('attempts.service_tier') }} as service_tier,
        attempts.environment,
        attempts.operation_name,
        attempts.billing_currency,
        count(*) filter (where attempts.is_ended and attempts.is_served) as requests,
        count(*) filter (where attempts.is_ended and attempts.status = 'ok') as successful_requests,
        count(*) filter (where attempts.is_ended and attempts.status = 'cached') as cached_requests,
        count(*) filter (where attempts.is_ended and attempts.is_served and attempts.pod_uid is not null)
            as own_requests,
        count(verdicts.is_passed) as evaluated_requests,
        count(*) filter (where verdicts.is_passed) as passed_requests,
        sum(attempts.direct_cost)::decimal(38, 12) as direct_cost,
        sum(attempts.capacity_cost)::decimal(38, 12) as capacity_cost
        {%- for token_type in token_types() %},
        (sum(attempts.{{ token_type }}_tokens) filter (where attempts.is_ended and attempts.is_served))::bigint
            as {{ token_type }}_tokens,
        (sum(attempts.{{ token_type }}_tokens) filter (where attempts.{{ token_type }}_cost is not null))::bigint
            as priced_{{ token_type }}_tokens,
        sum(attempts.{{ token_type }}_cost)::decimal(38, 12) as {{ token_type }}_cost
        {%- endfor %}
    from attempts
    left join verdicts on attempts.attempt_id = verdicts.attempt_id
    group by all
)
{%- endmacro %}
