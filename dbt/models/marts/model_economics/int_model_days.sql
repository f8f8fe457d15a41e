-- Requests of int_fleet_days by feature and model, in one place: what marts of models read.
{{ config(materialized='table', schema='intermediate', contract={'enforced': false}) }}
select
    charge_date,
    feature,
    model,
    version,
    provider_name,
    service_tier,
    environment,
    operation_name,
    billing_currency,
    requests,
    successful_requests,
    cached_requests,
    own_requests,
    evaluated_requests,
    passed_requests,
    direct_cost,
    capacity_cost
    {%- for token_type in token_types() %},
    {{ token_type }}_tokens,
    priced_{{ token_type }}_tokens,
    {{ token_type }}_cost
    {%- endfor %}
from {{ ref('int_fleet_days') }}
where kind = 'model'
