"""FOCUS rows as the ledger's charges: the vendor's words, the version's differences made even.

What is changed, and why:

- provider_name is the invoice's issuer: FOCUS 1.2 would otherwise have nothing billed. Who sells
  (also on a marketplace) is service_provider_name, whose machines they are host_provider_name.
- A price times its quantity is the cost, exactly, where they only differ by a rounding.
- Without a SKU price there is no price, quantity or price detail, as FOCUS asks; where there is a
  SKU and a quantity, the SKU's id stands for that of its price.
- Microsoft's zero list and contracted costs mean unknown.
"""

from connectors._focus.costs import COSTED, quantity
from connectors._sql import quoted


def charges(account: str, provider: str | None = None) -> str:
    """Return the query of charges; `account` and `provider` are for files that name none."""
    named = "null" if provider is None else quoted(provider)
    return _CHARGES.replace("{account}", quoted(account)).replace("{provider}", named)


def _object(column: str) -> str:
    """An object as it is, else a sentence."""
    return f"""case
        when {column} is null or json_type(try_cast({column} as json)) = 'OBJECT' then {column}
        else error(
            x_file || ', row ' || x_row || ': {column} is ' || left({column}, 60)
            || '; allowed: a JSON object'
        )
    end"""


_CHARGES = f"""
{COSTED}
select
    coalesce(BillingAccountId, {{account}}) as billing_account_id,
    BillingAccountName as billing_account_name,
    coalesce(BillingAccountType, 'Billing Account') as billing_account_type,
    BillingCurrency as billing_currency,
    period_start as billing_period_start,
    -- An end within the last day of the month that the period begins with is the last day itself.
    case
        when period_start = date_trunc('month', period_start)
            and period_end >= last_day(period_start)
            and period_end < period_start + interval 1 month
            then period_start + interval 1 month
        else period_end
    end as billing_period_end,
    started_at as charge_period_start,
    ended_at as charge_period_end,
    ChargeCategory as charge_category,
    ChargeClass as charge_class,
    ChargeDescription as charge_description,
    coalesce(ChargeFrequency, if(ChargeCategory = 'Usage', 'Usage-Based', 'One-Time'))
        as charge_frequency,

    -- Money.
    billed as billed_cost,
    effective as effective_cost,
    list_cost,
    contracted_cost,
    list_price as list_unit_price,
    contracted_price as contracted_unit_price,
    if(price_id is null, null, PricingCategory) as pricing_category,
    coalesce(PricingCurrency, BillingCurrency) as pricing_currency,
    coalesce(
        money(PricingCurrencyEffectiveCost),
        if(pricing_currency = BillingCurrency, effective, null)
    ) as pricing_currency_effective_cost,
    case
        when price_id is null then null
        else coalesce(
            money(PricingCurrencyListUnitPrice),
            if(pricing_currency = BillingCurrency, list_price, null)
        )
    end as pricing_currency_list_unit_price,
    case
        when price_id is null then null
        else coalesce(
            money(PricingCurrencyContractedUnitPrice),
            if(pricing_currency = BillingCurrency, contracted_price, null)
        )
    end as pricing_currency_contracted_unit_price,

    -- Quantities.
    if(price_id is null, null, quantity) as pricing_quantity,
    if(price_id is null or quantity is null, null, PricingUnit) as pricing_unit,
    case when price_id is null then null when is_tokens then tokens else consumed end
        as consumed_quantity,
    case
        when price_id is null or consumed_quantity is null then null
        when is_tokens then 'Tokens'
        else ConsumedUnit
    end as consumed_unit,
    CommitmentDiscountCategory as commitment_discount_category,
    CommitmentDiscountId as commitment_discount_id,
    CommitmentDiscountName as commitment_discount_name,
    case
        when price_id is null then null
        -- Version 1.0 knows no such quantity; of a commitment to spend it is what was spent.
        else coalesce(
            {quantity("CommitmentDiscountQuantity")},
            if(CommitmentDiscountCategory = 'Spend', spent, null)
        )
    end as commitment_discount_quantity,
    coalesce(
        CommitmentDiscountStatus,
        -- Of previews of 1.0.
        nullif(regexp_extract(ChargeSubcategory, '^(Used|Unused) Commitment$', 1), '')
    ) as commitment_discount_status,
    CommitmentDiscountType as commitment_discount_type,
    case
        when commitment_discount_quantity is null then null
        when CommitmentDiscountCategory = 'Spend'
            then coalesce(CommitmentDiscountUnit, BillingCurrency)
        else CommitmentDiscountUnit
    end as commitment_discount_unit,
    CapacityReservationId as capacity_reservation_id,
    CapacityReservationStatus as capacity_reservation_status,

    -- Where, and on what.
    AvailabilityZone as availability_zone,
    RegionId as region_id,
    if(RegionId is null, null, coalesce(RegionName, RegionId)) as region_name,
    ResourceId as resource_id,
    if(ResourceId is null, null, ResourceName) as resource_name,
    if(ResourceId is null, null, coalesce(ResourceType, ServiceName, 'Resource')) as resource_type,
    InvoiceId as invoice_id,

    -- Who sells, hosts and invoices it.
    coalesce(
        issuer,
        error(
            x_file || ', row ' || x_row || ': no column names a provider; add the option '
            || 'provider_name to this source'
        )
    ) as invoice_issuer_name,
    issuer as provider_name,
    if(publisher_brand = issuer_brand, issuer, publisher) as publisher_name,
    case
        when ServiceProviderName is not null then ServiceProviderName
        when is_marketplace then publisher
        else provider_brand
    end as service_provider_name,
    case
        when HostProviderName is not null then HostProviderName
        when ServiceProviderName is not null then null
        -- Models of others that a cloud resells run on its own machines.
        when not is_marketplace or contains(ServiceName, 'Bedrock') then provider_brand
    end as host_provider_name,
    category as service_category,
    coalesce(ServiceName, provider) as service_name,
    coalesce(ServiceSubcategory, 'Other (' || category || ')') as service_subcategory,
    SkuId as sku_id,
    if(SkuId is null, null, coalesce(SkuMeter, ConsumedUnit, PricingUnit)) as sku_meter,
    price_id as sku_price_id,
    if(price_id is null, null, {_object("SkuPriceDetails")}) as sku_price_details,
    SubAccountId as sub_account_id,
    if(SubAccountId is null, null, coalesce(SubAccountName, SubAccountId)) as sub_account_name,
    if(SubAccountId is null, null, coalesce(SubAccountType, 'Sub Account')) as sub_account_type,
    {_object("Tags")} as tags,
    AllocatedMethodId as allocated_method_id,
    {_object("AllocatedMethodDetails")} as allocated_method_details,
    AllocatedResourceId as allocated_resource_id,
    AllocatedResourceName as allocated_resource_name,
    {_object("AllocatedTags")} as allocated_tags,

    billing_month as x_billing_period,
    case
        when is_tokens then 'tokens'
        when x_ChargeKind = 'capacity' or (is_machine and milliseconds > 0) then 'capacity'
    end as x_charge_kind,
    x_LineItemType as x_line_item_type,
    x_UsageType as x_usage_type,
    x_Operation as x_operation,
    if(is_tokens, model, null) as x_model,
    if(is_tokens, token_type, null) as x_token_type,
    x_ServiceTier as x_service_tier,
    x_ApiKeyId as x_api_key_id,
    if(x_charge_kind = 'capacity', milliseconds, null) as x_billed_milliseconds,
    if(x_charge_kind = 'capacity', gpus, null) as x_gpu_count,
    case
        when x_Finality in ('final', 'provisional') then x_Finality
        -- Amazon puts the invoice on a charge once there is one.
        when provider_brand = 'AWS' and InvoiceId is not null then 'final'
    end as x_finality,
    x_file,
    x_row
from costed
"""
