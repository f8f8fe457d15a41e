-- int_unit_days, by the month, and with them weeks (from Monday) and calendar months, UTC. Sums are those of
-- the days; what came on several days of a period (an inference, a conversation, a run, a customer) is
-- counted once. How sure a month's direct cost is, is known better than from its days; a week's bounds are
-- those of its days. A week that goes on in the next month is here as far as it goes in this one, too.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(
    materialized='monthly_parquet', schema='intermediate', contract={'enforced': false}, meta={'day_hash': 'units_hash'}
) }}
{%- set keys = unit_keys() | join(', ') %}
{%- set kinds = ['week', 'month'] %}
{%- set names = ['customers', 'features'] %}
with recurring as materialized (
    select *
    from {{ ref('int_recurring_ids') }}
),

{{ unit_attempts(unit_is_of('week', 'charge_date'), "(
        hash(inference_id) in (select id from recurring where kind = 'inference_id')
        or hash(conversation_id) in (select id from recurring where kind = 'conversation_id')
        or hash(workflow_run_id) in (select id from recurring where kind = 'workflow_run_id')
    )", materialized=true) }},

{{ unit_tuples() }},

{{ unit_judgements(unit_is_of('week', 'charge_date')) }},

{{ unit_recurring() }},

days as (
    {%- for kind in kinds %}
    {{ 'union all' if not loop.first }}
    select
        * replace (
            '{{ kind }}' as period_kind,
            date_trunc('{{ kind }}', period_start) as period_start
            {%- if kind == 'month' %},
            null as seen_cost,
            null as lower_cost,
            null as upper_cost
            {%- endif %}
        )
    from {{ ref('int_unit_days') }}
    where period_kind = 'day' and {{ unit_is_of(kind, 'period_start') }}
    {%- endfor %}
),

who as (
    {%- for kind in kinds %}
    {{ 'union all' if not loop.first }}
    select distinct
        sums.charge_date,
        '{{ kind }}' as kind,
        date_trunc('{{ kind }}', sums.charge_date) as start,
        {{ entities() | join(', ') }},
        coalesce(sums.billing_currency, day_currencies.billing_currency) as billing_currency
    from {{ ref('int_attempt_sums') }} as sums
    left join day_currencies on sums.charge_date = day_currencies.charge_date
    where
        sums.kind is distinct from 'unmatched capacity'
        and {{ is_production() }}
        and {{ unit_is_of(kind, 'sums.charge_date') }}
    {%- endfor %}
),

{%- for measure in ['duration', 'first_token'] %}

{{ measure }}_counts as (
    select
        {{ keys }},
        entry.key as bucket,
        sum(entry.value)::bigint as inferences
    from (select {{ keys }}, unnest(map_entries({{ measure }}_buckets)) as entry from days) as entries
    group by all
),

{{ measure }}s as (
    {{ unit_percentiles(measure ~ '_counts', measure) }}
),
{%- endfor %}

united as (
    select
        {{ keys }},
        {{ (unit_once_columns() | reject('in', names) | list + unit_sum_columns()) | join(', ') }}
    from days
    {%- for added in ['inferences', 'conversations', 'runs'] %}
    union all by name
    select * from recurring_{{ added }}
    {%- endfor %}
    {%- for measure in ['durations', 'first_tokens'] %}
    union all by name
    select * from {{ measure }}
    {%- endfor %}
    {%- for of_all in [false, true] %}
    union all by name
    select
        'month' as period_kind,
        (charge_month || '-01')::timestamp as period_start,
        {{ "'all' as entity, '(all)' as value" if of_all else 'entity, value' }},
        billing_currency,
        sum(seen_cost) as seen_cost,
        sum(lower_cost) as lower_cost,
        sum(upper_cost) as upper_cost
    from {{ ref('cost_bounds_monthly') }}
    where {{ unit_is_of('month', "(charge_month || '-01')::date") }}{{ " and entity = 'model'" if of_all }}
    group by all
    {%- endfor %}
    union all by name
    select
        kind as period_kind,
        start as period_start,
        entity,
        value,
        billing_currency,
        count(distinct customer_id) filter (where customer_id <> '(none)') as customers,
        count(distinct feature) filter (where feature <> '(none)') as features
    from ({{ unit_spread('who', ['kind', 'start', 'customer_id', 'feature'], deployed=false) }}) as of_customers
    group by all
),

periods_united as (
    {{ unit_united('united') }}
)

select
    * exclude (duration_buckets, first_token_buckets),
    -- The next month has all of the week, if it has anything.
    if(
        period_kind = 'week' and period_start + interval 7 day > {{ unit_month() }} + interval 1 month,
        strftime({{ unit_month() }} + interval 1 month, '%Y-%m'),
        null
    ) as continued_in
from (
    select *
    from periods_united
    where {{ unit_is_of('week', 'period_start') }}
    union all by name
    select *
    from {{ ref('int_unit_days') }}
    where {{ unit_is_of('month', 'period_start') }}
) as totals
order by period_kind, entity, value, period_start, billing_currency
