{# CTEs for counting what inferences are of: `attempts` are the production attempts of the `days` for
   which `where` holds, each with a currency and a `tuple`, one number for its day, entities and currency. What
   has not ended has cost, and is not counted yet. What nobody bills counts in the currency of its
   inference, else in the one that bills most of the day. #}
{% macro unit_attempts(days, where='true', materialized=false) -%}
found as {{ 'not ' if not materialized }}materialized (
    select *
    from {{ ref('attempt_costs') }}
    where {{ days }} and {{ where }} and {{ is_production() }}
),

day_currencies as materialized (
    select
        charge_date,
        arg_max(billing_currency, (attempts, billing_currency)) as billing_currency
    from (
        select charge_date, billing_currency, sum(attempts) as attempts
        from {{ ref('int_attempt_sums') }}
        where {{ days }} and billing_currency is not null
        group by charge_date, billing_currency
        union all
        select distinct charge_date, billing_currency, 0
        from {{ ref('allocated_costs') }}
        where {{ days }}
    ) as counted
    group by charge_date
),

unbilled as materialized (
    select
        found.charge_date,
        found.inference_id,
        coalesce(min(found.billing_currency), any_value(day_currencies.billing_currency)) as billing_currency
    from found
    left join day_currencies on found.charge_date = day_currencies.charge_date
    where
        found.inference_id in (select nobodys.inference_id from found as nobodys where nobodys.billing_currency is null)
    group by found.charge_date, found.inference_id
),

attempts as not materialized (
    select
        * replace (currency as billing_currency),
        hash(charge_date, {{ entities() | join(', ') }}, deployment, currency) as tuple,
        status in ('ok', 'cached') as is_successful,
        operation_name in ('chat', 'text_completion', 'generate_content') as is_generation,
        -- Those without a cost have a part of what is shared, too.
        coalesce(direct_cost, 0) + 0.000000001 as part_weight
    from (
        select
            found.*,
            coalesce(found.billing_currency, unbilled.billing_currency) as currency,
            case
                when found.pod_uid is not null then 'container'
                when found.capacity_cost is not null then 'node'
                else 'api'
            end as deployment
        from found
        -- Asked for within the key: a condition beside it would compare each with each.
        left join unbilled
            on
                found.charge_date = unbilled.charge_date
                and if(found.billing_currency is null, found.inference_id, null) = unbilled.inference_id
    ) as billed
)
{%- endmacro %}

{# The tuples of attempts, or of sums over attempts that have their columns. #}
{% macro unit_tuples(attempts='attempts') -%}
{%- set hourly = unit_hourly_entities() | reject('equalto', 'all') | join(', ') -%}
tuples as materialized (
    select
        *,
        -- As the ledger knows it: where it ran is not in there.
        hash(charge_date, {{ entities() | join(', ') }}, billing_currency) as owners,
        -- What there is by the hour.
        hash(charge_date, {{ hourly }}, billing_currency) as hourly
    from (
        select
            charge_date,
            tuple,
            {{ unit_tuple_columns() }}
        from {{ attempts }}
        group by charge_date, tuple
    ) as found
)
{%- endmacro %}

{% macro unit_tuple_columns() -%}
    {%- for column in entities() + ['deployment', 'billing_currency'] -%}
    any_value({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {% endfor -%}
{%- endmacro %}

{# Whether inferences met their service levels and passed their evaluations. `judged` is one row an
   inference and day: NULL in is_good where nothing judges it, or what a target is about is not known. #}
{% macro unit_judgements(days, evaluated_when=none, attempts='attempts') -%}
evaluated as (
    select *
    from {{ ref('stg_lake__evaluations') }}
    where is_passed is not null{{ ' and ' ~ evaluated_when if evaluated_when }}
),

targets as materialized (
    select
        tuples.charge_date,
        tuples.tuple,
        min(levels.target_ms) filter (where levels.measure = 'duration') * 1000 as most_duration,
        min(levels.target_ms) filter (where levels.measure = 'time_to_first_token') * 1000 as most_first_token
    from tuples
    inner join {{ ref('stg_lake__service_levels') }} as levels
        on
            coalesce(levels.feature = tuples.feature, true)
            and coalesce(levels.workflow = tuples.workflow, true)
            and coalesce(levels.model = tuples.model, true)
            and {{ is_valid_on('levels', 'tuples.charge_date') }}
    group by tuples.charge_date, tuples.tuple
),

verdicts as materialized (
    select
        charge_date,
        inference_id,
        bool_and(is_passed) as is_passed
    from (
        select attempts.charge_date, attempts.inference_id, evaluations.is_passed
        from attempts
        inner join evaluated as evaluations
            on attempts.inference_id = evaluations.inference_id and {{ unit_is_evaluated_in_time() }}
        union all
        select attempts.charge_date, attempts.inference_id, evaluations.is_passed
        from attempts
        inner join evaluated as evaluations
            on attempts.attempt_id = evaluations.attempt_id and {{ unit_is_evaluated_in_time() }}
    ) as judged
    group by charge_date, inference_id
),

-- Most inferences are of one attempt; only others are put together. What shares a hash with one may be, too.
several as materialized (
    select hash(inference_id) as inference
    from {{ ref('int_inference_counts') }}
    where {{ days }} and inference_id is not null
),

-- Microseconds that the caller waited: from the first attempt to the answer, and to its first token.
answered as (
    select
        charge_date,
        inference_id,
        tuple,
        tuple as other_tuple,
        tuple as answering_tuple,
        is_successful,
        ended_at,
        part_weight,
        if(is_successful, epoch_us(ended_at) - epoch_us(started_at), null) as duration,
        if(is_successful, epoch_us(first_token_at) - epoch_us(started_at), null) as first_token
    from {{ attempts }}
    where is_ended and hash(inference_id) not in (select several.inference from several)
    union all
    select
        charge_date,
        inference_id,
        min(tuple) as tuple,
        max(tuple) as other_tuple,
        arg_max(tuple, (is_successful, ended_at, attempt_id)) as answering_tuple,
        bool_or(is_successful) as is_successful,
        max(ended_at) as ended_at,
        sum(part_weight) as part_weight,
        epoch_us(max(ended_at) filter (where is_successful)) - epoch_us(min(started_at)) as duration,
        epoch_us(arg_max(first_token_at, (ended_at, attempt_id)) filter (where is_successful))
        - epoch_us(min(started_at)) as first_token
    from {{ attempts }}
    where is_ended and hash(inference_id) in (select several.inference from several)
    group by charge_date, inference_id
),

judged as not materialized (
    select
        answered.*,
        case
            when targets.tuple is null and verdicts.is_passed is null then null
            when
                not answered.is_successful
                or answered.duration > targets.most_duration
                or answered.first_token > targets.most_first_token
                or not verdicts.is_passed
                then false
            when targets.most_first_token is not null and answered.first_token is null then null
            else true
        end as is_good
    from answered
    left join targets on answered.charge_date = targets.charge_date and answered.answering_tuple = targets.tuple
    left join verdicts
        on answered.charge_date = verdicts.charge_date and answered.inference_id = verdicts.inference_id
)
{%- endmacro %}

{# A day is complete when the next one is: what is evaluated later does not reach back. #}
{% macro unit_is_evaluated_in_time(day='attempts.charge_date') -%}
    evaluations.evaluated_at >= {{ day }} and evaluations.evaluated_at < {{ day }} + interval 2 day
{%- endmacro %}
