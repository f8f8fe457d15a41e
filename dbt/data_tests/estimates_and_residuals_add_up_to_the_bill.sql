-- depends_on: {{ ref('int_day_inputs') }}
-- Each line of the estimate-to-invoice bridge, and with its other lines the whole bill of a source: of the
-- days that are not as published.
with bridge as (
    select *
    from {{ ref('estimate_bridge') }}
    where {{ is_new('charge_date') }}
),

charge_groups as (
    select *
    from {{ ref('int_charge_groups') }}
    where {{ is_new('charge_date') }}
)

select bridge_line_id, billed_cost as expected_cost
from bridge
where
    billed_cost
    <> coalesce(estimated_cost, 0) + coalesce(lost_telemetry_cost, 0) + coalesce(unpriced_cost, 0) + price_cost
    + rounding_cost + unexplained_cost + tax_cost + credit_cost + correction_cost + other_cost
union all
select
    source || ' ' || charge_date || ' ' || billing_currency,
    sum(effective_cost)
from charge_groups
where (source, billing_period, billing_currency) in (
    select (lines.source, lines.billing_period, lines.billing_currency) from {{ ref('int_token_lines') }} as lines
)
group by source, billing_period, billing_currency, charge_date
having sum(effective_cost) <> coalesce((
    select sum(bridge.billed_cost)
    from bridge
    where
        bridge.source = charge_groups.source
        and bridge.billing_period = charge_groups.billing_period
        and bridge.billing_currency = charge_groups.billing_currency
        and bridge.charge_date = charge_groups.charge_date
), 0)
