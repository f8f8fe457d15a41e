-- Use without a price has no cost: it is not 0, and is shown here until a line of rate_cards prices it.
{{ config(materialized='view') }}
select
    source,
    billing_period,
    service_provider_name,
    service_name,
    sku_id,
    billed_model,
    token_type,
    service_tier,
    pricing_category,
    region_id,
    consumed_unit,
    unpriced_reason,
    min(charge_date) as first_charge_date,
    max(charge_date) as last_charge_date,
    count(*) as rows,
    sum(consumed_quantity)::decimal(38, 12) as consumed_quantity,
    null::decimal(38, 12) as billed_cost
from {{ ref('int_usage_priced') }}
where rate_card_id is null
group by all
