-- What each attempt would cost at contract or list prices, whatever the bill says: tier, day, hour and
-- size of the prompt decide for every attempt by itself. Unknown is NULL with a reason, never 0.
{{ config(materialized='view') }}
{%- set token_meters = priced_meters() | reject('equalto', 'requests') | list %}
with sized as (
    select
        *,
        coalesce(response_model, request_model) as label,
        {{ priced_minute() }} as minute,
        {{ prompt_tokens() }} as input_tokens,
        -- Only these have prices; a condition of one side would keep the join from hashing.
        if(pod_uid is null and status not in ('rejected', 'cached'), label, null) as listed_label
    from {{ ref('attempt_costs') }} as attempts
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
        {{ price_of(meter) }} as {{ meter }}_price,
        {{ metered_quantity(meter) }} as {{ meter }}_quantity
        {%- endfor %}
    from sized as attempts
    {{ join_prices() }}
),

costed as (
    select
        *,
        {%- for meter in priced_meters() %}
        {{ meter }}_quantity * {{ meter }}_price as {{ meter }}_pico,
        {%- endfor %}
        case
            when status = 'rejected' then 'rejected before any work: never billed'
            when status = 'cached' then 'answered from a cache of its own: no model ran'
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
