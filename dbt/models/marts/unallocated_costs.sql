-- What stays with `(none)` in every entity after everything, by why.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true}) }}
with allocated as (
    select *
    from {{ ref('allocated_costs') }}
    where
        {{ is_of_days('charge_date') }}
        {%- for entity in entities() %} and {{ entity }} = '(none)'{% endfor %}
),

members as (
    select charge_group_id, charge_group_id as line_group_id
    from allocated
    union
    select {{ cost_pool_id() }}, charge_group_id
    from {{ ref('int_costs_attributed') }}
    where {{ is_of_days('charge_date') }} and scope is not null
),

described as (
    select
        members.charge_group_id,
        min(charge_groups.service_name) as service_name,
        min(charge_groups.charge_description) as charge_description
    from members
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on members.line_group_id = charge_groups.charge_group_id
    group by members.charge_group_id
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
