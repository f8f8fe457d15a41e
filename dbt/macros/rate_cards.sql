{# The attributes of metered use that a line of a rate card reads. #}
{% macro rate_attributes() -%}
    {{ return([
        'service_provider_name', 'sku_id', 'billed_model', 'token_type', 'service_tier', 'pricing_category',
        'region_id', 'consumed_unit', 'charge_date'
    ]) }}
{%- endmacro %}

{# Identifies the tuple of these: lines match tuples, not rows. #}
{% macro rate_tuple_id(relation) -%}
    hash(({% for name in rate_attributes() %}{{ relation }}.{{ name }}{{ ', ' if not loop.last }}{% endfor %}))
{%- endmacro %}

{# numerator / denominator as a whole number, half-even, sign kept: hugeints, denominator above 0. #}
{% macro half_even_ratio(numerator, denominator) -%}
    (sign({{ numerator }}) * (
        abs({{ numerator }}) // {{ denominator }}
        + case
            when 2 * (abs({{ numerator }}) % {{ denominator }}) > {{ denominator }} then 1
            when 2 * (abs({{ numerator }}) % {{ denominator }}) = {{ denominator }}
                then abs({{ numerator }}) // {{ denominator }} % 2
            else 0
        end
    ))
{%- endmacro %}

{# Whole 10^-12 of a unit and back, exact up to 10^13 units. #}
{% macro pico(amount) -%}
    cast(cast({{ amount }} as decimal(25, 12)) * 1000000000000::decimal(13, 0) as hugeint)
{%- endmacro %}

{% macro from_pico(units) -%}
    cast(cast({{ units }} as decimal(25, 0)) * 0.000000000001::decimal(13, 12) as decimal(38, 12))
{%- endmacro %}
