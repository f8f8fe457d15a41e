-- Which models answered whose requests, and what they cost. Direct cost: what is shared is no model's choice.
with {{ tiers_of_models() }},

served as (
    select
        charge_date,
        feature,
        model,
        version,
        provider_name,
        service_tier,
        environment,
        billing_currency,
        {% for count in [
            'requests', 'successful_requests', 'cached_requests', 'own_requests',
            'evaluated_requests', 'passed_requests'
        ] -%}
        sum({{ count }})::bigint as {{ count }},
        {% endfor -%}
        sum(direct_cost)::decimal(38, 12) as direct_cost
    from {{ ref('int_model_days') }}
    group by all
)

select
    served.charge_date,
    served.feature,
    tiers.tier,
    served.model,
    served.version,
    served.provider_name,
    served.service_tier,
    served.environment,
    served.billing_currency,
    served.requests,
    (served.requests / nullif(sum(served.requests) over of_the_feature, 0))::decimal(9, 6) as request_share,
    served.successful_requests,
    served.cached_requests,
    served.own_requests,
    served.evaluated_requests,
    served.passed_requests,
    served.direct_cost,
    (
        served.direct_cost / nullif(sum(served.direct_cost) over of_the_feature_and_currency::double, 0)
    )::decimal(9, 6) as cost_share,
    {{ unit_cost('served.direct_cost', 'served.requests') }} as direct_cost_per_request,
    if(tiers.tier is null, 'no tier is configured for this model: economics.model_tiers', null) as tier_reason
from served
left join tiers on served.model = tiers.model
window
    of_the_feature as (partition by served.charge_date, served.feature),
    of_the_feature_and_currency as (partition by served.charge_date, served.feature, served.billing_currency)
