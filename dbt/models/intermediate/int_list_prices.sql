-- One row a provider, model and service tier as attempts name them, and the days, minutes and prompt
-- sizes in which its list prices are the same: the price of each meter side by side, so that an
-- attempt joins once. In whole 10^-12 USD for one token or request: exact for prices of up to 6 decimals
-- for a million, as all but a few are. A name without prices has one row with the reason.
select
    names.provider_name,
    names.label,
    names.service_tier,
    coalesce(prices.valid_from, date '1970-01-01') as valid_from,
    coalesce(prices.valid_to, date '9999-12-31') as valid_to,
    coalesce(prices.minute_from, 0) as minute_from,
    coalesce(prices.minute_to, 1440) as minute_to,
    coalesce(prices.input_over, -1) as input_over,
    coalesce(prices.input_up_to, 9223372036854775807) as input_up_to,
    any_value(prices.package_version) as package_version,
    any_value(names.unpriced_reason) as unpriced_reason
    {%- for meter in priced_meters() %},
    any_value(
        cast(round(cast(prices.price as decimal(25, 12)) * 1000000::decimal(7, 0), 0) as bigint)
        * (1000000 // prices.per)
    ) filter (where prices.meter = '{{ meter }}') as {{ meter }}_price
    {%- endfor %}
from {{ ref('stg_lake__priced_models') }} as names
left join {{ ref('stg_lake__token_prices') }} as prices
    on
        names.provider = prices.provider
        and names.model = prices.model
        and names.context = prices.context
group by all
order by all
