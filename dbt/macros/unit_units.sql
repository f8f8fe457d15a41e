{# What unit costs are of: the unit, how many, the part of the costs that is of these units (none: all),
   what they come in, and why there may be none. #}
{% macro unit_units() -%}
    {{ return([
        ('inference', 'totals.inferences', none, 1, 'no inference'),
        ('successful inference', 'totals.successful_inferences', none, 1, 'no inference was successful'),
        (
            'good inference', 'totals.good_inferences', 'judged', 1,
            'no service level and no evaluation judges its inferences, or they say no time to first token'
        ),
        ('conversation', 'totals.conversations', 'conversation', 1, 'no inference names a conversation'),
        ('workflow run', 'totals.workflow_runs', none, 1, 'no workflow run'),
        ('agent run', 'totals.agent_runs', 'agent', 1, 'no run has several inferences that generate'),
        (
            'retrieval run', 'totals.retrieval_runs', 'retrieval', 1,
            'no run embeds and generates'
        ),
        ('customer', 'totals.customers', 'customer', 1, 'no inference names a customer'),
        ('feature', 'totals.features', 'feature', 1, 'no inference names a feature'),
        ('active user', 'users.active_users', none, 1, 'no driver stream active_users states them for this period'),
        (
            '1,000 active users', 'users.active_users', none, 1000,
            'no driver stream active_users states them for this period'
        ),
        ('1M tokens', unit_all_tokens('totals'), none, 1000000, 'no token counts')
    ]) }}
{%- endmacro %}

{% macro unit_all_tokens(relation) -%}
    {%- set columns = [] -%}
    {%- for token_type in token_types() -%}
        {%- do columns.append('coalesce(' ~ relation ~ '.' ~ token_type ~ '_tokens, 0)') -%}
    {%- endfor -%}
    {{ return('(' ~ columns | join(' + ') ~ ')') }}
{%- endmacro %}

{# A component's cost, or of it the part that is of some inferences only. #}
{% macro unit_part(component, part) -%}
    totals.{{ part ~ '_' if part else '' }}{{ component }}_cost
{%- endmacro %}
