{# Seconds that hold where the configuration of a pool says nothing, as models/attribution.py has them. #}
{% macro scaling_default(name) -%}
    {{ return({'cooldown_s': 300, 'drain_s': 30, 'warm_up_s': 300, 'minimum_billing_s': 60}[name]) }}
{%- endmacro %}

{# A number of a pool's policy that holds on a day: of `policies`, joined by join_scaling_policies. #}
{% macro policy_ms(name) -%}
    coalesce(policies.{{ name }}, {{ scaling_default(name) }}) * 1000
{%- endmacro %}

{# The first policy of the pool that is valid on the day. #}
{% macro join_scaling_policies(relation, day) -%}
    left join lateral (
        select *
        from {{ ref('stg_lake__scaling_policies') }} as scaling_policies
        where scaling_policies.pool = {{ relation }}.pool and {{ is_valid_on('scaling_policies', day) }}
        order by priority
        limit 1
    ) as policies on true
{%- endmacro %}
