-- One row a delivered row of use that its vendor puts no cost on.
select
    * exclude (
        x_source, x_billing_period, x_charge_kind, x_usage_type, x_model, x_token_type, x_service_tier,
        x_api_key_id, x_billed_milliseconds, x_gpu_count
    ),
    x_source as source,
    x_billing_period as billing_period,
    x_charge_kind as charge_kind,
    x_usage_type as usage_type,
    x_model as billed_model,
    x_token_type as token_type,
    x_service_tier as service_tier,
    x_api_key_id as api_key_id,
    x_billed_milliseconds as billed_milliseconds,
    x_gpu_count as gpu_count,
    cast(charge_period_start as date) as charge_date
from {{ source('lake', 'metered_usage') }}
