{# The columns of int_day_inputs that names of files have. #}
{% macro day_hashes() -%}
    {{ return([
        'attempts_hash', 'waste_hash', 'ledger_hash', 'costs_hash', 'drivers_hash', 'units_hash', 'fleet_hash',
        'scaling_hash', 'unused_hash'
    ]) }}
{%- endmacro %}

{# The hash column of each of these relations, as int_day_inputs has them. #}
{% macro hashes_of(relations) -%}
    {%- set columns = [] -%}
    {%- for relation in relations %}{% do columns.append(relation ~ '.hash') %}{% endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# What a test looks at: the days, or the billing periods with a day, that are not as published. What
   is published has been tested. They are written out, and from when to when they are, which DuckDB puts
   to both sides of a join: no other day's file is read. #}
{% macro is_new(column) -%}
    {%- set is_period = column.split('.')[-1] == 'billing_period' -%}
    {%- set query = new_periods() if is_period else new_days() -%}
    {%- set values = [] -%}
    {%- if execute -%}
        {%- for row in run_query(query).rows -%}
            {%- do values.append("'" ~ row[0] ~ "'" if is_period else "date '" ~ row[0] ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {% if values | length > 1 -%}
    {{ column }} between {{ values[0] }} and {{ values[-1] }} and {{ column }} in ({{ values | join(', ') }})
    {%- else -%}
    {{ column }} = {{ values | join or 'null' }}
    {%- endif %}
{%- endmacro %}

{% macro new_days() -%}
    select charge_date from {{ ref('int_day_inputs') }} where is_new order by 1
{%- endmacro %}

{% macro new_periods() -%}
    select period as billing_period from {{ ref('int_period_inputs') }} where is_new order by 1
{%- endmacro %}
