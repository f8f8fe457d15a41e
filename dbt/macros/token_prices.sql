{# What an attempt is priced by: its token buckets, with what reasoning takes of the output, and itself. #}
{% macro priced_meters() -%}
    {{ return(token_types() + ['reasoning', 'requests']) }}
{%- endmacro %}

{# How much of a meter an attempt used. Reasoning tokens are part of the output tokens. #}
{% macro metered_quantity(meter) -%}
    {%- set reasoning = 'least(coalesce(attempts.reasoning_tokens, 0), attempts.output_tokens)' -%}
    {%- if meter == 'output' -%} attempts.output_tokens - {{ reasoning }}
    {%- elif meter == 'reasoning' -%} {{ reasoning }}
    {%- elif meter == 'requests' -%} 1
    {%- else -%} attempts.{{ meter }}_tokens
    {%- endif -%}
{%- endmacro %}

{# Whole 10^-12 of a unit, 64 bits: products of these are ten times as fast as those of decimals. #}
{% macro from_short_pico(units) -%}
    cast(cast({{ units }} as decimal(18, 0)) * 0.000000000001::decimal(12, 12) as decimal(38, 12))
{%- endmacro %}
