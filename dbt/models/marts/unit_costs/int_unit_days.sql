-- What was done on a day, in production, and what it cost, in sums: unit costs of days, and the base of
-- those of weeks and months. By the hour for features, models and the whole: no money that is shared.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'units_hash', 'day': 'period_start::date'}
) }}
{%- set keys = unit_keys() | join(', ') %}
with {{ costs_caused_ctes(is_of_days('charge_date')) }},

{{ unit_attempts(is_of_days('charge_date')) }},

-- Sums over attempts of a tuple and hour that count alike.
attempt_sums as materialized (
    select
        charge_date,
        tuple,
        date_trunc('hour', least(ended_at, charge_date + interval '86399 seconds')) as hour,
        is_ended,
        is_successful,
        status = 'rejected' as is_rejected,
        conversation_id is not null as is_of_conversation,
        {{ unit_tuple_columns() }},
        count(*) as attempts,
        {% for token_type in token_types() -%}
        sum({{ token_type }}_tokens) filter (where {{ token_type }}_cost is not null) as priced_{{ token_type }}_tokens,
        {{ unit_summed([token_type ~ '_tokens', token_type ~ '_cost']) }},
        {% endfor -%}
        {{ unit_summed(['reasoning_tokens', 'direct_cost', 'capacity_cost', 'part_weight']) }}
    from attempts
    group by charge_date, tuple, hour, is_ended, is_successful, is_rejected, is_of_conversation
),

{{ unit_tuples('attempt_sums') }},

-- What inferences, runs and conversations are made of, worked out once.
made as materialized (
    select
        charge_date, tuple, attempt_id, inference_id, workflow_run_id, conversation_id, started_at, first_token_at,
        ended_at, is_ended, is_successful, is_generation, operation_name, direct_cost, part_weight
    from attempts
),

{{ unit_judgements(
    is_of_days('charge_date'),
    'evaluated_at >= ' ~ charge_date() ~ ' and evaluated_at < ' ~ last_date() ~ ' + interval 2 day',
    'made'
) }},

-- The rows that a tuple counts in, by one number: many are added up by it, and only sums are named.
tuple_keys as materialized (
    select
        *,
        hash(period_kind, entity, value, billing_currency) as key
    from ({{
        unit_spread('(select *, null as hour from tuples) as tuples', ['tuple', 'hourly'], hourly=true)
    }}) as spread
),

-- Named are only the inferences that have attempts of several tuples: they are few.
good_of as materialized (
    select
        charge_date,
        tuple,
        if(tuple <> other_tuple, inference_id, null) as plural_id,
        is_successful,
        is_good,
        date_trunc('hour', ended_at) as hour,
        {{ unit_bucket('duration') }} as duration_bucket,
        {{ unit_bucket('first_token') }} as first_token_bucket,
        part_weight
    from judged
),

-- By the hour they are of fewer entities.
hourly_keys as materialized (
    select distinct hourly, key
    from tuple_keys
    where period_kind = 'hour'
),

attempts_of as (
    select
        tuple_keys.key,
        tuple_keys.period_start,
        sums.* exclude (tuple)
    from (
        select tuple, {{ unit_attempt_sums() }}
        from attempt_sums
        group by tuple
    ) as sums
    inner join tuple_keys on sums.tuple = tuple_keys.tuple and tuple_keys.period_kind = 'day'
    union all
    select
        hourly_keys.key,
        sums.* exclude (hourly)
    from (
        select tuples.hourly, attempt_sums.hour, {{ unit_attempt_sums() }}
        from attempt_sums
        inner join tuples on attempt_sums.tuple = tuples.tuple
        group by tuples.hourly, attempt_sums.hour
    ) as sums
    inner join hourly_keys on sums.hourly = hourly_keys.hourly
),

-- Inferences of one tuple add up; the few others are told apart for each entity.
inference_sums as materialized (
    select
        tuple,
        duration_bucket,
        first_token_bucket,
        {{ unit_inference_counts() }},
        sum(part_weight) filter (where is_good is not null) as judged_weight
    from good_of
    where plural_id is null
    group by tuple, duration_bucket, first_token_bucket
),

inference_hours as (
    select
        tuples.hourly,
        good_of.hour,
        good_of.duration_bucket,
        good_of.first_token_bucket,
        {{ unit_inference_counts() }}
    from good_of
    inner join tuples on good_of.tuple = tuples.tuple
    where good_of.plural_id is null
    group by tuples.hourly, good_of.hour, good_of.duration_bucket, good_of.first_token_bucket
),

plural_attempts as materialized (
    select
        made.*,
        tuples.* exclude (charge_date, tuple, owners, hourly),
        good_of.is_good
    from made
    inner join good_of
        on
            made.is_ended and made.charge_date = good_of.charge_date
            and made.inference_id = good_of.plural_id
    inner join tuples on made.tuple = tuples.tuple
),

plural_ended as (
    {{ unit_spread('(select *, ended_at as hour from plural_attempts) as plural_attempts', [
        'inference_id', 'is_successful', 'is_good', 'started_at', 'first_token_at', 'ended_at', 'attempt_id'
    ]) }}
),

plural_inferences as materialized (
    select
        period_start as day,
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
    group by period_start, entity, value, billing_currency, inference_id
),

plural_sums as (
    {%- for kind in ['day', 'hour'] %}
    {{ 'union all' if not loop.first }}
    select
        hash('{{ kind }}', entity, value, billing_currency) as key,
        {{ kind }} as period_start,
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
        key,
        period_start,
        duration_bucket,
        first_token_bucket,
        sum(inferences)::bigint as inferences,
        sum(successful_inferences)::bigint as successful_inferences,
        sum(judged_inferences)::bigint as judged_inferences,
        coalesce(sum(good_inferences), 0)::bigint as good_inferences
    from (
        select
            tuple_keys.key,
            tuple_keys.period_start,
            inference_sums.* exclude (tuple, judged_weight)
        from inference_sums
        inner join tuple_keys on inference_sums.tuple = tuple_keys.tuple and tuple_keys.period_kind = 'day'
        union all
        select
            hourly_keys.key,
            inference_hours.* exclude (hourly)
        from inference_hours
        inner join hourly_keys on inference_hours.hourly = hourly_keys.hourly
        union all
        select *
        from plural_sums
    ) as counted
    group by all
),

{%- for measure in ['duration', 'first_token'] %}

{{ measure }}s as (
    {{ unit_percentiles(
        '(select key, period_start, ' ~ measure ~ '_bucket as bucket, sum(inferences)::bigint as inferences '
        ~ 'from bucket_counts where ' ~ measure ~ '_bucket is not null group by all) as counted', measure,
        ['key', 'period_start']
    ) }}
),
{%- endfor %}

-- Runs and conversations of one tuple add up, too.
runs as materialized (
    select
        charge_date,
        if(min(tuple) <> max(tuple), workflow_run_id, null) as plural_id,
        min(tuple) as tuple,
        bool_or(is_ended) as is_counted,
        {{ unit_run_flags() }},
        sum(part_weight) as part_weight,
        sum(direct_cost) filter (where operation_name = 'embeddings') as embedding_cost,
        sum(direct_cost) filter (where is_generation) as generation_cost
    from made
    group by charge_date, workflow_run_id
),

plural_runs as materialized (
    select
        runs.charge_date,
        runs.plural_id,
        made.tuple,
        runs.is_agent,
        runs.is_retrieval,
        bool_or(made.is_ended) as is_counted,
        sum(made.part_weight) as part_weight,
        sum(made.direct_cost) filter (where made.operation_name = 'embeddings') as embedding_cost,
        sum(made.direct_cost) filter (where made.is_generation) as generation_cost
    from made
    inner join runs on made.charge_date = runs.charge_date and made.workflow_run_id = runs.plural_id
    group by all
),

-- Runs of the same tuples count alike: how many there are of each set of tuples, and one of them.
run_patterns as (
    select
        patterns.runs,
        plural_runs.*
    from (
        select
            charge_date,
            min(plural_id) as example,
            count(*) as runs
        from (
            select
                charge_date,
                plural_id,
                is_agent,
                is_retrieval,
                sum(hash(tuple, is_counted)) as pattern
            from plural_runs
            group by charge_date, plural_id, is_agent, is_retrieval
        ) as of_runs
        group by charge_date, pattern, is_agent, is_retrieval
    ) as patterns
    inner join plural_runs
        on patterns.charge_date = plural_runs.charge_date and patterns.example = plural_runs.plural_id
),

run_tuples as materialized (
    select
        tuple,
        {{ unit_run_counts() }},
        sum(embedding_cost) filter (where is_retrieval) as embedding_cost,
        sum(generation_cost) filter (where is_retrieval) as generation_cost,
        sum(part_weight) filter (where is_agent) as agent_weight,
        sum(part_weight) filter (where is_retrieval) as retrieval_weight
    from runs
    where plural_id is null
    group by tuple
),

plural_run_tuples as materialized (
    select
        tuple,
        sum(embedding_cost) filter (where is_retrieval) as embedding_cost,
        sum(generation_cost) filter (where is_retrieval) as generation_cost,
        sum(part_weight) filter (where is_agent) as agent_weight,
        sum(part_weight) filter (where is_retrieval) as retrieval_weight
    from plural_runs
    group by tuple
),

runs_of as (
    select
        tuple_keys.key,
        tuple_keys.period_start,
        sum(workflow_runs) as workflow_runs,
        sum(agent_runs) as agent_runs,
        sum(retrieval_runs) as retrieval_runs,
        sum(embedding_cost) as embedding_cost,
        sum(generation_cost) as generation_cost
    from (
        select * from run_tuples
        union all by name
        select * from plural_run_tuples
    ) as run_sums
    inner join tuple_keys on run_sums.tuple = tuple_keys.tuple and tuple_keys.period_kind = 'day'
    group by tuple_keys.key, tuple_keys.period_start
    union all by name
    select
        key,
        period_start,
        {{ unit_run_counts('sum(runs)') }}
    from (
        select
            tuple_keys.key,
            tuple_keys.period_start,
            run_patterns.plural_id,
            run_patterns.is_agent,
            run_patterns.is_retrieval,
            run_patterns.runs,
            bool_or(run_patterns.is_counted) as is_counted
        from run_patterns
        inner join tuple_keys on run_patterns.tuple = tuple_keys.tuple and tuple_keys.period_kind = 'day'
        group by all
    ) as counted
    group by key, period_start
),

conversations as materialized (
    select
        charge_date,
        if(min(tuple) <> max(tuple), conversation_id, null) as plural_id,
        min(tuple) as tuple
    from made
    where is_ended and conversation_id is not null
    group by charge_date, conversation_id
),

plural_conversations as materialized (
    select distinct
        made.charge_date,
        made.conversation_id,
        made.tuple
    from made
    inner join conversations
        on
            made.is_ended and made.charge_date = conversations.charge_date
            and made.conversation_id = conversations.plural_id
),

conversation_patterns as (
    select
        patterns.example,
        patterns.conversations,
        plural_conversations.tuple
    from (
        select
            charge_date,
            min(conversation_id) as example,
            count(*) as conversations
        from (
            select
                charge_date,
                conversation_id,
                sum(hash(tuple)) as pattern
            from plural_conversations
            group by charge_date, conversation_id
        ) as of_conversations
        group by charge_date, pattern
    ) as patterns
    inner join plural_conversations
        on
            patterns.charge_date = plural_conversations.charge_date
            and patterns.example = plural_conversations.conversation_id
    union all
    select
        tuple::varchar,
        count(*),
        tuple
    from conversations
    where plural_id is null
    group by tuple
),

conversations_of as (
    select
        key,
        period_start,
        sum(conversations) as conversations
    from (
        select distinct
            tuple_keys.key,
            tuple_keys.period_start,
            patterns.example,
            patterns.conversations
        from conversation_patterns as patterns
        inner join tuple_keys on patterns.tuple = tuple_keys.tuple and tuple_keys.period_kind = 'day'
    ) as counted
    group by key, period_start
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
        hash(charge_date, {{ entities() | join(', ') }}, billing_currency) as tuple
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
        select tuple, part_weight, if(is_of_conversation, part_weight, null) as conversation_weight from attempt_sums
        union all by name
        select tuple, judged_weight from inference_sums
        union all by name
        select tuple, part_weight as judged_weight from plural_attempts where is_good is not null
        union all by name
        select tuple, agent_weight, retrieval_weight from run_tuples
        union all by name
        select tuple, agent_weight, retrieval_weight from plural_run_tuples
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
        {{ is_of_days('sums.charge_date') }}
        and sums.kind is distinct from 'unmatched capacity'
        and {{ is_production() }}
),

keyed as (
    select * from attempts_of
    union all by name
    select
        key,
        period_start,
        sum(inferences) as inferences,
        sum(successful_inferences) as successful_inferences,
        sum(judged_inferences) as judged_inferences,
        sum(good_inferences) as good_inferences
    from bucket_counts
    group by key, period_start
    union all by name
    select * from durations
    union all by name
    select * from first_tokens
    union all by name
    select * from conversations_of
    union all by name
    select * from runs_of
),

united as (
    select
        names.* exclude (key),
        keyed.* exclude (key)
    from keyed
    inner join (
        select distinct key, period_kind, entity, value, billing_currency from tuple_keys
    ) as names on keyed.key = names.key
    union all by name
    select
        {{ keys }},
        count(distinct customer_id) filter (where customer_id <> '(none)') as customers,
        count(distinct feature) filter (where feature <> '(none)') as features
    from ({{ unit_spread('who', ['customer_id', 'feature'], deployed=false) }}) as of_customers
    group by {{ keys }}
    union all by name
    select {{ keys }}, {{ unit_summed(unit_ledger_columns() + unit_part_columns()) }}
    from ({{
        unit_spread('costs_in_parts', unit_ledger_columns() + unit_part_columns(), deployed=false)
    }}) as of_ledger
    group by {{ keys }}
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
    where {{ is_of_days('charge_date') }}
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
    where {{ is_of_days('charge_date') }} and entity = 'model'
    group by charge_date, billing_currency
)

{{ unit_united('united') }}
