{# Cost of each value of one entity in a billing period, by component, with the requests of that
   month (UTC, each inference once) and unit costs as in the daily marts: production, without what is unmatched. #}
{% macro entity_costs(entity) -%}
with {{ caused_ctes(
    entity, 'billing_period', ref('int_inference_months'), is_of_period('billing_period'), where_made='true'
) }},

costs as (
    select
        billing_period,
        billing_currency,
        {{ entity }},
        {% for component in components() -%}
        coalesce(sum(effective_cost) filter (where component = '{{ component }}'), 0)::decimal(38, 12)
            as {{ component }}_cost,
        {% endfor -%}
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        any_value(reporting_currency) as reporting_currency,
        sum(reporting_cost)::decimal(38, 21) as reporting_cost,
        coalesce(sum(effective_cost) filter (where charge_category in ('Tax', 'Credit')), 0)::decimal(38, 12)
            as tax_and_credit_cost,
        coalesce(sum(effective_cost) filter (where not {{ is_production() }}), 0)::decimal(38, 12)
            as non_production_cost,
        coalesce(sum(effective_cost) filter (
            where not is_of_inferences and component <> 'unmatched'
        ), 0)::decimal(38, 12) as not_inference_cost,
        sum(effective_cost) filter (
            where is_of_inferences and component = 'direct' and {{ is_production() }}
        ) as production_direct_cost,
        sum(effective_cost) filter (
            where is_of_inferences and {{ is_production() }}
        ) as production_loaded_cost
    from costs_caused
    group by billing_period, billing_currency, {{ entity }}
),

bounds as (
    select *
    from {{ ref('cost_bounds_monthly') }}
    where entity = '{{ entity }}' and {{ is_of_period('charge_month') }}
)

select
    coalesce(costs.billing_period, requests.grain) as billing_period,
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
    {{ unit_cost('costs.production_loaded_cost', 'requests.production_inferences') }} as loaded_cost_per_inference,
    {{ unit_bounds(
        unit_cost('costs.production_loaded_cost', 'requests.production_inferences'), 'loaded_cost_per_inference'
    ) }}
from costs
full join requests
    on
        costs.billing_period = requests.grain
        and costs.billing_currency = requests.billing_currency
        and costs.{{ entity }} = requests.{{ entity }}
left join bounds
    on
        coalesce(costs.billing_period, requests.grain) = bounds.charge_month
        and coalesce(costs.billing_currency, requests.billing_currency) = bounds.billing_currency
        and coalesce(costs.{{ entity }}, requests.{{ entity }}) = bounds.value
{%- endmacro %}
