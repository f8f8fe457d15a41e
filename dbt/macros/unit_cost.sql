{# cost ÷ count to 12 decimals, in whole numbers; NULL where either side is missing or the count is 0. #}
{% macro unit_cost(cost, count) -%}
    case when {{ count }} > 0 then cast(
        cast(
            sign({{ cost }}) * (
                2 * cast(cast(abs({{ cost }}) as decimal(25, 12)) * 1000000000000::decimal(13, 0) as hugeint)
                + {{ count }}
            ) // (2 * {{ count }})
        as decimal(25, 0)) * 0.000000000001::decimal(13, 12)
    as decimal(38, 12)) end
{%- endmacro %}

{% macro is_production() -%}
    environment not in ('{{ var('non_production_environments') | join("', '") }}')
{%- endmacro %}
