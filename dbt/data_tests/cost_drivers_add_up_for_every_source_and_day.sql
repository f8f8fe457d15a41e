-- depends_on: {{ ref('int_charges_spread_daily') }}
-- Per source, day and currency: every cent of what the charges cost has one cost driver.
with charged as (
    select
        spread.charge_date,
        charge_groups.source,
        charge_groups.billing_period,
        charge_groups.billing_currency,
        sum(spread.effective_cost) as effective_cost
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    group by all
),

driven as (
    select
        charge_date,
        source,
        billing_period,
        billing_currency,
        sum(effective_cost) as effective_cost
    from {{ ref('cost_drivers_daily') }}
    group by all
)

select
    coalesce(charged.charge_date, driven.charge_date) as charge_date,
    coalesce(charged.source, driven.source) as source,
    charged.effective_cost,
    driven.effective_cost as driven_cost
from charged
full join driven
    on
        charged.charge_date = driven.charge_date
        and charged.source = driven.source
        and charged.billing_period = driven.billing_period
        and charged.billing_currency = driven.billing_currency
where coalesce(charged.effective_cost, 0) <> coalesce(driven.effective_cost, 0)
