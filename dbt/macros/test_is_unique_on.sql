{# A grain: no two rows with the same values in these columns, on the days, or in the billing periods,
   that are not as published. Of many rows only those that share a hash with another are told apart by the
   values: hashes take half the time, and less memory. #}
{% test is_unique_on(model, columns, are_many=false) %}
{%- set has = [] -%}
{%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(model) -%}{%- do has.append(column.name) -%}{%- endfor -%}
{%- endif -%}
{%- set conditions = ['true'] -%}
{%- for column in ['charge_date', 'billing_period'] if column in has -%}
    {%- do conditions.append(is_new(column)) -%}
{%- endfor -%}
-- depends_on: {{ ref('int_day_inputs') }}
-- depends_on: {{ ref('int_period_inputs') }}
select {{ columns | join(', ') }}, count(*) as rows
from {{ model }}
where {{ conditions | join(' and ') }}
{%- if are_many %}
    and hash({{ columns | join(', ') }}) in (
        select hash({{ columns | join(', ') }})
        from {{ model }}
        where {{ conditions | join(' and ') }}
        group by 1
        having count(*) > 1
    )
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
