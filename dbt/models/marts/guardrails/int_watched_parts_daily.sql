-- What the watched costs are made of, seen from several sides.
{{ config(materialized='view', schema='intermediate', contract={'enforced': false}) }}
{%- set seen_from = {
    'customer_id': ['feature', 'model'],
    'feature': ['customer_id', 'model'],
    'workflow': ['feature', 'customer_id', 'model'],
    'model': ['customer_id', 'feature'],
} %}
{%- for entity, parts in seen_from.items() %}{% for part in parts %}
select
    charge_date,
    billing_currency,
    '{{ entity }}' as entity,
    {{ entity }} as value,
    '{{ part }}' as part_entity,
    {{ part }} as part_value,
    sum(effective_cost)::decimal(38, 12) as cost
from {{ ref('allocated_costs') }}
where component = 'direct'
group by charge_date, billing_currency, {{ entity }}, {{ part }}
union all
{%- endfor %}{% endfor %}
{%- for entity, value, part, part_value in [
    ('all', "'(all)'", 'source', 'charge_groups.source'), ('all', "'(all)'", 'service', 'charge_groups.service_name'),
    ('source', 'charge_groups.source', 'service', 'charge_groups.service_name'),
    ('source', 'charge_groups.source', 'usage_type', 'charge_groups.usage_type')
] %}
select
    spread.charge_date, charge_groups.billing_currency, '{{ entity }}', {{ value }}, '{{ part }}',
    coalesce({{ part_value }}, '(none)'), sum(spread.effective_cost)::decimal(38, 12)
from {{ ref('int_charges_spread_daily') }} as spread
inner join {{ ref('int_charge_groups') }} as charge_groups on spread.charge_group_id = charge_groups.charge_group_id
where charge_groups.charge_category = 'Usage' and charge_groups.treatment <> 'correction'
group by 1, 2, 4, 6
union all
{%- endfor %}
select charge_date, billing_currency, 'pool', pool, 'shape', shape, sum(effective_cost)::decimal(38, 12)
from {{ ref('capacity_rates_daily') }}
group by charge_date, billing_currency, pool, shape
union all
select charge_date, billing_currency, 'pool', part, 'feature', value, sum(effective_cost)::decimal(38, 12)
from {{ ref('cost_parts_daily') }}
where entity = 'feature' and kind = 'pool'
group by charge_date, billing_currency, part, value
union all
select charge_date, billing_currency, 'service', part, 'meter', meter, sum(effective_cost)::decimal(38, 12)
from {{ ref('cost_parts_daily') }}
where entity = 'all' and kind = 'service'
group by charge_date, billing_currency, part, meter
union all
-- Who answers for it, with what is shared, idle, taxed and credited.
{%- for entity, value in [('all', "'(all)'"), ('source', 'source')] %}
select charge_date, billing_currency, '{{ entity }}', {{ value }}, 'owner', owner, sum(effective_cost)::decimal(38, 12)
from {{ ref('owner_costs_daily') }}
group by 1, 2, 4, 6
union all
{%- endfor %}
-- With what is idle in the pool.
select
    charge_date, billing_currency, entity, value, 'paid_for', kind || ' ' || part, sum(effective_cost)::decimal(38, 12)
from {{ ref('cost_parts_daily') }}
where entity in ('customer_id', 'feature', 'workflow', 'model', 'team') and kind in ('tokens', 'pool', 'service')
group by charge_date, billing_currency, entity, value, kind, part
