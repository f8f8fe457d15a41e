-- Usage basis: what the bill's prices, or GPU time, make of the tokens themselves. Allocation basis: with
-- their part, by direct cost, of what is shared, idle included. GPU time has no price by type of token.
{{ config(materialized='view') }}
with typed as (
    select
        totals.period_kind,
        totals.period_start,
        totals.billing_currency,
        totals.entity,
        totals.value,
        types.token_type,
        {% for column, before, after, of_all in [
            ('tokens', '', '_tokens', unit_all_tokens('totals')),
            ('priced_tokens', 'priced_', '_tokens', unit_all_tokens('totals')),
            ('direct_cost', '', '_cost', 'totals.attempt_cost')
        ] -%}
        case types.token_type
            {%- for token_type in token_types() %}
            when '{{ token_type }}' then totals.{{ before }}{{ token_type }}{{ after }}
            {%- endfor %}
            else {{ of_all }}
        end as {{ column }},
        {% endfor -%}
        totals.loaded_cost,
        totals.attempt_cost
    from {{ ref('int_unit_totals') }} as totals
    cross join (values {% for type in token_types() + ['all'] %}('{{ type }}'){{ ', ' if not loop.last }}{% endfor %})
        as types (token_type)
    where totals.period_kind <> 'hour' and totals.entity <> 'deployment'
),

based as (
    select
        * exclude (loaded_cost, attempt_cost),
        if(
            direct_cost = attempt_cost,
            loaded_cost,
            loaded_cost * (direct_cost / nullif(attempt_cost, 0))
        )::decimal(38, 12) as loaded_cost
    from typed
    where tokens > 0
)

select
    period_kind,
    period_start::date as period_start,
    billing_currency,
    entity,
    value,
    token_type,
    tokens::bigint as tokens,
    priced_tokens::bigint as priced_tokens,
    direct_cost::decimal(38, 12) as direct_cost,
    loaded_cost,
    {{ unit_cost('direct_cost * 1000000', 'priced_tokens') }} as usage_cost_per_1m_tokens,
    {{ unit_cost('loaded_cost * 1000000', 'priced_tokens') }} as allocation_cost_per_1m_tokens,
    case
        when direct_cost is not null then null
        when token_type = 'all' then 'nothing bills these tokens'
        else 'no price by type of token: GPU time, or one price for all types, or nothing bills them'
    end as reason
from based
