-- What a cache saved, less what caching cost: tokens that a vendor read from its prompt cache, and answers
-- that came from a cache of one's own. A token that is not cached costs what the bill has for such tokens on
-- the day, else the list price.
{%- set writes = ['cache_write_5m', 'cache_write_1h'] %}
with served as (
    select
        charge_date,
        feature,
        model,
        version,
        provider_name,
        service_tier,
        billing_currency,
        sum(requests) as requests,
        sum(successful_requests) as successful_requests,
        sum(cached_requests) as cached_requests,
        sum(direct_cost)::decimal(38, 12) as direct_cost,
        sum(uncached_input_tokens) as uncached_tokens,
        coalesce(sum(cache_read_tokens), 0) as read_tokens,
        coalesce(sum(cache_write_5m_tokens), 0) + coalesce(sum(cache_write_1h_tokens), 0) as write_tokens,
        sum(priced_uncached_input_tokens) as priced_uncached_tokens,
        sum(uncached_input_cost) as uncached_cost,
        sum(priced_cache_read_tokens) as priced_read_tokens,
        sum(cache_read_cost) as read_cost,
        coalesce(sum(priced_cache_write_5m_tokens), 0) + coalesce(sum(priced_cache_write_1h_tokens), 0)
            as priced_write_tokens,
        coalesce(sum(cache_write_5m_cost), 0) + coalesce(sum(cache_write_1h_cost), 0) as write_cost
    from {{ ref('int_model_days') }}
    group by all
),

rated as (
    select
        served.*,
        coalesce(
            served.uncached_cost::double / nullif(served.priced_uncached_tokens, 0),
            if(served.billing_currency = 'USD', prices.uncached_input_price / 1e12, null)
        ) as full_rate,
        case
            when served.priced_uncached_tokens > 0 and served.uncached_cost is not null then 'billed'
            when served.billing_currency = 'USD' and prices.uncached_input_price is not null then 'list'
        end as rate_from,
        served.read_cost::double / nullif(served.priced_read_tokens, 0) as read_rate,
        served.write_cost::double / nullif(served.priced_write_tokens, 0) as write_rate
    from served
    left join {{ ref('int_list_prices') }} as prices
        on
            served.provider_name = prices.provider_name
            and served.version = prices.label
            and served.service_tier = prices.service_tier
            and served.charge_date >= prices.valid_from
            and served.charge_date < prices.valid_to
            and prices.minute_from = 0
            and prices.input_over < 0
    where served.requests > 0
),

prompts as (
    select
        *,
        (read_tokens / nullif(read_tokens + coalesce(uncached_tokens, 0) + write_tokens, 0))::decimal(9, 6) as hit_rate,
        -- Known where nothing was written, or read, whatever the rate.
        if(write_tokens = 0, 0, write_cost - priced_write_tokens * full_rate) as premium,
        coalesce(write_rate - full_rate, 0) as premium_of_a_token,
        full_rate - read_rate as saved_by_a_token,
        if(read_tokens = 0, 0, priced_read_tokens * saved_by_a_token) as avoided
    from rated
    where read_tokens + write_tokens > 0
),

-- What an answer costs that does not come from the cache: as those of the same feature and model on the day.
answers as (
    select
        charge_date,
        feature,
        model,
        arg_max(billing_currency, (successful_requests, billing_currency)) as billing_currency
    from served
    where direct_cost is not null
    group by charge_date, feature, model
),

hits as (
    select
        served.charge_date,
        served.feature,
        served.model,
        answers.billing_currency,
        sum(served.cached_requests) as hits,
        sum(served.successful_requests) as misses,
        (sum(served.direct_cost) filter (where served.billing_currency = answers.billing_currency)) as direct_cost,
        (sum(served.successful_requests) filter (where served.billing_currency = answers.billing_currency))::bigint
            as paid_answers
    from served
    left join answers
        on
            served.charge_date = answers.charge_date and served.feature is not distinct from answers.feature
            and served.model is not distinct from answers.model
    group by all
    having sum(served.cached_requests) > 0
)

select
    charge_date,
    'prompt' as cache,
    feature,
    model,
    version,
    provider_name,
    service_tier,
    billing_currency,
    'tokens' as unit,
    read_tokens::bigint as hits,
    (coalesce(uncached_tokens, 0) + write_tokens)::bigint as misses,
    hit_rate,
    round(full_rate * 1000000, 9)::decimal(38, 12) as full_cost_per_1m,
    rate_from,
    round(avoided, 9)::decimal(38, 12) as avoided_cost_estimate,
    round(premium, 9)::decimal(38, 12) as caching_cost_estimate,
    round(avoided - premium, 9)::decimal(38, 12) as saved_cost_estimate,
    case
        when saved_by_a_token > 0
            then greatest(premium_of_a_token, 0) / (greatest(premium_of_a_token, 0) + saved_by_a_token)
    end::decimal(9, 6) as break_even_hit_rate,
    case
        when full_rate is null then 'nothing says what these tokens cost uncached: no price by type of token'
        when read_tokens > 0 and read_rate is null then 'nothing says what cached tokens cost'
    end as reason
from prompts
union all
select
    charge_date,
    'response',
    feature,
    model,
    null,
    null,
    null,
    billing_currency,
    'requests',
    hits::bigint,
    misses::bigint,
    (hits / (hits + misses))::decimal(9, 6),
    null,
    null,
    round({{ unit_cost('direct_cost', 'paid_answers') }}::double * hits, 9)::decimal(38, 12),
    null,
    round({{ unit_cost('direct_cost', 'paid_answers') }}::double * hits, 9)::decimal(38, 12),
    null,
    case
        when direct_cost is null then 'no answer of this feature and model was paid on the day'
        else 'what the cache itself costs is no charge of its own: caching_cost_estimate is not known'
    end
from hits
