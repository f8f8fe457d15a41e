-- What stays with `(none)` in every entity after everything, by why.
with allocated as (
    select *
    from {{ ref('allocated_costs') }}
    where {% for entity in entities() %}{{ entity }} = '(none)'{{ ' and ' if not loop.last }}{% endfor %}
),

described as (
    select
        charge_group_id,
        min(service_name) as service_name,
        min(charge_description) as charge_description
    from {{ ref('charge_groups') }}
    group by charge_group_id
)

select
    allocated.charge_date,
    allocated.source,
    allocated.billing_period,
    allocated.billing_currency,
    allocated.component,
    allocated.charge_group_id,
    described.service_name,
    described.charge_description,
    allocated.allocated_method_id,
    sum(allocated.effective_cost)::decimal(38, 12) as effective_cost,
    allocated.reporting_currency,
    sum(allocated.reporting_cost)::decimal(38, 21) as reporting_cost
from allocated
left join described on allocated.charge_group_id = described.charge_group_id
group by all
