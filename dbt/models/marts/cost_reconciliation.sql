-- A view, so that it judges the lake as it is now, not as it was at the last run.
{{ config(materialized='view') }}
with delivered as (
    select
        deliveries.source,
        item.billing_period,
        item.billing_currency,
        sum(item.rows)::bigint as rows,
        sum(item.amount::decimal(38, 24)) as amount,
        sum(item.rounding::decimal(38, 24)) as rounding
    from {{ ref('stg_lake__deliveries') }} as deliveries
    cross join lateral (select unnest(deliveries.delivered) as item) as items
    where
        deliveries.status = 'current'
        and item.billing_currency is not null
        and deliveries.source in (
            select sources.source from {{ ref('stg_lake__sources') }} as sources where sources.is_authoritative
        )
    group by deliveries.source, item.billing_period, item.billing_currency
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
    where source in (
        select sources.source from {{ ref('stg_lake__sources') }} as sources where sources.is_authoritative
    )
),

totals as (
    select
        keys.source,
        keys.billing_period,
        keys.billing_currency,
        delivered.amount as delivered_cost,
        delivered.rows as delivered_rows,
        delivered.rounding,
        charges.* exclude (source, billing_period, billing_currency),
        coalesce(ledger.effective_cost, 0) as allocated_cost,
        stated.billed_cost as stated_cost,
        stated.rows as stated_rows
    from keys
    {%- for other in ['delivered', 'charges', 'ledger', 'stated'] %}
    left join {{ other }}
        on
            keys.source = {{ other }}.source
            and keys.billing_period = {{ other }}.billing_period
            and keys.billing_currency = {{ other }}.billing_currency
    {%- endfor %}
),

steps as (
    select
        source,
        billing_period,
        billing_currency,
        unnest([
            {
                'step': 'landed',
                'step_order': 1,
                'expected_cost': coalesce(stated_cost, delivered_cost)::decimal(38, 24),
                'actual_cost': delivered_cost::decimal(38, 24),
                'expected_rows': stated_rows,
                'actual_rows': delivered_rows,
                'rounding': null,
                'expected_from': if(stated_cost is null, 'the delivery itself', 'stated control total')
            },
            {
                'step': 'normalized',
                'step_order': 2,
                'expected_cost': delivered_cost - rounding,
                'actual_cost': billed_cost,
                'expected_rows': null,
                'actual_rows': null,
                'rounding': rounding,
                'expected_from': 'delivered amounts, rounded half-even to 12 decimals a row'
            },
            {
                'step': 'effective',
                'step_order': 3,
                'expected_cost': billed_cost + paid + amortized + billed_as_used,
                'actual_cost': effective_cost,
                'expected_rows': null,
                'actual_rows': null,
                'rounding': null,
                'expected_from': 'billed + commitments amortized - commitments paid'
            },
            {
                'step': 'allocated',
                'step_order': 4,
                'expected_cost': effective_cost,
                'actual_cost': allocated_cost,
                'expected_rows': null,
                'actual_rows': null,
                'rounding': null,
                'expected_from': 'effective cost of the charges'
            }
        ], recursive := true)
    from totals
)

select
    coalesce(steps.source, failures.source) as source,
    coalesce(steps.billing_period, failures.billing_period) as billing_period,
    steps.billing_currency,
    coalesce(steps.step, 'landed') as step,
    steps.expected_cost::decimal(38, 24) as expected_cost,
    steps.actual_cost::decimal(38, 24) as actual_cost,
    -- A side that is missing is a difference of the whole other side.
    case
        when steps.step is not null then coalesce(steps.actual_cost, 0) - coalesce(steps.expected_cost, 0)
    end::decimal(38, 24) as difference,
    steps.expected_rows::bigint as expected_rows,
    steps.actual_rows::bigint as actual_rows,
    steps.rounding::decimal(38, 24) as rounding,
    steps.expected_from,
    finalities.finality,
    failures.error
from steps
left join {{ ref('int_period_finalities') }} as finalities
    on
        steps.source = finalities.source
        and steps.billing_period = finalities.billing_period
        and steps.billing_currency = finalities.billing_currency
full join failures
    on
        steps.source = failures.source
        and steps.billing_period is not distinct from failures.billing_period
        and steps.step = 'landed'
order by coalesce(steps.source, failures.source), 2, 3, steps.step_order
