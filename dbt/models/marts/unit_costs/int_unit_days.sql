-- What was done on a day, in production, and what it cost, in sums: unit costs of days, and the base of
-- those of weeks and months. By the hour for features, models and the whole: no money that is shared.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false}, meta={'day_hash': 'units_hash'}
) }}
{%- set keys = unit_keys() | join(', ') %}
{%- set names = [] %}
{%- for entity in entities() %}{% do names.append('tuples.' ~ entity) %}{% endfor %}
with {{ costs_caused_ctes('charge_date = ' ~ charge_date()) }},

{{ unit_attempts('charge_date = ' ~ charge_date()) }},

{{ unit_judgements(
    'evaluated_at >= ' ~ charge_date() ~ ' and evaluated_at < ' ~ charge_date() ~ ' + interval 2 day'
) }},

-- Named are only the inferences that have attempts of several tuples: they are few.
good_of as materialized (
    select
        tuple,
        if(tuple <> other_tuple, inference_id, null) as plural_id,
        is_successful,
        is_good,
        date_trunc('hour', ended_at) as hour,
        duration,
        first_token,
        part_weight
    from judged
),

-- Sums over attempts.
attempt_sums as materialized (
    select
        tuple,
        date_trunc('hour', least(ended_at, charge_date + interval '86399 seconds')) as hour,
        count(*) filter (where is_ended) as attempts,
        count(*) filter (where is_ended and not is_successful) as failed_attempts,
        sum(direct_cost) as attempt_cost,
        sum(direct_cost) filter (where not is_successful) as failed_cost,
        sum(capacity_cost) as capacity_cost
        {%- for token_type in token_types() %},
        sum({{ token_type }}_tokens) filter (where is_ended and status <> 'rejected') as {{ token_type }}_tokens,
        sum({{ token_type }}_tokens) filter (where {{ token_type }}_cost is not null) as priced_{{ token_type }}_tokens,
        sum({{ token_type }}_cost) as {{ token_type }}_cost
        {%- endfor %},
        sum(reasoning_tokens) filter (where is_ended and status <> 'rejected') as reasoning_tokens,
        sum(part_weight) as part_weight,
        sum(part_weight) filter (where conversation_id is not null) as conversation_weight
    from attempts
    group by all
),

attempts_of as (
    select attempt_sums.*, tuples.* exclude (tuple)
    from attempt_sums
    inner join tuples on attempt_sums.tuple = tuples.tuple
),

-- Inferences of one tuple add up; the few others are told apart for each entity.
inference_sums as materialized (
    select
        tuple,
        hour,
        {{ unit_bucket('duration') }} as duration_bucket,
        {{ unit_bucket('first_token') }} as first_token_bucket,
        count(*) as inferences,
        count(*) filter (where is_successful) as successful_inferences,
        count(*) filter (where is_good is not null) as judged_inferences,
        count(*) filter (where is_good) as good_inferences,
        sum(part_weight) filter (where is_good is not null) as judged_weight
    from good_of
    where plural_id is null
    group by all
),

inferences_of as (
    select inference_sums.*, tuples.* exclude (tuple)
    from inference_sums
    inner join tuples on inference_sums.tuple = tuples.tuple
),

plural_attempts as materialized (
    select
        attempts.*,
        good_of.is_good
    from attempts
    inner join good_of on attempts.is_ended and attempts.inference_id = good_of.plural_id
),

plural_ended as (
    {{ unit_spread('(select *, ended_at as hour from plural_attempts) as plural_attempts', [
        'inference_id', 'is_successful', 'is_good', 'started_at', 'first_token_at', 'ended_at', 'attempt_id'
    ]) }}
),

plural_inferences as materialized (
    select
        entity,
        value,
        billing_currency,
        inference_id,
        date_trunc('hour', max(ended_at)) as hour,
        bool_or(is_successful) as was_successful,
        any_value(is_good) as was_good,
        epoch_us(max(ended_at) filter (where is_successful)) - epoch_us(min(started_at)) as duration,
        epoch_us(arg_max(first_token_at, (ended_at, attempt_id)) filter (where is_successful))
        - epoch_us(min(started_at)) as first_token
    from plural_ended
    group by entity, value, billing_currency, inference_id
),

plural_sums as (
    {%- for kind in ['day', 'hour'] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ kind }}' as period_kind,
        {{ 'hour' if kind == 'hour' else charge_date() ~ '::timestamp' }} as period_start,
        entity,
        value,
        billing_currency,
        {{ unit_bucket('duration') }} as duration_bucket,
        {{ unit_bucket('first_token') }} as first_token_bucket,
        1 as inferences,
        was_successful::int as successful_inferences,
        (was_good is not null)::int as judged_inferences,
        (was_good and was_successful)::int as good_inferences
    from plural_inferences
    {{ "where entity in ('" ~ unit_hourly_entities() | join("', '") ~ "')" if kind == 'hour' }}
    {%- endfor %}
),

bucket_counts as materialized (
    select
        {{ keys }},
        duration_bucket,
        first_token_bucket,
        sum(inferences) as inferences,
        sum(successful_inferences) as successful_inferences,
        sum(judged_inferences) as judged_inferences,
        coalesce(sum(good_inferences), 0) as good_inferences
    from (
        {{ unit_spread('inferences_of', [
            'duration_bucket', 'first_token_bucket', 'inferences', 'successful_inferences', 'judged_inferences',
            'good_inferences'
        ], hourly=true) }}
        union all
        select *
        from plural_sums
    ) as counted
    group by all
),

durations as (
    {{ unit_percentiles(
        '(select ' ~ keys ~ ', duration_bucket as bucket, sum(inferences)::bigint as inferences from bucket_counts '
        ~ 'where duration_bucket is not null group by all) as counted', 'duration'
    ) }}
),

first_tokens as (
    {{ unit_percentiles(
        '(select ' ~ keys ~ ', first_token_bucket as bucket, sum(inferences)::bigint as inferences from bucket_counts '
        ~ 'where first_token_bucket is not null group by all) as counted', 'first_token'
    ) }}
),

runs as materialized (
    select
        workflow_run_id,
        {{ unit_run_flags() }}
    from attempts
    group by workflow_run_id
),

run_tuples as materialized (
    select
        runs.workflow_run_id,
        attempts.tuple,
        runs.is_agent,
        runs.is_retrieval,
        bool_or(attempts.is_ended) as is_counted,
        sum(attempts.part_weight) as part_weight,
        sum(attempts.direct_cost) filter (where runs.is_retrieval and attempts.operation_name = 'embeddings')
            as embedding_cost,
        sum(attempts.direct_cost) filter (where runs.is_retrieval and attempts.is_generation) as generation_cost
    from attempts
    inner join runs on attempts.workflow_run_id = runs.workflow_run_id
    group by all
),

runs_of as (
    select run_tuples.*, tuples.* exclude (tuple)
    from run_tuples
    inner join tuples on run_tuples.tuple = tuples.tuple
),

conversations_of as (
    select attempts_in.conversation_id, tuples.* exclude (tuple)
    from (
        select distinct conversation_id, tuple
        from attempts
        where is_ended and conversation_id is not null
    ) as attempts_in
    inner join tuples on attempts_in.tuple = tuples.tuple
),

-- Of the ledger: what production inferences caused by component, what is unmatched, and all else.
costs_of as materialized (
    select
        charge_date,
        {{ entities() | join(', ') }},
        billing_currency
        {%- for component in components() | reject('equalto', 'unmatched') %},
        if(
            bool_or(is_unit),
            {# Of no direct cost nobody knows that it is 0. -#}
            coalesce(
                sum(effective_cost) filter (where is_unit and component = '{{ component }}'),
                {{ 'null' if component == 'direct' else '0' }}
            ),
            null
        ) as {{ component }}_cost
        {%- endfor %},
        sum(effective_cost) filter (where is_unit) as loaded_cost,
        sum(effective_cost) filter (where is_unit and charge_category in ('Tax', 'Credit')) as tax_and_credit_cost,
        coalesce(sum(effective_cost) filter (where component = 'unmatched'), 0) as unmatched_cost,
        coalesce(sum(effective_cost) filter (where not is_unit and component <> 'unmatched'), 0) as left_out_cost,
        sum(effective_cost) as effective_cost,
        hash({{ entities() | join(', ') }}, billing_currency) as tuple
    from (select *, is_of_inferences and {{ is_production() }} as is_unit from costs_caused) as costs_caused
    group by all
),

-- Which part of what a tuple's attempts cost is of some inferences only.
parts as (
    select
        tuples.owners as tuple,
        sum(part_weight) as part_weight,
        sum(conversation_weight) as conversation_weight,
        sum(judged_weight) as judged_weight,
        sum(agent_weight) as agent_weight,
        sum(retrieval_weight) as retrieval_weight
    from (
        select tuple, part_weight, conversation_weight from attempt_sums
        union all by name
        select tuple, judged_weight from inference_sums
        union all by name
        select tuple, part_weight as judged_weight from plural_attempts where is_good is not null
        union all by name
        select tuple, part_weight as agent_weight from run_tuples where is_agent
        union all by name
        select tuple, part_weight as retrieval_weight from run_tuples where is_retrieval
    ) as summed
    inner join tuples on summed.tuple = tuples.tuple
    group by tuples.owners
),

costs_in_parts as (
    select
        costs_of.*
        {%- for part in unit_parts() %}
        {%- for component in unit_part_components() %},
        {%- set cost = 'costs_of.' ~ component ~ '_cost' %}
        {%- if part in ['customer', 'feature'] %}
        if({{ 'customer_id' if part == 'customer' else part }} <> '(none)', {{ cost }}, null)
        {%- else %}
        if(
            parts.{{ part }}_weight = parts.part_weight,
            {{ cost }},
            {{ cost }} * (parts.{{ part }}_weight / parts.part_weight)
        )::decimal(38, 12)
        {%- endif %} as {{ part }}_{{ component }}_cost
        {%- endfor %}
        {%- endfor %}
    from costs_of
    left join parts on costs_of.tuple = parts.tuple
),

who as (
    select distinct
        sums.charge_date,
        {{ entities() | join(', ') }},
        coalesce(sums.billing_currency, day_currencies.billing_currency) as billing_currency
    from {{ ref('int_attempt_sums') }} as sums
    left join day_currencies on sums.charge_date = day_currencies.charge_date
    where
        sums.charge_date = {{ charge_date() }}
        and sums.kind is distinct from 'unmatched capacity'
        and {{ is_production() }}
),

united as (
    select {{ keys }}, {{ unit_attempt_columns() | join(', ') }}
    from ({{ unit_spread('attempts_of', unit_attempt_columns(), hourly=true) }}) as of_attempts
    union all by name
    select * exclude (duration_bucket, first_token_bucket) from bucket_counts
    union all by name
    select * from durations
    union all by name
    select * from first_tokens
    union all by name
    select
        {{ keys }},
        count(distinct conversation_id) as conversations
    from ({{ unit_spread('conversations_of', ['conversation_id']) }}) as of_conversations
    group by {{ keys }}
    union all by name
    select
        {{ keys }},
        count(distinct workflow_run_id) filter (where is_counted) as workflow_runs,
        count(distinct workflow_run_id) filter (where is_counted and is_agent) as agent_runs,
        count(distinct workflow_run_id) filter (where is_counted and is_retrieval) as retrieval_runs,
        sum(embedding_cost) as embedding_cost,
        sum(generation_cost) as generation_cost
    from ({{ unit_spread('runs_of', [
        'workflow_run_id', 'is_agent', 'is_retrieval', 'is_counted', 'embedding_cost', 'generation_cost'
    ]) }}) as of_runs
    group by {{ keys }}
    union all by name
    select
        {{ keys }},
        count(distinct customer_id) filter (where customer_id <> '(none)') as customers,
        count(distinct feature) filter (where feature <> '(none)') as features
    from ({{ unit_spread('who', ['customer_id', 'feature'], deployed=false) }}) as of_customers
    group by {{ keys }}
    union all by name
    select {{ keys }}, {{ (unit_ledger_columns() + unit_part_columns()) | join(', ') }}
    from ({{
        unit_spread('costs_in_parts', unit_ledger_columns() + unit_part_columns(), deployed=false)
    }}) as of_ledger
    union all by name
    select
        'day' as period_kind,
        charge_date::timestamp as period_start,
        entity,
        value,
        billing_currency,
        seen_cost,
        lower_cost,
        upper_cost
    from {{ ref('cost_bounds_daily') }}
    where charge_date = {{ charge_date() }}
    union all by name
    select
        'day' as period_kind,
        charge_date::timestamp as period_start,
        'all' as entity,
        '(all)' as value,
        billing_currency,
        sum(seen_cost) as seen_cost,
        sum(lower_cost) as lower_cost,
        sum(upper_cost) as upper_cost
    from {{ ref('cost_bounds_daily') }}
    where charge_date = {{ charge_date() }} and entity = 'model'
    group by charge_date, billing_currency
)

{{ unit_united('united') }}
