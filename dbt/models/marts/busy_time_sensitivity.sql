{{ config(materialized='view') }}
select
    shares.charge_date,
    shares.pool,
    charge_groups.billing_currency,
    coalesce(attempts.customer_id, '(none)') as customer_id,
    count(distinct shares.attempt_id) as attempts,
    sum(shares.nanoseconds)::bigint as nanoseconds,
    sum(shares.equal_nanoseconds)::bigint as equal_nanoseconds,
    sum(shares.effective_cost)::decimal(38, 12) as effective_cost,
    sum(shares.equal_weight_cost)::decimal(38, 12) as equal_weight_cost
from {{ ref('int_capacity_shares') }} as shares
inner join {{ ref('int_charge_groups') }} as charge_groups on shares.charge_group_id = charge_groups.charge_group_id
left join {{ ref('attempt_costs') }} as attempts
    on shares.attempt_id = attempts.attempt_id and shares.charge_date = attempts.charge_date
where shares.state = 'busy'
group by all
