{# Cost of each value of one entity and day, by component, with its requests and unit costs: of the days that
   are built and no others, so that what a day costs to build does not grow with history. #}
{% macro entity_costs_daily(entity) -%}
with {{ caused_ctes(entity, 'charge_date', ref('int_inference_counts'), is_of_days('charge_date')) }},

costs as (
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
        coalesce(sum(effective_cost) filter (
            where not is_of_inferences and component <> 'unmatched'
        ), 0)::decimal(38, 12) as not_inference_cost,
        sum(effective_cost) filter (
            where is_of_inferences and component = 'direct' and {{ is_production() }}
        ) as production_direct_cost,
        sum(effective_cost) filter (
            where is_of_inferences and {{ is_production() }}
        ) as production_loaded_cost,
        sum(effective_cost) filter (
            where is_of_inferences and charge_category not in ('Tax', 'Credit') and {{ is_production() }}
        ) as production_loaded_cost_before_tax
    from costs_caused
    group by charge_date, billing_currency, {{ entity }}
),

bounds as (
    select *
    from {{ ref('cost_bounds_daily') }}
    where entity = '{{ entity }}' and {{ is_of_days('charge_date') }}
),

costs_by_component as (
    select charge_date, billing_currency, component, sum(effective_cost) as effective_cost
    from costs_caused
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
    coalesce(costs.charge_date, requests.grain) as charge_date,
    coalesce(costs.billing_currency, requests.billing_currency) as billing_currency,
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
    costs.not_inference_cost,
    (costs.direct_cost - coalesce(bounds.seen_cost - bounds.lower_cost, 0))::decimal(38, 12) as lower_cost,
    (costs.direct_cost + coalesce(bounds.upper_cost - bounds.seen_cost, 0))::decimal(38, 12) as upper_cost,
    bounds.coverage as direct_coverage,
    {{ unit_cost('costs.production_direct_cost', 'requests.production_inferences') }} as direct_cost_per_inference,
    {{ unit_bounds(
        unit_cost('costs.production_direct_cost', 'requests.production_inferences'), 'direct_cost_per_inference'
    ) }},
    {{ unit_cost('costs.production_loaded_cost_before_tax', 'requests.production_inferences') }}
        as loaded_cost_per_inference_before_tax,
    {{ unit_cost('costs.production_loaded_cost', 'requests.production_inferences') }} as loaded_cost_per_inference,
    {{ unit_bounds(
        unit_cost('costs.production_loaded_cost', 'requests.production_inferences'), 'loaded_cost_per_inference'
    ) }},
    (coverage.explained_cost / nullif(coverage.effective_cost, 0))::decimal(9, 6) as coverage
from costs
full join requests
    on
        costs.charge_date = requests.grain
        and costs.billing_currency = requests.billing_currency
        and costs.{{ entity }} = requests.{{ entity }}
left join bounds
    on
        coalesce(costs.charge_date, requests.grain) = bounds.charge_date
        and coalesce(costs.billing_currency, requests.billing_currency) = bounds.billing_currency
        and coalesce(costs.{{ entity }}, requests.{{ entity }}) = bounds.value
left join coverage
    on costs.charge_date = coverage.charge_date and costs.billing_currency = coverage.billing_currency
{%- endmacro %}

{# The closed list of components: together they are the effective cost. #}
{% macro components() -%}
    {{ return(['direct', 'idle', 'scaling', 'shared', 'overhead', 'unmatched']) }}
{%- endmacro %}
