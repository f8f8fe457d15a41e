-- What each attempt would cost at contract or list prices, whatever the bill says: tier, day, hour and
-- size of the prompt decide for every attempt by itself. Unknown is NULL with a reason, never 0.
{{ config(materialized='view') }}
{%- set token_meters = priced_meters() | reject('equalto', 'requests') | list %}
with sized as (
    select
        *,
        coalesce(response_model, request_model) as label,
        epoch_us(ended_at) // 60000000 % 1440 as minute,
        coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) + coalesce(audio_input_tokens, 0) as input_tokens,
        -- Only these have prices; a condition of one side would keep the join from hashing.
        if(pod_uid is null and status <> 'rejected', label, null) as listed_label
    from {{ ref('attempt_costs') }}
    where is_ended
),

metered as (
    select
        attempts.*,
        list_prices.package_version,
        list_prices.unpriced_reason as name_reason,
        contracts.billing_currency is not null as has_contract,
        coalesce(contracts.billing_currency, 'USD') as estimate_currency
        {%- for meter in priced_meters() %},
        coalesce(
            contracts.{{ meter }}_price,
            if(coalesce(contracts.billing_currency, 'USD') = 'USD', list_prices.{{ meter }}_price, null)
        ) as {{ meter }}_price,
        {{ metered_quantity(meter) }} as {{ meter }}_quantity
        {%- endfor %}
    from sized as attempts
    left join {{ ref('int_list_prices') }} as list_prices
        on
            attempts.provider_name is not distinct from list_prices.provider_name
            and attempts.listed_label = list_prices.label
            and attempts.service_tier = list_prices.service_tier
            and attempts.charge_date >= list_prices.valid_from
            and attempts.charge_date < list_prices.valid_to
            and attempts.minute >= list_prices.minute_from
            and attempts.minute < list_prices.minute_to
            and attempts.input_tokens > list_prices.input_over
            and attempts.input_tokens <= list_prices.input_up_to
    left join {{ ref('int_contract_prices') }} as contracts
        on
            attempts.provider_name = contracts.provider_name
            and attempts.listed_label = contracts.label
            and attempts.service_tier = contracts.service_tier
            and attempts.charge_date >= contracts.valid_from
            and attempts.charge_date < contracts.valid_to
),

costed as (
    select
        *,
        {%- for meter in priced_meters() %}
        {{ meter }}_quantity * {{ meter }}_price as {{ meter }}_pico,
        {%- endfor %}
        case
            when status = 'rejected' then 'rejected before any work: never billed'
            when pod_uid is not null then 'runs on own capacity, which has no list price'
            when label is null then 'the span names no model'
            when name_reason is not null and not has_contract then name_reason
            when coalesce(
                {% for token_type in token_types() %}{{ token_type }}_tokens{{ ', ' if not loop.last }}{% endfor %}
            ) is null then 'the span carries no token counts'
            {%- for meter in token_meters %}
            when {{ meter }}_quantity > 0 and {{ meter }}_price is null
                then 'there is no price for {{ meter | replace('_', ' ') }} tokens of this model'
            {%- endfor %}
        end as unestimated_reason
    from metered
)

select
    attempt_id,
    charge_date,
    inference_id,
    provider_name,
    label as billed_model,
    service_tier,
    {{ entities() | join(', ') }},
    direct_cost,
    billing_currency,
    {%- for meter in priced_meters() %}
    {{ from_short_pico(meter ~ '_pico') }} as {{ meter }}_estimate,
    {%- endfor %}
    {%- set sum -%}
        {% for meter in priced_meters() %}coalesce({{ meter }}_pico, 0){{ ' + ' if not loop.last }}{% endfor %}
    {%- endset %}
    if(unestimated_reason is null, {{ from_short_pico(sum) }}, null) as estimated_cost,
    if(unestimated_reason is null, estimate_currency, null) as estimate_currency,
    case
        when unestimated_reason is not null then null
        when has_contract then 'rate card'
        else 'genai-prices ' || package_version
    end as estimated_from,
    unestimated_reason
from costed
