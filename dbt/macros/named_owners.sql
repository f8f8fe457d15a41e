{# Who the configuration says answers for what: entities by the marts' names of them, and pools. #}
{% macro named_owners() -%}
    select
        if(entity = 'customer', 'customer_id', entity) as entity, entity_value as value, owner, valid_from, valid_to,
        1 as preference
    from {{ ref('stg_lake__owners') }}
    union all
    select 'pool', pool, owner, valid_from, valid_to, 2
    from {{ ref('stg_lake__pools') }}
    where owner is not null and pool is not null
{%- endmacro %}
