{# Cost of each value of one entity in a billing period, by component, with the requests of that
   month (UTC, each inference once) and unit costs as in the daily marts: production, without what is unmatched. #}
{% macro entity_costs(entity) -%}
with costs as (
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
        sum(effective_cost) filter (where component = 'direct' and {{ is_production() }}) as production_direct_cost,
        sum(effective_cost) filter (where component <> 'unmatched' and {{ is_production() }}) as production_loaded_cost
    from {{ ref('allocated_costs') }}
    group by billing_period, billing_currency, {{ entity }}
),

inferences as (
    select
        strftime(charge_date, '%Y-%m') as billing_period,
        {{ entity }},
        inference_id,
        count(*) as attempts,
        bool_or({{ is_production() }}) as is_in_production
    from {{ ref('attempt_costs') }}
    where is_ended
    group by 1, 2, 3
),

requests as (
    select
        billing_period,
        {{ entity }},
        sum(attempts) as attempts,
        count(*) as inferences,
        count(*) filter (where is_in_production) as production_inferences
    from inferences
    group by billing_period, {{ entity }}
)

select
    coalesce(costs.billing_period, requests.billing_period) as billing_period,
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
    {{ unit_cost('costs.production_loaded_cost', 'requests.production_inferences') }} as loaded_cost_per_inference
from costs
full join requests
    on costs.billing_period = requests.billing_period and costs.{{ entity }} = requests.{{ entity }}
{%- endmacro %}
