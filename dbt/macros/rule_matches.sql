{# Whether what is configured (a rule, a pool) matches a tuple of charge attributes on its day. #}
{% macro rule_matches(rules, tuples) -%}
    {% for attribute in rule_attributes() -%}
    (
        {{ rules }}.{{ rule_condition(attribute) }} is null
        or {{ glob_matches(tuples ~ '.' ~ attribute, rules ~ '.' ~ rule_condition(attribute)) }}
    )
    and {% endfor -%}
    len(list_filter(
        coalesce({{ rules }}.when_tags, []),
        lambda tag: not {{ glob_matches(tag_value(tuples ~ '.tags', 'tag.key'), 'tag.value') }}
    )) = 0
    and {{ is_valid_on(rules, tuples ~ '.charge_date') }}
{%- endmacro %}

{# `*` is any value, and so none matches it; the empty glob asks for none. #}
{% macro glob_matches(value, glob) -%}
    coalesce({{ value }} glob {{ glob }}, {{ glob }} = '')
{%- endmacro %}

{% macro tag_value(tags, key) -%}
    json_extract_string({{ tags }}, '$."' || {{ key }} || '"')
{%- endmacro %}

{# Whether something with dates holds on a day. #}
{% macro is_valid_on(dated, day) -%}
    coalesce({{ dated }}.valid_from <= {{ day }}, true) and coalesce({{ dated }}.valid_to > {{ day }}, true)
{%- endmacro %}
