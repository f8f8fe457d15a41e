-- Usage basis: what the bill's prices, or GPU time, make of the tokens themselves. Allocation basis: with
-- their part, by direct cost, of what is shared, idle included. GPU time has no price by type of token.
{{ config(materialized='view') }}
with typed as (
    {%- for token_type in token_types() %}
    select
        period_kind, period_start, billing_currency, entity, value, '{{ token_type }}' as token_type,
        {{ token_type }}_tokens as tokens,
        priced_{{ token_type }}_tokens as priced_tokens,
        {{ token_type }}_cost as direct_cost,
        loaded_cost, attempt_cost
    from {{ ref('int_unit_totals') }}
    where {{ token_type }}_tokens > 0 and period_kind <> 'hour' and entity <> 'deployment'
    union all
    {%- endfor %}
    select
        period_kind, period_start, billing_currency, entity, value, 'all' as token_type,
        {{ unit_all_tokens('totals') }} as tokens,
        {{ unit_all_tokens('totals') }} as priced_tokens,
        attempt_cost as direct_cost,
        loaded_cost, attempt_cost
    from {{ ref('int_unit_totals') }} as totals
    where {{ unit_all_tokens('totals') }} > 0 and period_kind <> 'hour' and entity <> 'deployment'
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
