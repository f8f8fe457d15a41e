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
        and (item.billing_currency is not null or deliveries.table_name = 'metered_usage')
        and deliveries.source in (
            select sources.source from {{ ref('stg_lake__sources') }} as sources where sources.is_authoritative
        )
    group by deliveries.source, item.billing_period, item.billing_currency
),

-- Bills as they stand in the lake, and use on which the user's rates put a price.
counted as (
    select
        *,
        null::varchar as rate_card_id
    from {{ ref('stg_lake__delivered_charges') }}
    union all by name
    select
        source,
        billing_period,
        billing_currency,
        charge_category,
        commitment_discount_id,
        commitment_discount_status,
        billed_cost,
        effective_cost,
        rate_card_id
    from {{ ref('int_charges') }}
    where rate_card_id is not null
),

charges as (
    select
        source,
        billing_period,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(billed_cost) filter (where rate_card_id is null) as normalized_cost,
        sum(billed_cost) filter (where rate_card_id is not null) as priced_cost,
        sum(effective_cost) as effective_cost,
        -- What makes the two bases differ, each from its own rows: see invoice_bridge.
        coalesce(-sum(billed_cost) filter (
            where charge_category = 'Purchase' and commitment_discount_id is not null
        ), 0) as paid,
        coalesce(sum(effective_cost) filter (where commitment_discount_status is not null), 0) as amortized,
        coalesce(-sum(billed_cost) filter (where commitment_discount_status is not null), 0) as billed_as_used
    from counted
    group by source, billing_period, billing_currency
),

ledger as (
    select
        source,
        billing_period,
        billing_currency,
        sum(effective_cost) as effective_cost
    from {{ ref('int_ledger_months') }}
    group by source, billing_period, billing_currency
),

stated as (
    select
        source,
        billing_period,
        -- Of metered use only rows can be stated.
        case when billed_cost is not null or source not in (
            select usage.source from {{ ref('int_usage_totals') }} as usage
        ) then billing_currency end as billing_currency,
        any_value(rows) as rows,
        any_value(billed_cost) as billed_cost
    from {{ ref('stg_lake__control_totals') }}
    where billing_period is not null
    group by all
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

-- Rows without a price have no currency.
metered as (
    select totals.*, priced.rows as priced_rows
    from {{ ref('int_usage_totals') }} as totals
    left join (
        select source, billing_period, billing_currency, count(*) as rows
        from {{ ref('int_usage_priced') }}
        group by source, billing_period, billing_currency
    ) as priced
        on
            totals.source = priced.source
            and totals.billing_period = priced.billing_period
            and totals.billing_currency is not distinct from priced.billing_currency
),

keys as (
    select source, billing_period, billing_currency from delivered
    union
    select source, billing_period, billing_currency from charges
    union
    select source, billing_period, billing_currency from metered
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
        stated.rows as stated_rows,
        metered.cost as metered_cost,
        metered.rows as metered_rows,
        metered.priced_rows,
        -- What rounding a row explains; anything beyond is a difference.
        if(abs(metered.cost - charges.priced_cost) <= metered.tolerance, metered.cost - charges.priced_cost, 0)
            as priced_rounding
    from keys
    {%- for other in ['delivered', 'charges', 'ledger', 'stated', 'metered'] %}
    left join {{ other }}
        on
            keys.source = {{ other }}.source
            and keys.billing_period = {{ other }}.billing_period
            and keys.billing_currency is not distinct from {{ other }}.billing_currency
    {%- endfor %}
),

told as (
    select
        source,
        billing_period,
        billing_currency,
        -- With all their digits: amounts of different types would be made alike, and rounded.
        unnest([
            {
                'step': 'landed',
                'step_order': 1,
                'is_told': coalesce(stated_rows, delivered_rows) is not null
                    or coalesce(stated_cost, delivered_cost, normalized_cost) is not null,
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
                'is_told': billing_currency is not null
                    and coalesce(stated_cost, delivered_cost, normalized_cost) is not null,
                'expected_cost': (delivered_cost - rounding)::decimal(38, 24),
                'actual_cost': normalized_cost::decimal(38, 24),
                'expected_rows': null,
                'actual_rows': null,
                'rounding': rounding::decimal(38, 24),
                'expected_from': 'delivered amounts, rounded half-even to 12 decimals a row'
            },
            {
                'step': 'priced',
                'step_order': 3,
                'is_told': metered_rows is not null or priced_cost is not null,
                'expected_cost': (metered_cost - priced_rounding)::decimal(38, 24),
                'actual_cost': priced_cost::decimal(38, 24),
                'expected_rows': metered_rows,
                'actual_rows': priced_rows,
                'rounding': priced_rounding::decimal(38, 24),
                'expected_from': if(
                    billing_currency is null,
                    'use without a price: see unpriced_usage',
                    'quantity x price of each line of rate_cards, rounded half-even to 12 decimals a row'
                )
            },
            {
                'step': 'effective',
                'step_order': 4,
                'is_told': billing_currency is not null,
                'expected_cost': (billed_cost + paid + amortized + billed_as_used)::decimal(38, 24),
                'actual_cost': effective_cost::decimal(38, 24),
                'expected_rows': null,
                'actual_rows': null,
                'rounding': null,
                'expected_from': 'billed + commitments amortized - commitments paid'
            },
            {
                'step': 'allocated',
                'step_order': 5,
                'is_told': billing_currency is not null,
                'expected_cost': effective_cost::decimal(38, 24),
                'actual_cost': allocated_cost::decimal(38, 24),
                'expected_rows': null,
                'actual_rows': null,
                'rounding': null,
                'expected_from': 'effective cost of the charges'
            }
        ], recursive := true)
    from totals
),

steps as (
    select *
    from told
    where is_told
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
