-- Per source, day and currency: every cent of what the charges cost has one cost driver.
with costs as (
    select
        spread.charge_date,
        charge_groups.source,
        charge_groups.billing_period,
        charge_groups.billing_currency,
        spread.effective_cost,
        0 as driven_cost
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    union all
    select charge_date, source, billing_period, billing_currency, 0, effective_cost
    from {{ ref('cost_drivers_daily') }}
)

select
    charge_date,
    source,
    billing_period,
    billing_currency,
    sum(effective_cost) as effective_cost,
    sum(driven_cost) as driven_cost
from costs
group by charge_date, source, billing_period, billing_currency
having coalesce(sum(effective_cost), 0) <> coalesce(sum(driven_cost), 0)
