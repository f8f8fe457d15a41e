-- One row a provider, model and service tier as attempts name them, and the days in which the lines
-- of the rate card that name a model and a token type price it: they win over the list price. In whole
-- 10^-12 of the currency for one token.
with lines as (
    select
        names.provider_name,
        names.label,
        names.service_tier,
        lines.token_type,
        lines.billing_currency,
        coalesce(lines.valid_from, date '1970-01-01') as valid_from,
        coalesce(lines.valid_to, date '9999-12-31') as valid_to,
        cast(round(lines.price * (1000000000000 // lines.block), 0) as bigint) as price
    from {{ ref('stg_lake__priced_models') }} as names
    inner join {{ ref('provider_names') }} as providers on names.provider_name = providers.provider_name
    inner join {{ ref('stg_lake__rate_cards') }} as lines
        on
            providers.service_provider_name = lines.provider
            and names.label glob lines.model
            and coalesce(names.service_tier = lines.service_tier, true)
    where lines.token_type is not null and lines.consumed_unit = 'Tokens'
    -- An attempt has one currency.
    qualify lines.billing_currency = min(lines.billing_currency) over (
        partition by names.provider_name, names.label, names.service_tier
    )
),

days as (
    select provider_name, label, service_tier, valid_from as day from lines
    union
    select provider_name, label, service_tier, valid_to from lines
),

spans as (
    select
        provider_name,
        label,
        service_tier,
        day as valid_from,
        lead(day) over (partition by provider_name, label, service_tier order by day) as valid_to
    from days
)

select
    spans.*,
    any_value(lines.billing_currency) as billing_currency
    {%- for meter in priced_meters() %},
    any_value(lines.price) filter (
        where lines.token_type = '{{ 'output' if meter == 'reasoning' else meter }}'
    ) as {{ meter }}_price
    {%- endfor %}
from spans
inner join lines
    on
        spans.provider_name = lines.provider_name
        and spans.label = lines.label
        and spans.service_tier = lines.service_tier
        and spans.valid_from >= lines.valid_from
        and spans.valid_to <= lines.valid_to
group by all
order by all
