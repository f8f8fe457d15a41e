{# Disjoint buckets: together they are every token of an attempt, once. #}
{% macro token_types() -%}
    {{ return([
        'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'audio_input', 'audio_output'
    ]) }}
{%- endmacro %}

{# A request that names no tier is served, and billed, as standard. #}
{% macro service_tier(column) -%}
    case when {{ column }} is null or {{ column }} in ('auto', 'default') then 'standard' else {{ column }} end
{%- endmacro %}

{# Identifies a model's lines on a bill: all its token buckets in one interval, project, key and tier. #}
{% macro token_line_id() -%}
    {{ id_of([
        'source', 'billing_period', 'billing_currency', 'charge_period_start', 'charge_period_end',
        'service_provider_name', 'sub_account_id', 'api_key_id', service_tier('service_tier'), 'model',
        line_owner()
    ]) }}
{%- endmacro %}

{# What else tells lines of tokens apart: the rule, and of what is one line only because telemetry does
   not tell its projects or keys apart, what the dimensions know of it. #}
{% macro line_owner() -%}
    if(line_known is null, rule_hash, concat(rule_hash, cast(line_known as varchar)))
{%- endmacro %}

{# What the rule or, where it is silent, the dimensions give an entity of a token line. #}
{% macro line_entity(entity) -%}
    coalesce(lines.rule.set_{{ entity }}, lines.known.{{ entity }})
{%- endmacro %}
