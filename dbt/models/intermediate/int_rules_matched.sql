-- One row a distinct tuple of the charge attributes that rules read and a day, with the first rule
-- that matches. Rules match the tuples, not the rows.
with tuple_days as (
    select
        {{ rule_tuple_id() }} as rule_tuple_id,
        charge_date,
        {% for attribute in rule_attributes() -%}
        any_value({{ attribute }}) as {{ attribute }},
        {% endfor -%}
        any_value(tags) as tags
    from {{ ref('int_charges') }}
    group by rule_tuple_id, charge_date
)

select
    tuple_days.rule_tuple_id,
    tuple_days.charge_date,
    arg_min(rules, rules.priority) as rule
from tuple_days
inner join {{ ref('stg_lake__rules') }} as rules
    on
        {% for attribute in rule_attributes() -%}
        (
            rules.{{ rule_condition(attribute) }} is null
            or coalesce(tuple_days.{{ attribute }}, '') glob rules.{{ rule_condition(attribute) }}
        )
        and {% endfor -%}
        len(list_filter(
            coalesce(rules.when_tags, []),
            lambda tag: not coalesce(json_extract_string(tuple_days.tags, '$."' || tag.key || '"'), '') glob tag.value
        )) = 0
        and coalesce(rules.valid_from <= tuple_days.charge_date, true)
        and coalesce(rules.valid_to > tuple_days.charge_date, true)
group by tuple_days.rule_tuple_id, tuple_days.charge_date
