-- Serving a model oneself against a vendor's API. What its GPUs cost is what it is, busy or not; the API's
-- price is of the tokens that were served. At which part of busy time both are the same: tokens grow with it.
with months as (
    select
        {{ month_of('period_start') }} as month,
        period_start::date as first_date,
        value as model,
        billing_currency,
        direct_cost,
        direct_cost + idle_cost + scaling_cost as own_cost,
        coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) as input_tokens,
        coalesce(output_tokens, 0) as output_tokens
    from {{ ref('int_unit_totals') }}
    where entity = 'model' and period_kind = 'month' and capacity_cost > 0
),

equivalents as (
    select months.month, months.model, months.billing_currency, equivalents.provider, equivalents.api_model
    from months
    inner join {{ ref('stg_lake__api_equivalents') }} as equivalents
        on months.model = equivalents.model and {{ is_valid_on('equivalents', 'months.first_date') }}
),

prices as (
    select
        equivalents.*,
        max(prices.price / prices.per::double) filter (where prices.meter = 'uncached_input') as input_price,
        max(prices.price / prices.per::double) filter (where prices.meter = 'output') as output_price
    from equivalents
    left join {{ ref('stg_lake__token_prices') }} as prices
        on
            equivalents.provider = prices.provider and equivalents.api_model = prices.model
            and coalesce(prices.context, '') = '' and coalesce(prices.minute_from, 0) = 0
            and coalesce(prices.input_over, -1) <= 0
            and {{ is_valid_on('prices', "(equivalents.month || '-01')::date") }}
    group by all
),

compared as (
    select
        months.*,
        prices.provider as api_provider,
        prices.api_model,
        if(
            months.billing_currency = 'USD',
            months.input_tokens * prices.input_price + months.output_tokens * prices.output_price,
            null
        ) as api_cost,
        (months.direct_cost / nullif(months.own_cost::double, 0))::decimal(9, 6) as active_share
    from months
    left join prices
        on
            months.month = prices.month and months.model = prices.model
            and months.billing_currency = prices.billing_currency
)

select
    month,
    model,
    billing_currency,
    input_tokens::bigint as input_tokens,
    output_tokens::bigint as output_tokens,
    own_cost::decimal(38, 12) as own_cost,
    active_share,
    {{ unit_cost('own_cost * 1000000', '(input_tokens + output_tokens)') }} as own_cost_per_1m,
    api_provider,
    api_model,
    round(api_cost, 6)::decimal(38, 12) as api_cost_estimate,
    round(api_cost * 1000000 / nullif(input_tokens + output_tokens, 0), 6)::decimal(38, 12) as api_cost_per_1m_estimate,
    (active_share * own_cost::double / nullif(api_cost, 0))::decimal(18, 6) as break_even_active_share,
    case
        when api_cost is null then null
        when own_cost <= api_cost then 'serving it oneself was cheaper'
        when active_share * own_cost::double <= api_cost then 'the API was cheaper; busier machines would not be'
        else 'the API was cheaper, however busy the machines'
    end as verdict,
    case
        when api_model is null then 'no equivalent is configured for this model: economics.api_equivalents'
        when billing_currency <> 'USD' then 'list prices are in USD'
        when api_cost is null then 'the price catalogue does not know this provider and model in this month'
    end as reason
from compared
