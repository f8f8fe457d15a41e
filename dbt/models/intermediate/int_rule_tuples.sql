-- One row a distinct tuple of the charge attributes that rules read and a day.
-- Rules, pools and dimensions look at the tuples, not at the rows.
select
    {{ rule_tuple_id() }} as rule_tuple_id,
    charge_date,
    {% for attribute in rule_attributes() -%}
    any_value({{ attribute }}) as {{ attribute }},
    {% endfor -%}
    any_value(tags) as tags
from {{ ref('int_charges') }}
group by rule_tuple_id, charge_date
