{# A grain: no two rows with the same values in these columns, on the days, or in the billing periods,
   that are not as published. #}
{% test is_unique_on(model, columns) %}
{%- set has = [] -%}
{%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(model) -%}{%- do has.append(column.name) -%}{%- endfor -%}
{%- endif -%}
-- depends_on: {{ ref('int_day_inputs') }}
-- depends_on: {{ ref('int_period_inputs') }}
select {{ columns | join(', ') }}, count(*) as rows
from {{ model }}
{%- for column in ['charge_date', 'billing_period'] if column in has %}
{{ 'where' if loop.first else 'and' }} {{ is_new(column) }}
{%- endfor %}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
