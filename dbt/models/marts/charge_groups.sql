-- Leads from the ledger back to the delivered row: the charges of a group, and of a cost pool the
-- charges of the groups that were gathered into it.
{{ config(materialized='view') }}
with members as (
    select charge_group_id, charge_group_id as line_group_id, effective_cost as group_cost
    from {{ ref('int_charge_groups') }}
    union all
    select {{ cost_pool_id() }} as cost_pool_id, charge_group_id, sum(effective_cost)::decimal(38, 12)
    from {{ ref('int_costs_attributed') }}
    where scope is not null
    group by cost_pool_id, charge_group_id
)

select
    members.charge_group_id,
    members.line_group_id,
    members.group_cost,
    charges.source,
    charges.billing_period,
    charges.billing_currency,
    charges.service_name,
    charges.resource_id,
    charges.charge_category,
    charges.charge_description,
    charges.charge_period_start,
    charges.charge_period_end,
    charges.billed_cost,
    charges.effective_cost,
    charges.x_delivery_id,
    charges.x_file,
    charges.x_row
from members
inner join {{ ref('int_charges_grouped') }} as charges on members.line_group_id = charges.charge_group_id
