{{ config(materialized='view') }}
select
    source,
    billing_period,
    billing_currency,
    slot,
    delivery_number,
    delivery_before,
    delivery_after,
    service_provider_name,
    service_name,
    charge_category,
    rows_before,
    rows_after,
    rows_gained,
    rows_lost,
    rows_changed,
    billed_cost_before,
    billed_cost_after,
    billed_cost_gained,
    billed_cost_lost,
    billed_cost_changed,
    (billed_cost_after - billed_cost_before)::decimal(38, 12) as billed_cost_delta
from {{ ref('stg_lake__restatements') }}
