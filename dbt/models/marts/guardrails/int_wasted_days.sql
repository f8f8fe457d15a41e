-- What attempts cost, by what became of them: useful, or cancelled, failed, retried or looping. What became
-- of an attempt is judged by the attempts of its day: a retry on the next day is not seen.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'waste_hash'}
) }}
{%- set call = ['workflow_run_id', 'operation_name', 'request_model', 'feature', 'workflow'] %}
with attempts as not materialized (
    select
        *,
        status in ('ok', 'cached') as is_answered
    from {{ ref('attempt_costs') }}
    where {{ is_of_days('charge_date') }}
),

-- Of what was tried several times, all but the attempt that answered it last. What ends on the next day is not among
-- the counts. Hashes are faster to look for, and one that two inferences share does no harm.
tried as materialized (
    select charge_date, inference_id, operation_name, attempt_id, ended_at, is_answered
    from attempts
    where hash(inference_id) in (
        select hash(counts.inference_id)
        from {{ ref('int_inference_counts') }} as counts
        where {{ is_of_days('counts.charge_date') }} and counts.inference_id is not null
        union all
        select hash(unended.inference_id) from attempts as unended where not unended.is_ended
    )
),

retried as materialized (
    select tried.charge_date, tried.attempt_id
    from tried
    inner join (
        select
            charge_date,
            inference_id,
            operation_name,
            arg_max(attempt_id, (ended_at, attempt_id)) filter (where is_answered) as attempt_id
        from tried
        group by charge_date, inference_id, operation_name
    ) as answers
        on
            tried.charge_date = answers.charge_date
            and tried.inference_id = answers.inference_id
            and tried.operation_name is not distinct from answers.operation_name
            and tried.attempt_id <> answers.attempt_id
),

-- Answered attempts of runs that make the same call more often than is allowed.
looping as materialized (
    select charge_date, attempt_id
    from (
        select
            attempts.charge_date,
            attempts.attempt_id,
            guardrails.repeated_calls,
            row_number() over (
                partition by attempts.charge_date, {{ call | join(', ') }}
                order by attempts.started_at, attempts.attempt_id
            ) as call_number
        from attempts
        cross join {{ ref('stg_lake__guardrails') }} as guardrails
        where
            attempts.is_answered
            and hash(attempts.workflow_run_id) in (
                select hash(repeating.workflow_run_id)
                from attempts as repeating
                group by 1
                having count(*) > (select min(most.repeated_calls) from {{ ref('stg_lake__guardrails') }} as most)
            )
    ) as numbered
    where call_number > repeated_calls
),

judged as not materialized (
    select
        attempts.*,
        case
            when attempts.status = 'rejected' then 'rejected'
            when not attempts.is_answered and {{ is_cancelled('attempts.error_type') }} then 'cancelled'
            when retried.attempt_id is not null then 'retried'
            when not attempts.is_answered then 'failed'
            when looping.attempt_id is not null then 'looping'
            else 'useful'
        end as outcome
    from attempts
    left join retried on attempts.charge_date = retried.charge_date and attempts.attempt_id = retried.attempt_id
    left join looping on attempts.charge_date = looping.charge_date and attempts.attempt_id = looping.attempt_id
),

currency as (
    select
        charge_date,
        arg_max(billing_currency, (attempts, billing_currency)) as most_billed
    from (
        select charge_date, billing_currency, count(*) as attempts
        from attempts
        where billing_currency is not null
        group by charge_date, billing_currency
    ) as counted
    group by charge_date
),

sums as materialized (
    select
        judged.charge_date,
        coalesce(judged.billing_currency, currency.most_billed) as currency,
        {% for entity in entities() %}judged.{{ entity }}, {% endfor %}
        judged.outcome,
        count(*) filter (where judged.is_ended) as attempts,
        count(*) filter (where judged.direct_cost is null) as unpriced_attempts,
        sum(judged.direct_cost) as direct_cost
    from judged
    left join currency on judged.charge_date = currency.charge_date
    group by all
),

-- NULL where no attempt of the kind has a price, 0 where there is none of the kind.
totals as (
    select
        charge_date,
        currency,
        {{ entity_and_value() }},
        sum(attempts)::bigint as attempts,
        sum(unpriced_attempts)::bigint as unpriced_attempts,
        sum(direct_cost)::decimal(38, 12) as direct_cost,
        coalesce(sum(attempts) filter (where outcome = 'rejected'), 0)::bigint as rejected_attempts
        {%- for outcome in ['useful'] + wasted_outcomes() %},
        coalesce(sum(attempts) filter (where outcome = '{{ outcome }}'), 0)::bigint as {{ outcome }}_attempts,
        case when count(*) filter (where outcome = '{{ outcome }}') = 0 then 0
            else sum(direct_cost) filter (where outcome = '{{ outcome }}')
        end::decimal(38, 12) as {{ outcome }}_cost
        {%- endfor %}
    from sums
    group by {{ each_entity(['charge_date', 'currency']) }}
)

select
    charge_date,
    currency as billing_currency,
    entity,
    value,
    attempts,
    useful_attempts as useful_inferences,
    {% for outcome in wasted_outcomes() -%}
    {{ outcome }}_attempts,
    {% endfor -%}
    rejected_attempts,
    unpriced_attempts,
    direct_cost,
    useful_cost,
    {% for outcome in wasted_outcomes() -%}
    {{ outcome }}_cost,
    {% endfor -%}
    (direct_cost - coalesce(useful_cost, 0))::decimal(38, 12) as wasted_cost,
    {{ unit_cost('direct_cost', 'useful_attempts') }} as cost_per_useful_inference,
    {{ unit_cost('useful_cost', 'useful_attempts') }} as useful_cost_per_useful_inference
from totals
order by charge_date, currency, entity, value
