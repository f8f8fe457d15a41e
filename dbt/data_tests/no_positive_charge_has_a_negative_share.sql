select ledger.*
from {{ ref('allocated_costs') }} as ledger
inner join {{ ref('int_charge_groups') }} as charge_groups
    on ledger.charge_group_id = charge_groups.charge_group_id
where {{ is_new('ledger.charge_date') }} and charge_groups.effective_cost > 0 and ledger.effective_cost < 0
