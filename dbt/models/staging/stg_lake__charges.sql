-- One row a normalized charge, as FOCUS says it; our own columns without their prefix.
select
    * exclude (
        x_source, x_billing_period, x_charge_kind, x_line_item_type, x_usage_type, x_operation,
        x_model, x_token_type, x_service_tier, x_api_key_id, x_billed_milliseconds, x_gpu_count, x_finality
    ),
    x_source as source,
    x_billing_period as billing_period,
    x_charge_kind as charge_kind,
    x_line_item_type as line_item_type,
    x_usage_type as usage_type,
    x_operation as operation,
    x_model as billed_model,
    x_token_type as token_type,
    x_service_tier as service_tier,
    x_api_key_id as api_key_id,
    x_billed_milliseconds as billed_milliseconds,
    x_gpu_count as gpu_count,
    x_finality as finality,
    cast(charge_period_start as date) as charge_date
from {{ source('lake', 'charges') }}
