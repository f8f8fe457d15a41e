-- One row a distinct tuple of metered use that a rate card reads, and a day, with the one line that
-- prices it, or the reason why none does. The configuration lets no two lines match.
{%- set exact = ['token_type', 'service_tier', 'pricing_category'] %}
with tuples as (
    select distinct
        {{ rate_tuple_id('usage') }} as rate_tuple_id,
        {{ rate_attributes() | join(', ') }}
    from {{ ref('stg_lake__metered_usage') }} as usage
),

compared as (
    select
        tuples.rate_tuple_id,
        lines,
        tuples.sku_id glob lines.sku as is_of_sku,
        tuples.consumed_unit = lines.consumed_unit as is_in_unit,
        true
        {%- for name in exact %}
        and coalesce(tuples.{{ name }} = lines.{{ name }}, lines.{{ name }} is null)
        {%- endfor %}
        {%- for ours, theirs in {'billed_model': 'model', 'region_id': 'region'}.items() %}
        and (lines.{{ theirs }} is null or coalesce(tuples.{{ ours }}, '') glob lines.{{ theirs }})
        {%- endfor %}
        as is_of_kind,
        coalesce(lines.valid_from <= tuples.charge_date, true)
        and coalesce(lines.valid_to > tuples.charge_date, true) as is_valid
    from tuples
    left join {{ ref('stg_lake__rate_cards') }} as lines on tuples.service_provider_name = lines.provider
),

rated as (
    select
        rate_tuple_id,
        arg_min(lines, lines.rate_card_id) filter (
            where is_of_sku and is_in_unit and is_of_kind and is_valid
        ) as line,
        case
            when coalesce(bool_or(is_of_sku and is_in_unit and is_of_kind and is_valid), false) then null
            when count(lines.rate_card_id) = 0 then 'no line of rate_cards names this provider'
            when not bool_or(is_of_sku) then 'no line of rate_cards names this SKU of the provider'
            when not bool_or(is_of_sku and is_in_unit) then 'no line of rate_cards prices this SKU in this unit'
            when not bool_or(is_of_sku and is_in_unit and is_of_kind)
                then 'no line of rate_cards prices this model, token type, tier, pricing category or region of the SKU'
            else 'no line of rate_cards for this SKU is valid on this day'
        end as unpriced_reason
    from compared
    group by rate_tuple_id
)

select
    *,
    -- In whole numbers: a price of 0.25 for 1000 of a unit is 25 for 100,000 of a hundredth.
    cast(cast(line.price as decimal(25, 12)) * cast(power(10, line.price_decimals) as decimal(13, 0)) as hugeint)
        as whole_price,
    line.block * cast(power(10, line.price_decimals) as hugeint) as whole_price_unit
from rated
