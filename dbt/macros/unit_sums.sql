{# Beside the values of the entities: where it ran (api, container or node), and the whole. #}
{% macro unit_entities() -%}
    {{ return(entities() + ['deployment', 'all']) }}
{%- endmacro %}

{# Of which entities there are rows by the hour. #}
{% macro unit_hourly_entities() -%}
    {{ return(['feature', 'model', 'all']) }}
{%- endmacro %}

{# The rows of a relation with columns for all entities, once for each entity: entity, value, currency
   and the given columns. A relation with a column `hour` can have rows by the hour, too; one of the ledger
   does not know where anything ran. #}
{% macro unit_spread(relation, columns, hourly=false, deployed=true) -%}
    {%- set rows = [] -%}
    {%- for entity in unit_entities() if deployed or entity != 'deployment' -%}
        {%- set value = "'(all)'" if entity == 'all' else entity -%}
        {%- do rows.append("row('day', charge_date::timestamp, '" ~ entity ~ "', " ~ value ~ ")") -%}
        {%- if hourly and entity in unit_hourly_entities() -%}
            {%- do rows.append("row('hour', hour, '" ~ entity ~ "', " ~ value ~ ")") -%}
        {%- endif -%}
    {%- endfor -%}
    select
        key.period_kind,
        key.period_start,
        key.entity,
        key.value,
        billing_currency,
        {{ columns | join(', ') }}
    from (
        select
            *,
            unnest([
                {{ rows | join(',\n                ') }}
            ]::struct(period_kind varchar, period_start timestamp, entity varchar, value varchar)[]) as key
        from {{ relation }}
    ) as spread
{%- endmacro %}

{% macro unit_keys() -%}
    {{ return(['period_kind', 'period_start', 'entity', 'value', 'billing_currency']) }}
{%- endmacro %}

{# Waiting times are counted in buckets, each 2 % wider than the one before: what is read from them is
   off by less than 1 %, and they add up over days. #}
{% macro unit_bucket(microseconds) -%}
    cast(if({{ microseconds }} > 1, floor(ln({{ microseconds }}) / ln(1.02)), {{ microseconds }} * 0) as smallint)
{%- endmacro %}

{% macro unit_bucket_ms(bucket) -%}
    cast(pow(1.02, {{ bucket }}) * (2.04 / 2.02) / 1000 as decimal(18, 3))
{%- endmacro %}

{# One row a key from rows of buckets (keys, bucket, inferences): its percentiles and the buckets as a map. #}
{% macro unit_percentiles(counted, name, keys=none) -%}
    {%- set keys = keys or unit_keys() -%}
    select
        {{ keys | join(', ') }},
        {% for percent in [50, 95, 99] -%}
        {{ unit_bucket_ms('min(bucket) filter (where reached * 100 >= total * ' ~ percent ~ ')') }}
            as {{ name }}_p{{ percent }}_ms,
        {% endfor -%}
        map_from_entries(list(row(bucket, inferences) order by bucket)) as {{ name }}_buckets
    from (
        select
            *,
            sum(inferences) over (
                partition by {{ keys | join(', ') }} order by bucket rows unbounded preceding
            ) as reached,
            sum(inferences) over (partition by {{ keys | join(', ') }}) as total
        from {{ counted }}
    ) as ordered
    group by all
{%- endmacro %}

{# The columns of int_unit_days and int_unit_periods, by what adds them up. #}
{% macro unit_attempt_columns() -%}
    {%- set columns = ['attempts', 'failed_attempts', 'attempt_cost', 'failed_cost', 'capacity_cost'] -%}
    {%- for token_type in token_types() -%}
        {%- do columns.append(token_type ~ '_tokens') -%}
        {%- do columns.append('priced_' ~ token_type ~ '_tokens') -%}
        {%- do columns.append(token_type ~ '_cost') -%}
    {%- endfor -%}
    {%- do columns.append('reasoning_tokens') -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro unit_ledger_columns() -%}
    {{ return([
        'direct_cost', 'idle_cost', 'scaling_cost', 'shared_cost', 'overhead_cost', 'loaded_cost',
        'tax_and_credit_cost', 'unmatched_cost', 'left_out_cost', 'effective_cost'
    ]) }}
{%- endmacro %}

{# Parts of what production caused that are of some inferences only: of judged ones, of conversations, of
   agents, with retrieval, of customers, of features. Each has its part of every component. #}
{% macro unit_parts() -%}
    {{ return(['judged', 'conversation', 'agent', 'retrieval', 'customer', 'feature']) }}
{%- endmacro %}

{% macro unit_part_columns() -%}
    {%- set columns = [] -%}
    {%- for part in unit_parts() -%}
        {%- for component in unit_part_components() -%}
            {%- do columns.append(part ~ '_' ~ component ~ '_cost') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro unit_part_components() -%}
    {{ return(['direct', 'idle', 'scaling', 'shared', 'overhead', 'tax_and_credit']) }}
{%- endmacro %}

{# What is counted once a period: the sums over days, less what was counted on several of them. #}
{% macro unit_once_columns() -%}
    {{ return([
        'inferences', 'successful_inferences', 'judged_inferences', 'good_inferences', 'conversations',
        'workflow_runs', 'agent_runs', 'retrieval_runs', 'customers', 'features'
    ]) }}
{%- endmacro %}

{% macro unit_sum_columns() -%}
    {{ return(
        unit_attempt_columns() + unit_ledger_columns()
        + unit_part_columns() + ['embedding_cost', 'generation_cost', 'seen_cost', 'lower_cost', 'upper_cost']
    ) }}
{%- endmacro %}

{# The sum of a column, in its type: counts are 0 where there are none, money is NULL. #}
{% macro unit_sum_of(column) -%}
    {%- if column in unit_once_columns() + ['attempts', 'failed_attempts'] -%}
        coalesce(sum({{ column }}), 0)::bigint as {{ column }}
    {%- elif column.endswith('_tokens') -%}
        sum({{ column }})::bigint as {{ column }}
    {%- else -%}
        sum({{ column }})::decimal(38, 12) as {{ column }}
    {%- endif -%}
{%- endmacro %}

{# One row a key, from a relation with rows that have some of the columns each. #}
{% macro unit_united(united) -%}
    select
        *,
        -- Explained part of all that the period cost.
        (1 - sum(unmatched_cost) filter (where entity = 'all') over of_all
            / nullif(sum(effective_cost) filter (where entity = 'all') over of_all, 0))::decimal(9, 6) as coverage
    from (
        select
            {{ unit_keys() | join(', ') }},
            {% for column in unit_once_columns() + unit_sum_columns() -%}
            {{ unit_sum_of(column) }},
            {% endfor -%}
            {% for measure in ['duration', 'first_token'] -%}
            {% for percent in [50, 95, 99] -%}
            max({{ measure }}_p{{ percent }}_ms) as {{ measure }}_p{{ percent }}_ms,
            {% endfor -%}
            any_value({{ measure }}_buckets) as {{ measure }}_buckets{{ ',' if not loop.last }}
            {% endfor -%}
        from {{ united }}
        group by {{ unit_keys() | join(', ') }}
    ) as summed
    window of_all as (partition by period_kind, period_start, billing_currency)
    order by {{ unit_keys() | join(', ') }}
{%- endmacro %}

{# The first day of the month that is built; NULL where everything is looked at. #}
{% macro unit_month() -%}
    cast(getvariable('period') || '-01' as date)
{%- endmacro %}

{# Whether a day is of the month that is built or, of kind week, of the weeks that it has days of, as far
   as they go in it. #}
{% macro unit_is_of(kind, day) -%}
    coalesce(
        {{ day }} >= {{ "date_trunc('week', " ~ unit_month() ~ ")" if kind == 'week' else unit_month() }}
        and {{ day }} < {{ unit_month() }} + interval 1 month,
        true
    )
{%- endmacro %}

{# These columns, each summed under its name. #}
{% macro unit_summed(columns, relation=none) -%}
    {%- for column in columns -%}
    sum({{ relation ~ '.' if relation }}{{ column }}) as {{ column }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{% macro unit_run_counts(runs='count(*)') -%}
    {{ runs }} filter (where is_counted) as workflow_runs,
        {{ runs }} filter (where is_counted and is_agent) as agent_runs,
        {{ runs }} filter (where is_counted and is_retrieval) as retrieval_runs
{%- endmacro %}

{% macro unit_inference_counts() -%}
    count(*) as inferences,
        count(*) filter (where is_successful) as successful_inferences,
        count(*) filter (where is_good is not null) as judged_inferences,
        count(*) filter (where is_good) as good_inferences
{%- endmacro %}

{# The columns of unit_attempt_columns, of sums over attempts that count alike. #}
{% macro unit_attempt_sums() -%}
    sum(attempts) filter (where is_ended) as attempts,
            sum(attempts) filter (where is_ended and not is_successful) as failed_attempts,
            sum(direct_cost) as attempt_cost,
            sum(direct_cost) filter (where not is_successful) as failed_cost,
            sum(capacity_cost) as capacity_cost,
            {%- for token_type in token_types() %}
            sum({{ token_type }}_tokens) filter (where is_ended and not is_rejected) as {{ token_type }}_tokens,
            {{ unit_summed(['priced_' ~ token_type ~ '_tokens', token_type ~ '_cost']) }},
            {%- endfor %}
            sum(reasoning_tokens) filter (where is_ended and not is_rejected) as reasoning_tokens
{%- endmacro %}
