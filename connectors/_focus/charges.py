"""FOCUS rows as the ledger's charges: the vendor's words, the version's differences made even.

What is changed, and why:

- provider_name is the invoice's issuer: FOCUS 1.2 would otherwise have nothing billed. Who sells
  (also on a marketplace) is service_provider_name, whose machines they are host_provider_name.
- A price times its quantity is the cost, exactly, where they only differ by a rounding.
- Without a SKU price there is no price, quantity or price detail, as FOCUS asks; where there is a
  SKU and a quantity, the SKU's id stands for that of its price.
- Microsoft's zero list and contracted costs mean unknown.
"""

from connectors._focus.tokens import MODEL, RAW_TOKENS, TOKEN_TYPE
from connectors._sql import quoted


def charges(account: str, provider: str | None = None) -> str:
    """Return the query of charges; `account` and `provider` are for files that name none."""
    named = "null" if provider is None else quoted(provider)
    return _CHARGES.replace("{account}", quoted(account)).replace("{provider}", named)


def _utc(column: str) -> str:
    return f"cast(cast({column} as timestamptz) as timestamp)"


def _quantity(column: str) -> str:
    return f"cast({column} as decimal(38, 12))"


def _product(price: str, quantity: str) -> str:
    return f"try_cast({price} as decimal(19, 12)) * try_cast({quantity} as decimal(19, 12))"


def _object(column: str) -> str:
    """An object as it is, else a sentence."""
    return f"""case
        when {column} is null or json_type(try_cast({column} as json)) = 'OBJECT' then {column}
        else error(
            x_file || ', row ' || x_row || ': {column} is ' || left({column}, 60)
            || '; allowed: a JSON object'
        )
    end"""


def _brand(name: str) -> str:
    """One name of a company that bills under several."""
    return f"""case
        when regexp_matches({name}, '(?i)^(amazon|aws\\b)') then 'AWS'
        when regexp_matches({name}, '(?i)^(microsoft|azure)') then 'Microsoft'
        when regexp_matches({name}, '(?i)^google') then 'Google Cloud'
        when regexp_matches({name}, '(?i)^oracle') then 'Oracle'
        else {name}
    end"""


def _identical(stated: str, product: str, otherwise: str) -> str:
    """A cost as stated; as price x quantity where it is that, or is not stated."""
    return f"""case
        when {stated} is null then coalesce(money({product}), {otherwise})
        when abs({product} - {stated}) < 0.000001::decimal(7, 6) then money({product})
        else {stated}
    end"""


# The month that most of the billing period lies in: it may begin at another zone's midnight.
_PERIOD_START = (
    f"coalesce({_utc('BillingPeriodStart')}, date_trunc('month', {_utc('ChargePeriodStart')}))"
)
BILLING_PERIOD = f"""strftime(
    make_timestamp(
        (
            epoch_us({_PERIOD_START})
            + epoch_us(coalesce({_utc("BillingPeriodEnd")}, {_PERIOD_START} + interval 1 month))
        ) // 2
    ),
    '%Y-%m'
)"""
AMOUNTS = f"""
    select
        {BILLING_PERIOD} as billing_period,
        BillingCurrency as billing_currency,
        BilledCost as amount
    from raw
"""

_CHARGES = f"""
with stated as (
    select
        *,
        {BILLING_PERIOD} as billing_month,
        {_PERIOD_START} as period_start,
        coalesce({_utc("BillingPeriodEnd")}, period_start + interval 1 month) as period_end,
        {_utc("ChargePeriodStart")} as started_at,
        {_utc("ChargePeriodEnd")} as ended_at,
        money(BilledCost) as billed,
        coalesce(money(EffectiveCost), billed) as effective,
        money(ListCost) as stated_list,
        money(ContractedCost) as stated_contracted,
        money(ListUnitPrice) as stated_list_price,
        money(ContractedUnitPrice) as stated_contracted_price,
        {_quantity("PricingQuantity")} as quantity,
        {_quantity("ConsumedQuantity")} as consumed,
        coalesce(
            InvoiceIssuerName, ProviderName, ServiceProviderName, PublisherName, {{provider}}
        ) as issuer,
        coalesce(ProviderName, ServiceProviderName, issuer) as provider,
        coalesce(PublisherName, ServiceProviderName, provider) as publisher,
        {_brand("issuer")} as issuer_brand,
        {_brand("provider")} as provider_brand,
        {_brand("publisher")} as publisher_brand,
        ServiceProviderName is null and publisher_brand <> provider_brand as is_marketplace,
        coalesce(
            SkuPriceId,
            if(ChargeCategory <> 'Tax' and coalesce(quantity, consumed) is not null, SkuId, null)
        ) as price_id,
        if(json_valid(SkuPriceDetails), SkuPriceDetails, null) as details,
        coalesce(ServiceCategory, 'Other') as category,
        case ChargeCategory when 'Usage' then effective when 'Purchase' then billed end as spent
    from raw
),

-- Microsoft writes 0 where it does not know a list or a contracted cost.
known as (
    select
        *,
        provider_brand = 'Microsoft' and greatest(billed, effective) > 0 as may_be_unknown,
        may_be_unknown and stated_list = 0 as list_is_unknown,
        may_be_unknown and stated_contracted = 0 as contracted_is_unknown,
        if(contracted_is_unknown, null, stated_contracted) as contracted,
        if(list_is_unknown, null, stated_list) as listed,
        case
            when price_id is null or contracted_is_unknown then null
            -- Versions before 1.0 know no contracted price: who is billed the list cost pays it.
            when stated_contracted is null and stated_list = billed
                then coalesce(stated_contracted_price, stated_list_price)
            else stated_contracted_price
        end as contracted_price,
        if(price_id is null or list_is_unknown, null, stated_list_price) as list_price,
        {_product("contracted_price", "quantity")} as contracted_product,
        {_product("list_price", "quantity")} as list_product,
        {MODEL} as model,
        {TOKEN_TYPE} as token_type,
        {RAW_TOKENS} as tokens,
        ChargeCategory = 'Usage' and tokens is not null and token_type is not null
            and model is not null as is_tokens,
        try_cast(
            coalesce(
                x_GpuCount, json_extract_string(details, '$.GpuCount'),
                json_extract_string(details, '$.x_GpuCount')
            ) as bigint
        ) as gpus,
        lower(coalesce(ConsumedUnit, PricingUnit)) as metered_unit,
        try_cast(coalesce(consumed, quantity) as decimal(24, 12)) as metered,
        -- Hours of a machine; those of a disk, an address or a cluster's control plane are none.
        ChargeCategory = 'Usage'
            and ResourceId is not null
            and coalesce(CommitmentDiscountStatus, 'Used') = 'Used'
            and coalesce(CapacityReservationStatus, 'Used') = 'Used'
            and (
                gpus > 0
                or (category = 'Compute' and coalesce(ServiceSubcategory, '') = 'Virtual Machines')
            ) as is_machine,
        try_cast(
            coalesce(
                try_cast(x_BilledMilliseconds as decimal(24, 12)),
                case
                    when not is_machine then null
                    when metered_unit in ('hours', 'hour', 'hrs', 'hr') then metered * 3600000
                    when metered_unit in ('minutes', 'minute') then metered * 60000
                    when metered_unit in ('seconds', 'second') then metered * 1000
                    when metered_unit in ('gpu-hours', 'gpu-hour') and gpus > 0
                        then metered * 3600000 / gpus
                end
            ) as bigint
        ) as milliseconds
    from stated
),

costed as (
    select
        *,
        {_identical("contracted", "contracted_product", "greatest(billed, effective)")}
            as contracted_cost,
        {_identical("listed", "list_product", "contracted_cost")} as list_cost
    from known
)

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
            {_quantity("CommitmentDiscountQuantity")},
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
