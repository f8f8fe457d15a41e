-- A commitment's month: what of it was used, what nothing used, and what it saved against list prices.
with lines as (
    select *
    from {{ ref('int_charge_lines') }}
    where commitment_discount_id is not null and commitment_discount_status in ('Used', 'Unused')
),

sums as (
    select
        billing_period,
        source,
        billing_currency,
        commitment_discount_id,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Used'), 0)::decimal(38, 12)
            as used_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Unused'), 0)::decimal(38, 12)
            as unused_cost,
        -- A list cost of 0 is one that the bill does not tell.
        case
            when bool_and(list_cost > 0) filter (where commitment_discount_status = 'Used')
                then sum(list_cost) filter (where commitment_discount_status = 'Used')
        end::decimal(38, 12) as covered_list_cost
    from lines
    group by all
)

select
    *,
    (used_cost / nullif(effective_cost, 0))::decimal(9, 6) as utilization,
    (covered_list_cost - effective_cost)::decimal(38, 12) as saved_cost,
    (1 - effective_cost / nullif(covered_list_cost, 0))::decimal(18, 6) as realised_discount,
    (1 - used_cost / nullif(covered_list_cost, 0))::decimal(18, 6) as discount_if_all_were_used,
    case
        when covered_list_cost is null and used_cost = 0 then 'nothing used it'
        when covered_list_cost is null then 'the bill tells no list price of what it covered'
    end as discount_reason
from sums
