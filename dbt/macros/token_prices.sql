{# What an attempt is priced by: its token buckets, with what reasoning takes of the output, and itself. #}
{% macro priced_meters() -%}
    {{ return(token_types() + ['reasoning', 'requests']) }}
{%- endmacro %}

{# How much of a meter an attempt used. Reasoning tokens are part of the output tokens. #}
{% macro metered_quantity(meter) -%}
    {%- if meter == 'output' -%} attempts.output_tokens - least(coalesce(attempts.reasoning_tokens, 0), attempts.output_tokens)
    {%- elif meter == 'reasoning' -%} least(coalesce(attempts.reasoning_tokens, 0), attempts.output_tokens)
    {%- elif meter == 'requests' -%} 1
    {%- else -%} attempts.{{ meter }}_tokens
    {%- endif -%}
{%- endmacro %}

{# What a quantity costs, rounded half up to 12 decimals; exact where the price has 6 decimals, as all
   but a few have. It is for a million tokens, and for a thousand requests. #}
{% macro metered_cost(meter) -%}
    {%- set per = '0.001::decimal(3, 3)' if meter == 'requests' else '0.000001::decimal(6, 6)' -%}
    cast({{ meter }}_quantity * {{ meter }}_price * {{ per }} as decimal(38, 12))
{%- endmacro %}
