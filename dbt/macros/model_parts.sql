{# One row a model that served, with its tier as configured: the first of the list that it matches. #}
{% macro tiers_of_models() -%}
tiers as (
    select models.model, tiers.tier, tiers.position
    from (select distinct model from {{ ref('int_model_days') }}) as models
    inner join {{ ref('stg_lake__model_tiers') }} as tiers on models.model glob tiers.model
    qualify row_number() over (partition by models.model order by tiers.position, tiers.tier, tiers.model) = 1
)
{%- endmacro %}

{# The number format that a model's name says its weights have; NULL where it says none. #}
{% macro precision_pattern() -%}
    {{ return(
        "[-_./](fp32|fp16|bf16|fp8|fp4|nvfp4|mxfp4|int8|int4|awq|gptq|w4a16|w8a8|w8a16"
        ~ "|q[2-8]_[0-9k](?:_[a-z])?|[48]bit)($|[-_./:])"
    ) }}
{%- endmacro %}

{% macro month_of(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}
