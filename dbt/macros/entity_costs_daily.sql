{# Cost of each value of one entity and day, by component, with its requests and unit costs: a day a
   query, so that what a day costs to build does not grow with history. #}
{% macro entity_costs_daily(entity) -%}
with costs as (
    select
        charge_date,
        billing_currency,
        {{ entity }},
        {% for component in components() -%}
        coalesce(sum(effective_cost) filter (
            where component = '{{ component }}'
        ), 0)::decimal(38, 12) as {{ component }}_cost,
        {% endfor -%}
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        any_value(reporting_currency) as reporting_currency,
        sum(reporting_cost)::decimal(38, 21) as reporting_cost,
        coalesce(sum(effective_cost) filter (
            where charge_category in ('Tax', 'Credit')
        ), 0)::decimal(38, 12) as tax_and_credit_cost,
        coalesce(sum(effective_cost) filter (
            where not {{ is_production() }}
        ), 0)::decimal(38, 12) as non_production_cost,
        sum(effective_cost) filter (
            where component = 'direct' and {{ is_production() }}
        ) as production_direct_cost,
        sum(effective_cost) filter (
            where component <> 'unmatched' and {{ is_production() }}
        ) as production_loaded_cost,
        sum(effective_cost) filter (
            where component <> 'unmatched' and charge_category not in ('Tax', 'Credit') and {{ is_production() }}
        ) as production_loaded_cost_before_tax
    from {{ ref('allocated_costs') }}
    where charge_date = {{ charge_date() }}
    group by charge_date, billing_currency, {{ entity }}
),

inferences as (
    select
        charge_date,
        {{ entity }},
        inference_id,
        count(*) as attempts,
        bool_or({{ is_production() }}) as is_in_production
    from {{ ref('attempt_costs') }}
    where charge_date = {{ charge_date() }} and is_ended
    group by charge_date, {{ entity }}, inference_id
),

requests as (
    select
        charge_date,
        {{ entity }},
        sum(attempts) as attempts,
        count(*) as inferences,
        count(*) filter (where is_in_production) as production_inferences
    from inferences
    group by charge_date, {{ entity }}
),

costs_by_component as (
    select charge_date, billing_currency, component, sum(effective_cost) as effective_cost
    from {{ ref('allocated_costs') }}
    where charge_date = {{ charge_date() }}
    group by charge_date, billing_currency, component
),

coverage as (
    select
        charge_date,
        billing_currency,
        sum(effective_cost) as effective_cost,
        coalesce(sum(effective_cost) filter (where component <> 'unmatched'), 0) as explained_cost
    from costs_by_component
    group by charge_date, billing_currency
)

select
    coalesce(costs.charge_date, requests.charge_date) as charge_date,
    costs.billing_currency,
    coalesce(costs.{{ entity }}, requests.{{ entity }}) as {{ entity }},
    coalesce(requests.inferences, 0)::bigint as inferences,
    coalesce(requests.attempts, 0)::bigint as attempts,
    {% for component in components() -%}
    costs.{{ component }}_cost,
    {% endfor -%}
    costs.effective_cost,
    costs.reporting_currency,
    costs.reporting_cost,
    costs.tax_and_credit_cost,
    costs.non_production_cost,
    {{ unit_cost('costs.production_direct_cost', 'requests.production_inferences') }} as direct_cost_per_inference,
    {{ unit_cost('costs.production_loaded_cost_before_tax', 'requests.production_inferences') }}
        as loaded_cost_per_inference_before_tax,
    {{ unit_cost('costs.production_loaded_cost', 'requests.production_inferences') }} as loaded_cost_per_inference,
    (coverage.explained_cost / nullif(coverage.effective_cost, 0))::decimal(9, 6) as coverage
from costs
full join requests
    on costs.charge_date = requests.charge_date and costs.{{ entity }} = requests.{{ entity }}
left join coverage
    on costs.charge_date = coverage.charge_date and costs.billing_currency = coverage.billing_currency
{%- endmacro %}

{# The closed list of components: together they are the effective cost. #}
{% macro components() -%}
    {{ return(['direct', 'idle', 'scaling', 'shared', 'overhead', 'unmatched']) }}
{%- endmacro %}
