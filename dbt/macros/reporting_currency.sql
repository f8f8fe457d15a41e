{# An amount in the reporting currency: exact, because a rate has 9 decimals; NULL where none is configured. #}
{% macro in_reporting_currency(amount) -%}
    (cast({{ amount }} as decimal(38, 12)) * rates.exchange_rate)::decimal(38, 21)
{%- endmacro %}

{# A cost, and what of other currencies is converted, which is added before it is rounded; most have none. #}
{% macro with_converted(cost, converted) -%}
    coalesce(({{ cost }} + {{ converted }})::decimal(38, 12), {{ cost }})
{%- endmacro %}

{% macro join_exchange_rates(relation) -%}
left join {{ ref('int_exchange_rates') }} as rates
    on
        {{ relation }}.source = rates.source
        and {{ relation }}.billing_period = rates.billing_period
        and {{ relation }}.billing_currency = rates.billing_currency
{%- endmacro %}

{# The whole number of 10^-12 that this many of them, shared by a count, are: half-even, 9 decimals. #}
{% macro exchange_rate(picos, count) -%}
    cast(
        cast({{ half_even_ratio(picos, '(' ~ count ~ ' * 1000::hugeint)') }} as decimal(18, 0))
        * 0.000000001::decimal(10, 9)
    as decimal(18, 9))
{%- endmacro %}
