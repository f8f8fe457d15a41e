-- Each line of the estimate-to-invoice bridge, and with its other lines the whole bill of a source.
select bridge_line_id, billed_cost as expected_cost
from {{ ref('estimate_bridge') }}
where
    billed_cost
    <> coalesce(estimated_cost, 0) + coalesce(lost_telemetry_cost, 0) + coalesce(unpriced_cost, 0) + price_cost
    + rounding_cost + unexplained_cost + tax_cost + credit_cost + correction_cost + other_cost
union all
select
    source || ' ' || billing_period || ' ' || billing_currency,
    sum(effective_cost)
from {{ ref('int_charge_groups') }} as charge_groups
where exists (
    select 1
    from {{ ref('int_token_lines') }} as lines
    where
        lines.source = charge_groups.source
        and lines.billing_period = charge_groups.billing_period
        and lines.billing_currency = charge_groups.billing_currency
)
group by source, billing_period, billing_currency
having sum(effective_cost) <> coalesce((
    select sum(bridge.billed_cost)
    from {{ ref('estimate_bridge') }} as bridge
    where
        bridge.source = charge_groups.source
        and bridge.billing_period = charge_groups.billing_period
        and bridge.billing_currency = charge_groups.billing_currency
), 0)
