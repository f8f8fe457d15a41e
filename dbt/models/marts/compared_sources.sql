{{ config(materialized='view') }}
with authorities as (
    select
        service_provider_name,
        coalesce(sub_account_id, billing_account_id) as account_id,
        billing_period,
        billing_currency,
        any_value(source) as source,
        sum(billed_cost) as billed_cost
    from {{ ref('stg_lake__charges') }}
    group by all
),

others as (
    select
        service_provider_name,
        coalesce(sub_account_id, billing_account_id) as account_id,
        billing_period,
        billing_currency,
        source,
        sum(billed_cost) as billed_cost
    from {{ ref('stg_lake__compared_charges') }}
    group by all
)

select
    others.service_provider_name,
    others.account_id,
    others.billing_period,
    others.billing_currency,
    authorities.source as authoritative_source,
    others.source as compared_source,
    authorities.billed_cost::decimal(38, 12) as billed_cost,
    others.billed_cost::decimal(38, 12) as compared_cost,
    (others.billed_cost - authorities.billed_cost)::decimal(38, 12) as difference
from others
left join authorities
    on
        others.service_provider_name = authorities.service_provider_name
        and others.account_id = authorities.account_id
        and others.billing_period = authorities.billing_period
        and others.billing_currency = authorities.billing_currency
