-- Every delivery's delta, the first one's included, adds up to what the charges in force cost.
with told as (
    select source, billing_period, billing_currency, sum(billed_cost_delta) as billed_cost
    from {{ ref('restatements') }}
    where source in (select charges.source from {{ ref('stg_lake__charges') }} as charges)
    group by source, billing_period, billing_currency
),

in_force as (
    select source, billing_period, billing_currency, sum(billed_cost) as billed_cost
    from {{ ref('stg_lake__charges') }}
    group by source, billing_period, billing_currency
)

select *
from told
full join in_force
    on
        told.source = in_force.source
        and told.billing_period = in_force.billing_period
        and told.billing_currency = in_force.billing_currency
where coalesce(told.billed_cost, 0) <> coalesce(in_force.billed_cost, 0)
