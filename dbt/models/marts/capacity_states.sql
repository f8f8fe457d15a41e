{{ config(materialized='view') }}
select
    shares.charge_date,
    shares.charge_group_id,
    shares.resource_id,
    shares.pool,
    charge_groups.charge_period_start,
    charge_groups.charge_period_end,
    shares.state,
    charge_groups.billing_currency,
    sum(shares.nanoseconds)::bigint as nanoseconds,
    any_value(shares.billed_nanoseconds) as billed_nanoseconds,
    coalesce(sum(shares.nanoseconds) filter (where shares.state = 'busy' and shares.attempt_id is null), 0)::bigint
        as untraced_nanoseconds,
    bool_or(shares.is_ghost) as has_ghost,
    bool_or(shares.is_scaled) as is_scaled,
    sum(shares.effective_cost)::decimal(38, 12) as effective_cost
from {{ ref('int_capacity_shares') }} as shares
inner join {{ ref('int_charge_groups') }} as charge_groups on shares.charge_group_id = charge_groups.charge_group_id
group by all
