-- What is watched for anomalies: use alone, without taxes, credits, purchases and what later bills correct. Of
-- customers, features, workflows and models what they used themselves, and of teams what is theirs: what is
-- shared or idle moves for all of them at once, and is watched where it is paid.
{{ config(materialized='view', schema='intermediate', contract={'enforced': false}) }}
with used as (
    select
        spread.charge_date,
        charge_groups.billing_currency,
        charge_groups.source,
        sum(spread.effective_cost)::decimal(38, 12) as cost
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    inner join {{ ref('int_complete_days') }} as complete
        on not list_contains(complete.left_out_sources, charge_groups.source)
    where charge_groups.charge_category = 'Usage' and charge_groups.treatment <> 'correction'
    group by spread.charge_date, charge_groups.billing_currency, charge_groups.source
)

select
    charge_date,
    billing_currency,
    'all' as entity,
    '(all)' as value,
    sum(cost)::decimal(38, 12) as cost
from used
group by charge_date, billing_currency
union all
select charge_date, billing_currency, 'source', source, cost
from used
{%- for entity in ['customer_id', 'feature', 'workflow', 'model'] %}
union all
select charge_date, billing_currency, '{{ entity }}', {{ entity }}, direct_cost
from {{ ref(entity | replace('_id', '') ~ '_costs_daily') }}
where direct_cost is not null and {{ entity }} <> '(none)'
{%- endfor %}
union all
select
    charge_date, billing_currency, if(entity = 'all', kind, entity), if(entity = 'all', part, value),
    sum(effective_cost)::decimal(38, 12)
from {{ ref('cost_parts_daily') }}
where
    (entity = 'all' and kind in ('pool', 'service'))
    or (entity = 'team' and value <> '(none)' and kind in ('tokens', 'pool', 'service'))
group by 1, 2, 3, 4
