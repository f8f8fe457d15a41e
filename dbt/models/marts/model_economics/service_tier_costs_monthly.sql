-- What the bill asks for tokens of batch, priority and other tiers against standard ones of the same model:
-- those that were billed in the month, else the list.
with lines as (
    {%- for token_type in token_types() %}
    select
        {{ month_of('charge_date') }} as month, service_provider_name, model, service_tier, billing_currency,
        '{{ token_type }}' as token_type, {{ token_type }}_amount as effective_cost, {{ token_type }}_quantity as tokens
    from {{ ref('int_token_lines') }}
    where not is_joint and {{ token_type }}_amount is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        month,
        service_provider_name,
        model,
        service_tier,
        token_type,
        billing_currency,
        sum(tokens)::bigint as tokens,
        sum(effective_cost)::decimal(38, 12) as effective_cost
    from lines
    group by all
),

rated as (
    select *, {{ unit_cost('effective_cost * 1000000', 'tokens') }} as cost_per_1m from summed
),

listed as (
    select
        providers.service_provider_name,
        coalesce(aliases.model, prices.label) as model,
        prices.valid_from,
        prices.valid_to
        {%- for token_type in token_types() %},
        min(prices.{{ token_type }}_price) as {{ token_type }}_price
        {%- endfor %}
    from {{ ref('int_list_prices') }} as prices
    inner join {{ ref('provider_names') }} as providers on prices.provider_name = providers.provider_name
    left join {{ ref('stg_lake__model_aliases') }} as aliases on prices.label = aliases.name
    where prices.service_tier = 'standard' and prices.minute_from = 0 and prices.input_over < 0
    group by all
),

compared as (
    select
        rated.*,
        coalesce(
            standard.cost_per_1m,
            if(rated.billing_currency = 'USD', case rated.token_type
                {% for token_type in token_types() -%}
                when '{{ token_type }}' then {{ from_short_pico('listed.' ~ token_type ~ '_price') }} * 1000000
                {% endfor -%}
            end, null)
        )::decimal(38, 12) as standard_cost_per_1m,
        sum(rated.tokens) over (
            partition by rated.month, rated.service_provider_name, rated.model, rated.token_type, rated.billing_currency
        ) as all_tokens
    from rated
    left join rated as standard
        on
            rated.month = standard.month and rated.model = standard.model and rated.token_type = standard.token_type
            and rated.service_provider_name is not distinct from standard.service_provider_name
            and rated.billing_currency = standard.billing_currency and standard.service_tier = 'standard'
    left join listed
        on
            rated.service_provider_name = listed.service_provider_name and rated.model = listed.model
            and (rated.month || '-01')::date >= listed.valid_from and (rated.month || '-01')::date < listed.valid_to
)

select
    month,
    service_provider_name,
    model,
    service_tier,
    token_type,
    billing_currency,
    tokens,
    (tokens / nullif(all_tokens, 0))::decimal(9, 6) as token_share,
    effective_cost,
    cost_per_1m,
    standard_cost_per_1m,
    (1 - cost_per_1m::double / nullif(standard_cost_per_1m::double, 0))::decimal(18, 6) as realised_discount,
    case
        when cost_per_1m is null then 'the bill states no number of tokens'
        when standard_cost_per_1m is null
            then 'no standard token of this model was billed in the month, and no list price is known'
    end as discount_reason
from compared
