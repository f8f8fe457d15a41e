-- Per source and period: every delivered row of metered use is there once, and has a cost or a reason.
with delivered as (
    select source, billing_period, count(*) as rows, sum(consumed_quantity) as quantity
    from {{ ref('stg_lake__metered_usage') }}
    group by source, billing_period
),

found as (
    select
        source,
        billing_period,
        count(*) as rows,
        sum(consumed_quantity) as quantity,
        count(*) filter (where (billed_cost is null) = (unpriced_reason is null)) as undecided
    from {{ ref('int_usage_priced') }}
    group by source, billing_period
)

select *
from delivered
full join found on delivered.source = found.source and delivered.billing_period = found.billing_period
where
    delivered.rows is distinct from found.rows
    or delivered.quantity is distinct from found.quantity
    or found.undecided > 0
