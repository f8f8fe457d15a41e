-- Per charge group: what is attributed on its days is what its charges cost, sign kept.
select
    charge_groups.charge_group_id,
    charge_groups.effective_cost,
    sum(attributed.effective_cost) as attributed_cost
from {{ ref('int_charge_groups') }} as charge_groups
left join {{ ref('int_costs_attributed') }} as attributed
    on charge_groups.charge_group_id = attributed.charge_group_id
where charge_groups.effective_cost <> 0
group by charge_groups.charge_group_id, charge_groups.effective_cost
having coalesce(sum(attributed.effective_cost), 0) <> charge_groups.effective_cost
