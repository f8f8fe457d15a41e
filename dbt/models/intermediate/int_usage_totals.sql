-- One row a source, billing period and currency of metered use (NULL: use without a price): rows, and
-- what they cost computed apart from int_usage_priced, from the quantity of each line at once.
{{ config(materialized='view') }}
with lines as (
    select
        usage.source,
        usage.billing_period,
        any_value(rated.line.billing_currency) as billing_currency,
        any_value(rated.whole_price) as whole_price,
        any_value(rated.whole_price_unit) as whole_price_unit,
        count(*) as rows,
        {{ pico('sum(usage.consumed_quantity)') }} as consumed
    from {{ ref('stg_lake__metered_usage') }} as usage
    left join {{ ref('int_usage_rated') }} as rated on {{ rate_tuple_id('usage') }} = rated.rate_tuple_id
    group by usage.source, usage.billing_period, rated.line.rate_card_id
)

select
    source,
    billing_period,
    billing_currency,
    sum(rows)::bigint as rows,
    sum({{ from_pico(half_even_ratio('(consumed * whole_price)', 'whole_price_unit')) }})::decimal(38, 12) as cost,
    -- Half of the last decimal of every row and every line.
    (sum(rows + 1) * 0.0000000000005::decimal(13, 13))::decimal(38, 13) as tolerance
from lines
group by source, billing_period, billing_currency
