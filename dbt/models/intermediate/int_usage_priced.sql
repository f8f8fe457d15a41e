-- One row a delivered row of metered use, with what it costs by the rate card; cost NULL and a reason
-- where no line prices it. Billed cost is price x quantity, rounded half-even to 12 decimals. List and
-- contracted cost are exactly price x pricing quantity: where their product would not fit in 12
-- decimals, the pricing quantity is the rounded one.
with rated as (
    select
        usage.*,
        rated.line,
        rated.line.rate_card_id,
        rated.unpriced_reason,
        rated.whole_price,
        rated.whole_price_unit,
        {{ pico('usage.consumed_quantity') }} as consumed,
        {{ half_even_ratio('consumed', 'rated.whole_price_unit') }} as rounded_units
    from {{ ref('stg_lake__metered_usage') }} as usage
    left join {{ ref('int_usage_rated') }} as rated on {{ rate_tuple_id('usage') }} = rated.rate_tuple_id
)

select
    * exclude (line, whole_price, whole_price_unit, consumed, rounded_units),
    line.billing_currency,
    line.price as unit_price,
    line.pricing_unit,
    {{ from_pico('rounded_units * (whole_price_unit // line.block)') }} as pricing_quantity,
    {{ from_pico('rounded_units * whole_price') }} as list_cost,
    {{ from_pico(half_even_ratio('(consumed * whole_price)', 'whole_price_unit')) }} as billed_cost
from rated
