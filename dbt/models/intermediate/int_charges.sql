-- One row a charge, whoever put the price on it: the vendor, as delivered, or a line of the user's
-- rate card on use that the vendor bills without a cost (rate_card_id). Everything reads charges here.
{{ config(materialized='view') }}
with priced_usage as (
    select
        * exclude (
            unpriced_reason, unit_price, billed_cost, list_cost, pricing_category, billing_account_name,
            charge_description, service_subcategory
        ),
        -- What FOCUS asks of every charge, where usage does not say it.
        coalesce(billing_account_name, billing_account_id) as billing_account_name,
        coalesce(charge_description, sku_id) as charge_description,
        coalesce(service_subcategory, 'Other (' || service_category || ')') as service_subcategory,
        cast(billing_period || '-01' as timestamp) as billing_period_start,
        cast(billing_period || '-01' as timestamp) + interval 1 month as billing_period_end,
        'Account' as billing_account_type,
        if(sub_account_id is null, null, 'Project') as sub_account_type,
        'Usage' as charge_category,
        'Usage-Based' as charge_frequency,
        billed_cost,
        billed_cost as effective_cost,
        list_cost,
        list_cost as contracted_cost,
        unit_price as list_unit_price,
        unit_price as contracted_unit_price,
        coalesce(pricing_category, 'Standard') as pricing_category,
        billing_currency as pricing_currency,
        unit_price as pricing_currency_contracted_unit_price,
        billed_cost as pricing_currency_effective_cost,
        unit_price as pricing_currency_list_unit_price,
        service_provider_name as invoice_issuer_name,
        service_provider_name as provider_name,
        service_provider_name as publisher_name,
        rate_card_id as sku_price_id,
        if(billed_model is null, null, cast(json_object('x_ModelId', billed_model) as varchar)) as sku_price_details
    from {{ ref('int_usage_priced') }}
    where rate_card_id is not null
)

select
    *,
    null::varchar as rate_card_id
from {{ ref('stg_lake__charges') }}
union all by name
select *
from priced_usage
