-- What is forecast, and what forecasts are scored by. Sources that are behind are in nothing that can be told
-- apart by source; of features they cannot be left out.
{{ config(materialized='table', schema='intermediate', contract={'enforced': false}) }}
with of_owners as (
    select
        costs.charge_date,
        costs.billing_currency,
        costs.source,
        costs.owner,
        costs.effective_cost
    from {{ ref('owner_costs_daily') }} as costs
    inner join {{ ref('int_complete_days') }} as complete
        on not list_contains(complete.left_out_sources, costs.source)
)

{% for entity, value in [('all', "'(all)'"), ('source', 'source'), ('owner', 'owner')] -%}
select
    charge_date, billing_currency, '{{ entity }}' as entity, {{ value }} as value,
    sum(effective_cost)::decimal(38, 12) as cost
from of_owners
group by charge_date, billing_currency, {{ value }}
union all
{% endfor -%}
select charge_date, billing_currency, 'feature', feature, effective_cost
from {{ ref('feature_costs_daily') }}
where effective_cost is not null
