"""What FOCUS rows cost and meter: the rows of `raw` with everything computed that charges need."""

from connectors._focus.tokens import DETAILS, GPU_COUNT, MODEL, RAW_TOKENS, TOKEN_TYPE


def _utc(column: str) -> str:
    return f"cast(cast({column} as timestamptz) as timestamp)"


def quantity(column: str) -> str:
    """A quantity; most are short, and exact in 64 bits, which is many times as fast."""
    is_plain = f"not contains(lower({column}), 'e')"
    return f"""case
        when length({column}) < 14 and strpos({column}, '.') between 1 and 7 and {is_plain}
            then cast(cast({column} as decimal(18, 12)) as decimal(38, 12))
        when length({column}) < 18 and strpos({column}, '.') = 0 and {is_plain}
            then cast(cast({column} as bigint) as decimal(38, 12))
        else cast({column} as decimal(38, 12))
    end"""


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
        when {stated} = {product} then {stated}
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

# Rows of `raw` and what follows from them, as the query `costed`. What is used more than once is a
# column of a step before: DuckDB computes an expression as often as it stands there.
COSTED = f"""
with stated as (
    select
        *,
        {_PERIOD_START} as period_start,
        {_utc("BillingPeriodEnd")} as stated_end,
        {_utc("ChargePeriodStart")} as started_at,
        {_utc("ChargePeriodEnd")} as ended_at,
        money(BilledCost) as billed,
        money(EffectiveCost) as stated_effective,
        money(ListCost) as stated_list,
        money(ContractedCost) as stated_contracted,
        money(ListUnitPrice) as stated_list_price,
        money(ContractedUnitPrice) as stated_contracted_price,
        {quantity("PricingQuantity")} as quantity,
        {quantity("ConsumedQuantity")} as consumed,
        coalesce(
            InvoiceIssuerName, ProviderName, ServiceProviderName, PublisherName, {{provider}}
        ) as issuer,
        coalesce(ServiceCategory, 'Other') as category,
        {DETAILS} as details
    from raw
),

named as (
    select
        *,
        coalesce(stated_end, period_start + interval 1 month) as period_end,
        coalesce(stated_effective, billed) as effective,
        coalesce(ProviderName, ServiceProviderName, issuer) as provider,
        coalesce(PublisherName, ServiceProviderName, ProviderName, issuer) as publisher,
        coalesce(
            SkuPriceId,
            if(ChargeCategory <> 'Tax' and coalesce(quantity, consumed) is not null, SkuId, null)
        ) as price_id,
        {MODEL} as model,
        {TOKEN_TYPE} as token_type,
        {RAW_TOKENS} as tokens,
        try_cast(coalesce(x_GpuCount, {GPU_COUNT}) as bigint) as gpus,
        lower(coalesce(ConsumedUnit, PricingUnit)) as metered_unit,
        try_cast(coalesce(consumed, quantity) as decimal(24, 12)) as metered
    from stated
),

branded as (
    select
        *,
        strftime(
            make_timestamp((epoch_us(period_start) + epoch_us(period_end)) // 2), '%Y-%m'
        ) as billing_month,
        {_brand("issuer")} as issuer_brand,
        {_brand("provider")} as provider_brand,
        {_brand("publisher")} as publisher_brand,
        case ChargeCategory when 'Usage' then effective when 'Purchase' then billed end as spent,
        ChargeCategory = 'Usage' and tokens is not null and token_type is not null
            and model is not null as is_tokens,
        -- Hours of a machine; those of a disk, an address or a cluster's control plane are none.
        ChargeCategory = 'Usage'
            and ResourceId is not null
            and coalesce(CommitmentDiscountStatus, 'Used') = 'Used'
            and coalesce(CapacityReservationStatus, 'Used') = 'Used'
            and (
                gpus > 0
                or (category = 'Compute' and coalesce(ServiceSubcategory, '') = 'Virtual Machines')
            ) as is_machine
    from named
),

-- Microsoft writes 0 where it does not know a list or a contracted cost.
known as (
    select
        *,
        ServiceProviderName is null and publisher_brand <> provider_brand as is_marketplace,
        provider_brand = 'Microsoft' and greatest(billed, effective) > 0 as may_be_unknown,
        if(may_be_unknown and stated_contracted = 0, null, stated_contracted) as contracted,
        if(may_be_unknown and stated_list = 0, null, stated_list) as listed,
        case
            when price_id is null or (may_be_unknown and stated_contracted = 0) then null
            -- Versions before 1.0 know no contracted price: who is billed the list cost pays it.
            when stated_contracted is null and stated_list = billed
                then coalesce(stated_contracted_price, stated_list_price)
            else stated_contracted_price
        end as contracted_price,
        if(price_id is null or (may_be_unknown and stated_list = 0), null, stated_list_price)
            as list_price,
        coalesce(
            try_cast(try_cast(x_BilledMilliseconds as decimal(24, 12)) as bigint),
            case
                when not is_machine then null
                when metered_unit in ('hours', 'hour', 'hrs', 'hr')
                    then try_cast(metered * 3600000 as bigint)
                when metered_unit in ('minutes', 'minute') then try_cast(metered * 60000 as bigint)
                when metered_unit in ('seconds', 'second') then try_cast(metered * 1000 as bigint)
                when metered_unit in ('gpu-hours', 'gpu-hour') and gpus > 0
                    then try_cast(metered * 3600000 as bigint) // gpus
            end
        ) as milliseconds
    from branded
),

multiplied as (
    select
        *,
        {_product("contracted_price", "quantity")} as contracted_product,
        {_product("list_price", "quantity")} as list_product
    from known
),

contracted as (
    select
        * exclude (contracted),
        {_identical("contracted", "contracted_product", "greatest(billed, effective)")}
            as contracted_cost
    from multiplied
),

costed as (
    select *, {_identical("listed", "list_product", "contracted_cost")} as list_cost
    from contracted
)
"""
