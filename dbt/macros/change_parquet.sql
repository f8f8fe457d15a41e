{# One Parquet file a pair of periods that are compared, built again only where one of their days, or
   what int_change_inputs says, has changed. The query says with is_of_pairs(change_pair()) which rows
   are of the pairs that are built: several at once, where their days are small. #}
{% materialization change_parquet, adapter='duckdb', supported_languages=['sql'] %}
    {{ run_hooks(pre_hooks) }}
    {%- set relation = build_parts('int_change_inputs', 'pair', look_at_pairs) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% macro look_at_pairs(pairs, tables) -%}
    {%- set names = "'" ~ pairs | join("', '") ~ "'" -%}
    set variable pairs = [{{ names }}];
    set variable facts_of = (
        select list_distinct(flatten(list(files))) from {{ ref('int_change_inputs') }} where pair in ({{ names }})
    )
{%- endmacro %}

{# Whether a pair is one of those that are built; outside of a build, every pair is. #}
{% macro is_of_pairs(pair) -%}
    coalesce(list_contains(cast(getvariable('pairs') as varchar[]), {{ pair }}), true)
{%- endmacro %}

{# The name of a pair of periods, such as 30-days-2026-10-04. #}
{% macro change_pair(start='period_start', kind='period_kind') -%}
    replace({{ kind }}, ' ', '-') || '-' || {{ start }}
{%- endmacro %}

{# Dates with their periods: kind, first day, first day of the next one. #}
{% macro change_dates(days) -%}
    {%- for kind, start, next in change_period_kinds() %}
    select charge_date, '{{ kind }}' as period_kind, {{ start }} as period_start, {{ next }} as next_start
    from {{ days }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
