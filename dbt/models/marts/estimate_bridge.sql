-- From what traced tokens cost at contract or list prices to what the bill says, and why they differ:
-- estimate + lost telemetry + unpriced + price + rounding + unexplained = billed, line by line; what else
-- stands on the bill of a source with token lines is there as tax, credit, correction or other.
{{ config(materialized='view') }}
with lines as (
    {%- for token_type in token_types() %}
    select
        token_line_id, source, billing_period, billing_currency, charge_date, service_provider_name,
        sub_account_id, api_key_id, service_tier, model, '{{ token_type }}' as token_type,
        {{ token_type }}_group_id as charge_group_id, {{ token_type }}_amount as billed_cost,
        {{ token_type }}_quantity as billed_tokens, {{ token_type }}_rounding as rounding
    from {{ ref('int_token_lines') }}
    where {{ token_type }}_amount is not null
    union all
    {%- endfor %}
    select
        token_line_id, source, billing_period, billing_currency, charge_date, service_provider_name,
        sub_account_id, api_key_id, service_tier, model, 'all', output_group_id, joint_amount,
        joint_quantity, joint_rounding
    from {{ ref('int_token_lines') }}
    where joint_amount is not null
),

traced as (
    select
        *,
        coalesce(response_model, request_model) as label,
        coalesce(response_model, request_model) as listed_label,
        {{ priced_minute() }} as minute,
        {{ prompt_tokens() }} as input_tokens
    from {{ ref('attempt_costs') }} as attempts
    where token_line_id is not null and is_ended
),

metered as (
    {{ metered_attempts('traced') }}
),

bucketed as (
    select
        charge_date,
        token_line_id,
        price_currency,
        requests_price
        {%- for token_type in token_types() %},
        {{ token_type }}_tokens,
        {{ bucket_estimate(token_type) }} as {{ token_type }}_estimate
        {%- endfor %}
    from metered
),

summed as (
    select
        charge_date,
        token_line_id,
        price_currency,
        coalesce(sum(requests_price), 0)::hugeint as fees
        {%- for token_type in token_types() %},
        coalesce(sum({{ token_type }}_tokens), 0)::hugeint as {{ token_type }}_tokens,
        coalesce(sum({{ token_type }}_tokens) filter (where {{ token_type }}_estimate is not null), 0)::hugeint
            as {{ token_type }}_priced,
        coalesce(sum({{ token_type }}_estimate), 0)::hugeint as {{ token_type }}_estimate
        {%- endfor %}
    from bucketed
    group by charge_date, token_line_id, price_currency
),

sums as (
    {%- for token_type in token_types() %}
    select
        charge_date, token_line_id, price_currency, '{{ token_type }}' as token_type, {{ token_type }}_tokens as tokens,
        {{ token_type }}_priced as priced, {{ token_type }}_estimate as estimate
    from summed
    union all
    {%- endfor %}
    select
        charge_date, token_line_id, price_currency, 'all',
        {% for part in ['tokens', 'priced', 'estimate'] -%}
        {% for token_type in token_types() %}{{ token_type }}_{{ part }}{{ ' + ' if not loop.last }}{% endfor -%}
        {{ ' + fees' if part == 'estimate' else ', ' }}
        {%- endfor %}
    from summed
),

-- A price in another currency than the bill's is no estimate of it.
estimated as (
    select
        lines.*,
        {{ pico('lines.billed_cost') }} as billed,
        cast(lines.billed_tokens as hugeint) as quantity,
        coalesce(sum(sums.tokens), 0)::hugeint as traced_tokens,
        coalesce(sum(sums.priced) filter (where sums.price_currency = lines.billing_currency), 0)::hugeint as priced,
        coalesce(sum(sums.estimate) filter (where sums.price_currency = lines.billing_currency), 0)::hugeint as estimate
    from lines
    left join sums
        on
            lines.charge_date = sums.charge_date
            and lines.token_line_id = sums.token_line_id
            and lines.token_type = sums.token_type
    group by all
),

explained as (
    select
        *,
        traced_tokens = 0 or priced > 0 as is_estimated,
        case
            when traced_tokens = 0 then 0
            when priced > 0 then {{ half_even_ratio('(estimate * (traced_tokens - priced))', 'priced') }}
        end as unpriced,
        case
            when quantity is null then null
            -- Nothing of it was traced: all of it is lost, whatever its price.
            when traced_tokens = 0 then billed
            when priced > 0 then {{ half_even_ratio('(estimate * (quantity - traced_tokens))', 'priced') }}
        end as lost
    from estimated
),

residuals as (
    select
        *,
        billed - if(is_estimated, estimate + coalesce(unpriced, 0) + coalesce(lost, 0), 0) as residual
    from explained
),

bridged as (
    select
        *,
        coalesce(
            if(quantity is null, is_estimated and estimate > billed + rounding, traced_tokens > quantity), false
        ) as is_over_traced,
        case
            when not is_estimated then 'unexplained'
            when abs(residual) <= rounding then 'rounding'
            when quantity is null then 'unexplained'
            else 'price'
        end as reason
    from residuals
),

others as (
    select
        source,
        billing_period,
        billing_currency,
        charge_date,
        case when treatment in ('tax', 'credit', 'correction') then treatment else 'other' end as line_kind,
        sum(effective_cost)::decimal(38, 12) as billed_cost
    from {{ ref('int_charge_groups') }}
    where
        treatment <> 'tokens'
        and (source, billing_period, billing_currency) in (
            select (lines.source, lines.billing_period, lines.billing_currency) from lines
        )
    group by all
)

select
    token_line_id || '-' || token_type as bridge_line_id,
    'tokens' as line_kind,
    token_line_id,
    token_type,
    charge_group_id,
    source,
    billing_period,
    billing_currency,
    charge_date,
    service_provider_name,
    sub_account_id,
    api_key_id,
    service_tier,
    model,
    billed_tokens::decimal(38, 12) as billed_tokens,
    traced_tokens::decimal(38, 12) as traced_tokens,
    is_over_traced,
    case
        when is_over_traced and quantity is not null then traced_tokens / nullif(quantity, 0)::double
        when is_over_traced then estimate / nullif(billed, 0)::double
    end::decimal(18, 6) as over_traced_ratio,
    if(is_estimated, {{ from_pico('estimate') }}, null) as estimated_cost,
    billed_cost::decimal(38, 12) as billed_cost,
    if(is_estimated, billed / nullif(estimate, 0)::double, null)::decimal(18, 6) as factor,
    if(is_estimated, {{ from_pico('lost') }}, null) as lost_telemetry_cost,
    if(is_estimated, {{ from_pico('unpriced') }}, null) as unpriced_cost,
    {% for reason in ['price', 'rounding', 'unexplained'] -%}
    if(reason = '{{ reason }}', {{ from_pico('residual') }}, 0)::decimal(38, 12) as {{ reason }}_cost,
    {% endfor -%}
    {% for kind in ['tax', 'credit', 'correction', 'other'] -%}
    0::decimal(38, 12) as {{ kind }}_cost,
    {% endfor -%}
    case
        when is_estimated then null
        else 'there is no price in the currency of the bill for the tokens that were traced'
    end as unestimated_reason
from bridged
union all
select
    {{ id_of(['source', 'billing_period', 'billing_currency', 'charge_date', 'line_kind']) }},
    line_kind,
    null, null, null,
    source, billing_period, billing_currency, charge_date,
    null, null, null, null, null,
    null, null, false, null,
    0, billed_cost, null,
    0, 0, 0, 0, 0,
    {% for kind in ['tax', 'credit', 'correction', 'other'] -%}
    if(line_kind = '{{ kind }}', billed_cost, 0)::decimal(38, 12),
    {% endfor -%}
    null
from others
