with bill as (
    select
        billing_currency,
        coalesce(sum(effective_cost) filter (where billing_period = '{period}'), 0) as billed,
        coalesce(sum(-effective_cost) filter (
            where billing_period = '{period}' and strftime(charge_date, '%Y-%m') <> '{period}'
        ), 0) as of_other_months,
        coalesce(sum(effective_cost) filter (
            where billing_period <> '{period}' and strftime(charge_date, '%Y-%m') = '{period}'
        ), 0) as on_other_bills
    from marts.allocated_costs
    group by billing_currency
),

units as (
    select bill.*, units.*
    from marts.unit_costs as units
    inner join bill on units.billing_currency = bill.billing_currency
    where
        units.period_kind = 'month'
        and units.period_start = '{period}-01'
        and units.entity = 'all'
        and units.unit = 'inference'
        and units.units > 0
),

lines as (
    select units.billing_currency, lines.*
    from units
    cross join lateral (
        values
        (1, 'effective cost of the bill', 'total', billed, null),
        (2, 'used in other months', 'change', of_other_months, null),
        (3, 'used in the month, on other bills', 'change', on_other_bills, null),
        (4, 'unmatched', 'change', -unmatched_cost, null),
        (5, 'not of production inferences', 'change', -left_out_cost, null),
        (6, 'loaded cost', 'total', loaded_cost, loaded_cost_per_unit),
        (7, 'direct', 'part', direct_cost, direct_cost_per_unit),
        (8, 'idle', 'part', idle_cost, idle_cost_per_unit),
        (9, 'scaling', 'part', scaling_cost, scaling_cost_per_unit),
        (10, 'shared', 'part', shared_cost, shared_cost_per_unit),
        (11, 'overhead', 'part', overhead_cost, overhead_cost_per_unit)
    ) as lines (step, line, kind, cost, cost_per_inference)
)

select billing_currency as currency, line, kind, cost, cost_per_inference
from lines
order by billing_currency, step
