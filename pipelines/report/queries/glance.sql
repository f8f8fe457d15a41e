with ledger as (
    select
        coalesce(reporting_currency, billing_currency) as currency,
        sum(case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end) as effective_cost,
        sum(case when reporting_currency is null then effective_cost::decimal(38, 21) else reporting_cost end)
            filter (where component <> 'unmatched') as explained_cost
    from marts.allocated_costs
    where billing_period = '{period}'
    group by 1
),

billed as (
    select
        coalesce(reporting_currency, billing_currency) as currency,
        sum(case when reporting_currency is null then amount::decimal(38, 21) else reporting_amount end) as billed_cost
    from marts.invoice_bridge
    where billing_period = '{period}' and line = 'billed cost'
    group by 1
)

select
    ledger.currency,
    billed.billed_cost,
    ledger.effective_cost,
    (ledger.explained_cost / nullif(ledger.effective_cost, 0))::decimal(18, 6) as explained_share,
    units.units as inferences,
    units.direct_cost_per_unit as direct_cost_per_inference,
    units.loaded_cost_per_unit as loaded_cost_per_inference
from ledger
left join billed on ledger.currency = billed.currency
left join marts.unit_costs as units
    on
        ledger.currency = units.billing_currency
        and units.period_kind = 'month'
        and units.period_start = '{period}-01'
        and units.entity = 'all'
        and units.unit = 'inference'
order by ledger.currency
