-- A view, so that it judges the lake as it is now, not as it was at the last run.
{{ config(materialized='view') }}
with delivered as (
    select
        deliveries.source,
        deliveries.billing_period,
        item.billing_currency,
        sum(item.rows)::bigint as rows,
        sum(item.amount::decimal(38, 24)) as amount,
        sum(item.rounding::decimal(38, 24)) as rounding
    from {{ ref('stg_lake__deliveries') }} as deliveries
    cross join lateral (select unnest(deliveries.delivered) as item)
    where deliveries.status = 'current' and item.billing_currency is not null
    group by deliveries.source, deliveries.billing_period, item.billing_currency
),

charges as (
    select
        source,
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        -- What makes the two bases differ, each from its own rows: see invoice_bridge.
        coalesce(-sum(billed_cost) filter (
            where charge_category = 'Purchase' and commitment_discount_id is not null
        ), 0) as paid,
        coalesce(sum(effective_cost) filter (where commitment_discount_status is not null), 0) as amortized,
        coalesce(-sum(billed_cost) filter (where commitment_discount_status is not null), 0) as billed_as_used
    from {{ ref('stg_lake__charges') }}
    group by source, billing_period, billing_currency
),

ledger as (
    select
        source,
        billing_period,
        billing_currency,
        sum(effective_cost) as effective_cost
    from {{ ref('allocated_costs') }}
    group by source, billing_period, billing_currency
),

stated as (
    select
        source,
        billing_period,
        billing_currency,
        any_value(rows) as rows,
        any_value(billed_cost) as billed_cost
    from {{ ref('stg_lake__control_totals') }}
    where billing_period is not null
    group by source, billing_period, billing_currency
),

failures as (
    select
        source,
        billing_period,
        string_agg(error, '; ' order by slot) as error
    from {{ ref('stg_lake__deliveries') }}
    where status = 'failed'
    group by source, billing_period
),

keys as (
    select source, billing_period, billing_currency from delivered
    union
    select source, billing_period, billing_currency from charges
    union
    select source, billing_period, billing_currency from stated
    where source in (select sources.source from {{ source('lake', 'sources') }} as sources)
),

steps as (
    select
        keys.*,
        'landed' as step,
        1 as step_order,
        coalesce(stated.billed_cost, delivered.amount) as expected_cost,
        delivered.amount as actual_cost,
        stated.rows as expected_rows,
        delivered.rows as actual_rows,
        null as rounding,
        case when stated.billed_cost is null then 'the delivery itself' else 'stated control total' end as expected_from
    from keys
    left join delivered using (source, billing_period, billing_currency)
    left join stated using (source, billing_period, billing_currency)
    union all
    select
        keys.*, 'normalized', 2, delivered.amount - delivered.rounding, charges.billed_cost, null, null,
        delivered.rounding, 'delivered amounts, rounded half-even to 12 decimals a row'
    from keys
    left join delivered using (source, billing_period, billing_currency)
    left join charges using (source, billing_period, billing_currency)
    union all
    select
        keys.*, 'effective', 3, charges.billed_cost + charges.paid + charges.amortized + charges.billed_as_used,
        charges.effective_cost, null, null, null, 'billed + commitments amortized - commitments paid'
    from keys
    left join charges using (source, billing_period, billing_currency)
    union all
    select
        keys.*, 'allocated', 4, charges.effective_cost, coalesce(ledger.effective_cost, 0), null, null, null,
        'effective cost of the charges'
    from keys
    left join charges using (source, billing_period, billing_currency)
    left join ledger using (source, billing_period, billing_currency)
)

select
    coalesce(steps.source, failures.source) as source,
    coalesce(steps.billing_period, failures.billing_period) as billing_period,
    steps.billing_currency,
    coalesce(steps.step, 'landed') as step,
    steps.expected_cost::decimal(38, 24) as expected_cost,
    steps.actual_cost::decimal(38, 24) as actual_cost,
    -- A side that is missing is a difference of the whole other side.
    case when steps.step is not null
        then coalesce(steps.actual_cost, 0) - coalesce(steps.expected_cost, 0)
    end::decimal(38, 24) as difference,
    steps.expected_rows,
    steps.actual_rows,
    steps.rounding::decimal(38, 24) as rounding,
    steps.expected_from,
    failures.error
from steps
full join failures
    on steps.source = failures.source and steps.billing_period is not distinct from failures.billing_period and steps.step = 'landed'
order by source, billing_period, billing_currency, steps.step_order
