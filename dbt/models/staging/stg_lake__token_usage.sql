-- One row a token bucket of the vendor's usage endpoint; no money.
select
    usage_period_start,
    usage_period_end,
    service_provider_name,
    operation_name,
    sub_account_id,
    api_key_id,
    model,
    service_tier,
    token_type,
    quantity,
    requests,
    x_source as source,
    x_billing_period as billing_period
from {{ source('lake', 'token_usage') }}
