"""What FOCUS rows cost and meter: the rows of `raw` with everything computed that charges need."""

from connectors._focus.tokens import MODEL, RAW_TOKENS, TOKEN_TYPE


def _utc(column: str) -> str:
    return f"cast(cast({column} as timestamptz) as timestamp)"


def quantity(column: str) -> str:
    return f"cast({column} as decimal(38, 12))"


def _product(price: str, quantity: str) -> str:
    return f"try_cast({price} as decimal(19, 12)) * try_cast({quantity} as decimal(19, 12))"


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

# Rows of `raw` and what follows from them, as the query `costed`.
COSTED = f"""
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
        {quantity("PricingQuantity")} as quantity,
        {quantity("ConsumedQuantity")} as consumed,
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
"""
