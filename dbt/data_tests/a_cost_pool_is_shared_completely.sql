-- Per cost pool: what its members have is what was put in.
with pooled as (
    select
        {{ cost_pool_id() }} as charge_group_id,
        sum(effective_cost) as effective_cost
    from {{ ref('int_costs_attributed') }}
    where scope is not null and {{ is_new('charge_date') }}
    group by 1
),

shared as (
    select
        charge_group_id,
        sum(effective_cost) as effective_cost
    from {{ ref('allocated_costs') }}
    where {{ is_new('charge_date') }} and charge_group_id in (select pooled.charge_group_id from pooled)
    group by charge_group_id
)

select
    pooled.charge_group_id,
    pooled.effective_cost,
    shared.effective_cost as shared_cost
from pooled
left join shared on pooled.charge_group_id = shared.charge_group_id
where pooled.effective_cost <> coalesce(shared.effective_cost, 0)
