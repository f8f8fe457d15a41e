{# The charge attributes that rules read, in the order of the configuration's `when`. #}
{% macro rule_attributes() -%}
    {{ return([
        'source', 'service_name', 'sub_account_id', 'resource_id', 'charge_category', 'charge_description',
        'commitment_discount_status', 'usage_type', 'operation', 'line_item_type', 'api_key_id'
    ]) }}
{%- endmacro %}

{# The configuration's name of that condition: `when_` and the column of the lake. #}
{% macro rule_condition(attribute) -%}
    {%- set ours = ['usage_type', 'operation', 'line_item_type', 'api_key_id'] -%}
    when_{{ 'x_' if attribute in ours }}{{ attribute }}
{%- endmacro %}

{# Identifies the tuple of charge attributes that rules read: rules match tuples, not rows. #}
{% macro rule_tuple_id() -%}
    hash(({{ rule_attributes() | join(', ') }}, tags))
{%- endmacro %}

{# The six entities, in the order in which every model names them. #}
{% macro entities() -%}
    {{ return(['customer_id', 'feature', 'workflow', 'team', 'model', 'environment']) }}
{%- endmacro %}

{# An id made of several columns, which may be NULL. #}
{% macro id_of(columns) -%}
    md5(concat_ws(chr(31){% for column in columns %}, coalesce(cast({{ column }} as varchar), chr(30)){% endfor %}))
{%- endmacro %}

{# The cost pool that a row of int_costs_attributed goes into: what is shared as a whole on a day. #}
{% macro cost_pool_id() -%}
    {{ id_of([
        "'cost pool'", 'charge_date', 'source', 'billing_period', 'billing_currency', 'charge_category', 'component',
        'scope', 'scope_key', 'rule_id', 'rule_version', 'effective_cost < 0', 'owner'
    ]) }}
{%- endmacro %}
