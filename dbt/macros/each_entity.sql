{# The columns entity and value of rows that are grouped by each_entity(): '(all)' of all together. #}
{% macro entity_and_value() -%}
        case
            {% for entity in entities() -%}
            when grouping({{ entity }}) = 0 then '{{ entity }}'
            {% endfor -%}
            else 'all'
        end as entity,
        coalesce({{ entities() | join(', ') }}, '(all)') as value
{%- endmacro %}

{# Grouping sets: by the columns and each entity, and by the columns alone. #}
{% macro each_entity(columns) -%}
    grouping sets (
        {%- for entity in entities() %}
        ({{ columns | join(', ') }}, {{ entity }}),
        {%- endfor %}
        ({{ columns | join(', ') }})
    )
{%- endmacro %}
