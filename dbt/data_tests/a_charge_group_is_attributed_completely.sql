-- Per charge group: its days have all of what its charges cost, and what is attributed on a new day is
-- the day's part, sign kept.
with spread as (
    select charge_group_id, charge_date, sum(effective_cost) as effective_cost
    from {{ ref('int_charges_spread_daily') }}
    group by charge_group_id, charge_date
),

attributed as (
    select charge_group_id, charge_date, sum(effective_cost) as effective_cost
    from {{ ref('int_costs_attributed') }}
    where {{ is_new('charge_date') }}
    group by charge_group_id, charge_date
)

select
    coalesce(spread.charge_group_id, attributed.charge_group_id) as charge_group_id,
    spread.effective_cost,
    attributed.effective_cost as attributed_cost
from (select * from spread where {{ is_new('charge_date') }}) as spread
full join attributed
    on spread.charge_group_id = attributed.charge_group_id and spread.charge_date = attributed.charge_date
where coalesce(spread.effective_cost, 0) <> coalesce(attributed.effective_cost, 0)
union all
select
    charge_groups.charge_group_id,
    charge_groups.effective_cost,
    sum(spread.effective_cost)
from {{ ref('int_charge_groups') }} as charge_groups
left join spread on charge_groups.charge_group_id = spread.charge_group_id
where charge_groups.effective_cost <> 0
group by charge_groups.charge_group_id, charge_groups.effective_cost
having coalesce(sum(spread.effective_cost), 0) <> charge_groups.effective_cost
