{# What makes up a change, by logarithms: where a cost is a product of factors, C = f × g × …, its change
   is the sum of L(C1, C0) × ln(f1 ÷ f0), L(C1, C0) × ln(g1 ÷ g0), …: no order matters, nothing is left
   over (logarithmic mean Divisia index). See docs/decisions/0016. #}

{# The logarithmic mean of two positive numbers; near each other by its series, which loses no digits. #}
{% macro change_log_mean(after, before) -%}
    case
        when abs({{ after }} / {{ before }} - 1) < 0.0001
            then sqrt({{ after }} * {{ before }}) * (1 + power(ln({{ after }} / {{ before }}), 2) / 24)
        else ({{ after }} - {{ before }}) / ln({{ after }} / {{ before }})
    end
{%- endmacro %}

{# ln(after ÷ before), NULL where either is missing or not positive. #}
{% macro change_log(after, before) -%}
    case when {{ after }} > 0 and {{ before }} > 0 then ln({{ after }}::double / {{ before }}::double) end
{%- endmacro %}

{# The periods that are compared, each with the one right before it: their kinds, how to find the first
   day of a date's period, and that of the next. Periods of 30 days are counted from 1970-01-01: they
   are as long as each other, which months are not. #}
{% macro change_period_kinds() -%}
    {{ return([
        ('month', "date_trunc('month', charge_date)::date", "(period_start + interval 1 month)::date"),
        ('week', "date_trunc('week', charge_date)::date", 'period_start + 7'),
        (
            '30 days',
            "date '1970-01-01' + ((charge_date - date '1970-01-01') // 30 * 30)::integer",
            'period_start + 30'
        ),
    ]) }}
{%- endmacro %}
