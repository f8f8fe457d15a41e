{# CTEs for counting once what came on several days of a week or month: `attempts` and `judged` of what
   recurs. Each CTE has what to add to the sums over days: 1 of the period less 1 of each day. #}
{% macro unit_recurring() -%}
{%- set keys = unit_keys() | join(', ') -%}
marked as materialized (
    select
        attempts.*,
        attempts.ended_at as hour,
        judged.is_good
    from attempts
    inner join judged
        on
            attempts.is_ended
            and attempts.charge_date = judged.charge_date
            and attempts.inference_id = judged.inference_id
),

-- Each for the week and the month that it is in; `day` is its day.
periods as (
    {%- for kind in ['week', 'month'] %}
    {{ 'union all' if not loop.first }}
    select
        marked.*,
        '{{ kind }}' as kind,
        date_trunc('{{ kind }}', charge_date) as start
    from marked
    where {{ unit_is_of(kind, 'charge_date') }}
    {%- endfor %}
),

runs as (
    select
        charge_date,
        workflow_run_id,
        {{ unit_run_flags() }}
    from marked
    group by charge_date, workflow_run_id
),

flagged as (
    select
        periods.*,
        runs.is_agent,
        runs.is_retrieval
    from periods
    left join runs on periods.charge_date = runs.charge_date and periods.workflow_run_id = runs.workflow_run_id
),

spread as materialized (
    select * exclude (period_kind, period_start, kind, start), kind as period_kind, start as period_start
    from ({{ unit_spread('flagged', [
        'kind', 'start', 'charge_date', 'inference_id', 'conversation_id', 'workflow_run_id', 'is_successful',
        'is_good', 'is_agent', 'is_retrieval'
    ]) }}) as spread
),

recurring_inferences as (
    select
        {{ keys }},
        1 - count(*) as inferences,
        max(was_successful) - sum(was_successful) as successful_inferences,
        max(was_judged) - sum(was_judged) as judged_inferences,
        max(was_good) - sum(was_good) as good_inferences
    from (
        select
            {{ keys }},
            inference_id,
            charge_date,
            bool_or(is_successful)::int as was_successful,
            (any_value(is_good) is not null)::int as was_judged,
            coalesce(any_value(is_good) and bool_or(is_successful), false)::int as was_good
        from spread
        group by all
    ) as of_days
    group by {{ keys }}, inference_id
),

recurring_conversations as (
    select {{ keys }}, 1 - count(distinct charge_date) as conversations
    from spread
    where conversation_id is not null
    group by {{ keys }}, conversation_id
),

recurring_runs as (
    select
        {{ keys }},
        1 - count(*) as workflow_runs,
        max(was_agent) - sum(was_agent) as agent_runs,
        max(was_retrieval) - sum(was_retrieval) as retrieval_runs
    from (
        select
            {{ keys }},
            workflow_run_id,
            charge_date,
            bool_or(is_agent)::int as was_agent,
            bool_or(is_retrieval)::int as was_retrieval
        from spread
        group by all
    ) as of_days
    group by {{ keys }}, workflow_run_id
)
{%- endmacro %}

{# A run of an agent goes on from an answer: it has several inferences that generate. A run with
   retrieval embeds and generates. Each on one day. #}
{% macro unit_run_flags() -%}
    coalesce(
            min(hash(inference_id)) filter (where is_ended and is_generation)
            <> max(hash(inference_id)) filter (where is_ended and is_generation),
            false
        ) as is_agent,
        bool_or(is_ended and operation_name = 'embeddings') and bool_or(is_ended and is_generation) as is_retrieval
{%- endmacro %}
