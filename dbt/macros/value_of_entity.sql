{# The value of a row's column that `entity` names. #}
{% macro value_of_entity(entity, relation) -%}
    case {{ entity }}{% for name in entities() %} when '{{ name }}' then {{ relation }}.{{ name }}{% endfor %} end
{%- endmacro %}
