"""Rows of the export as charges.

**What a row costs** is `cost` and all its credits, added up inside the row: a join with the credits
would lose rows without one and repeat those with several. Promotions are Credit rows of their own;
every other credit lowers the row's own price.

**Commitments.** In the newer model (`consumption_model`), covered usage is billed at its lower
price and the fee's credit FEE_UTILIZATION_OFFSET takes that much off the fee: what stays on the fee
row is what nobody used. FOCUS wants the fee as a Purchase and covered usage billed 0, so that a
covered row brings two: usage billed 0 with its cost as effective cost, and the part of the fee that
paid for it, a Purchase with an effective cost of 0. A fee row brings what is left of its fee as a
Purchase, and as unused. In the older model covered usage is billed 0 by its credits already; its
share of the fee is its effective cost (`_commitments`), and a row that is covered in part is split.
"""

from connectors.gcp_billing_export._ai_skus import TOKENS
from connectors.gcp_billing_export._columns import (
    CORRECTIONS,
    GOODWILL,
    IS_PROMOTION,
    number,
    sum_of_credits,
    texts,
    whole_number,
)
from connectors.gcp_billing_export._commitments import (
    CHARGED,
    COVERED,
    IS_COVERING,
    IS_OLDER_FEE,
    POOL,
    SHARE,
)

_DEFAULT_MODEL = "7754-699E-0EBF"
# Of two decimals, in whole numbers of 1e-12: a division of decimals is a floating-point one.
_TRILLION = "1000000000000"


def _units(decimal: str) -> str:
    return f"cast({decimal} * {_TRILLION} as hugeint)"


def _decimal(units: str) -> str:
    return f"cast({units} as decimal(38, 0)) * 0.000000000001"


def month_of(column: str) -> str:
    """Return '2026-10' for '202610'."""
    return f"substr({column}, 1, 4) || '-' || substr({column}, 5)"


_LINES = f"""
    select
        *,
        {month_of("invoice_month")} as billing_month,
        cast(cast(usage_start_time as timestamptz) as timestamp) as usage_start,
        cast(cast(usage_end_time as timestamptz) as timestamp) as usage_end,
        -- Google's days and months are those of its own zone.
        strftime(
            timezone('America/Los_Angeles', cast(usage_start_time as timestamptz)), '%Y-%m'
        ) as usage_month,
        list_filter(credits, lambda credit: {IS_PROMOTION}) as promotions,
        exact(cost) + {sum_of_credits()} as net,
        {COVERED} as covered,
        {CHARGED} as charged,
        coalesce(cost_type, 'regular') = 'regular'
            or coalesce(adjustment_info_type in {texts(CORRECTIONS)}, false) as is_regular,
        {IS_OLDER_FEE} as is_older_fee,
        coalesce(
            consumption_model_id <> '{_DEFAULT_MODEL}'
            and consumption_model_description is distinct from 'Default',
            false
        ) as has_commitment_price,
        coalesce(
            len(list_filter(labels, lambda label: label.key = 'goog-originating-sku-id')) > 0
            or len(list_filter(
                credits, lambda credit: credit.type = 'FEE_UTILIZATION_OFFSET'
            )) > 0
            -- A fee that nobody used has neither.
            or (subscription_instance_id is not null and regexp_matches(
                sku_description, '(?i)\\bCUDs?\\b|^commitment|committed use'
            )),
            false
        ) as is_newer_fee,
        invoice_publisher_type is not distinct from 'PARTNER'
            or coalesce(starts_with(transaction_type, 'THIRD_PARTY'), false) as is_marketplace,
        coalesce(regexp_matches(service_description, '(?i)\\bsupport$'), false) as is_support,
        {TOKENS} as tokens
    from raw
"""

_NO_CREDIT = "'amount': null::varchar, 'name': null::varchar"


def _part(name: str) -> str:
    return f"{{'part': '{name}', {_NO_CREDIT}}}"


def _parts(*names: str) -> str:
    return f"[{', '.join(_part(name) for name in names)}]"


# Unnesting keeps the order of rows, a union need not.
_ENTRIES = f"""
    select
        * exclude (promotions),
        unnest(list_concat(
            case
                when not is_regular then {_parts("charge")}
                when is_fee and charged - shared_fee <> 0 then {_parts("fee", "unused")}
                when is_fee then {_parts("fee")}
                when has_commitment_price and charged <> 0 then {_parts("used", "paid")}
                when has_commitment_price then {_parts("used")}
                when covered <> 0 and charged <> 0 then {_parts("covered", "rest")}
                when covered <> 0 then {_parts("covered")}
                else {_parts("charge")}
            end,
            coalesce(list_transform(promotions, lambda credit: {{
                'part': 'promotion',
                'amount': credit.amount,
                'name': coalesce(credit.full_name, credit.name, credit.id)
            }}), [])
        ), max_depth := 2)
    from (
        select
            *,
            if(net = cast(net as decimal(38, 12)), cast(net as decimal(38, 12)), money(net))
                - coalesce(list_sum(list_transform(
                promotions, lambda credit: money(credit.amount)
            )), 0) as main,
            is_older_fee or (is_newer_fee and not has_commitment_price) as is_fee,
            getvariable('pools')[{POOL}] as pool,
            -- A fee of the older model is all shared, or, without covered usage, all unused.
            if(is_older_fee and pool is not null, charged, 0) as shared_fee
        from line
    )
"""

# Of what is covered in part, how much: nine decimals are enough for a quantity.
_FRACTION = f"""
    case
        when part in ('covered', 'rest') and charged <> 0 then cast(
            cast({_units("cast(covered as decimal(38, 12))")} * 1000000000
                // {_units("money(cost)")} as decimal(38, 0)) * 0.000000001::decimal(9, 9)
            as decimal(10, 9)
        )
    end
"""


def _part_of(quantity: str) -> str:
    """Return the part of a quantity that belongs to one of two rows."""
    return f"""case
            when fraction is null then {quantity}
            when part = 'covered' then cast({quantity} * fraction as decimal(38, 12))
            else {quantity} - cast({quantity} * fraction as decimal(38, 12))
        end"""


_SHARE_OF_FEE = f"""coalesce(
                {SHARE}
                + if((x_file, x_row) = (pool.last_file, pool.last_row), pool.left_over, 0), 0
            )"""

_MEASURED = f"""
    select
        *,
        {_FRACTION} as fraction,
        case
            when part in ('used', 'covered', 'unused') then 0
            when part = 'promotion' then money(amount)
            else main
        end as billed,
        case
            when part in ('fee', 'paid') then 0
            when part = 'covered' then {_decimal(_SHARE_OF_FEE)}
            when part = 'promotion' then money(amount)
            else main
        end as effective,
        case
            when part = 'promotion' then 'Credit'
            when part in ('fee', 'paid') then 'Purchase'
            when part in ('used', 'covered', 'rest', 'unused') then 'Usage'
            when cost_type = 'tax' then 'Tax'
            when adjustment_info_type in {texts(GOODWILL)} then 'Credit'
            when not is_regular then 'Adjustment'
            when is_support then 'Purchase'
            else 'Usage'
        end as category,
        part in ('fee', 'paid', 'used', 'unused', 'covered') as is_commitment,
        coalesce(
            subscription_instance_id,
            pool.commitment_id,
            if(has_commitment_price, consumption_model_id, null),
            if(part in ('fee', 'unused'), sku_id, null),
            -- Its fee is in another load.
            list_filter(credits, lambda credit: {IS_COVERING})[1].id,
            'unknown'
        ) as commitment,
        {number("usage_amount")} as usage_quantity,
        {number("usage_amount_in_pricing_units")} as in_pricing_units,
        coalesce(nullif({whole_number("price_pricing_unit_quantity")}, 0), 1) as delivered_block,
        if(tokens is null, delivered_block, 1000000) as block
    from entry
"""


def _rate(rate: str, cost: str) -> str:
    """Return the price of one unit: Google's, where price × quantity is the cost, else a quotient.

    Lines are rounded to six decimals.
    """
    return f"""case
            when {cost} is null
                or abs({rate} * whole_quantity - {cost}) <= 0.000002 + abs({cost}) * 0.00001
                then {rate}
            when {cost} * sign(whole_quantity) > 0
                then {_decimal(f"{_units(cost)} * {_TRILLION} // {_units('whole_quantity')}")}
        end"""


def _price(column: str) -> str:
    """Return a price of the export for the unit of `block`."""
    return f"""case
            when {column} is null then null
            when block = delivered_block then {number(column)}
            else cast({number(column)} * (block // delivered_block) as decimal(38, 12))
        end"""


# A level a step: an alias that is used in its own SELECT is copied wherever it stands, and `money`
# alone uses its argument a dozen times.
_RATED = f"""
    select
        *,
        {_part_of("whole_quantity")} as quantity,
        {_price("effective_price")} as effective_rate,
        {_price("price_list_price")} as list_rate,
        -- The price without a commitment: the cost at it is known, or not compared.
        if(
            has_commitment_price,
            money(cost_at_effective_price_default),
            money(coalesce(cost_at_effective_price_default, cost))
        ) as contracted_line_cost,
        money(cost_at_list) as list_line_cost
    from (
        select
            *,
            case
                when block = 1 then in_pricing_units
                else {_decimal(f"{_units('in_pricing_units')} // block")}
            end as whole_quantity,
            coalesce(price_effective_price_default, price_effective_price) as effective_price
        from measured
    )
"""
_CONTRACTED = f"""
    select *, {_rate("effective_rate", "contracted_line_cost")} as contracted_price from rated
"""
_LISTED = f"""
    select
        *,
        {_rate("coalesce(list_rate, contracted_price)", "list_line_cost")} as list_price
    from contracted
"""
_PRICED = """
    select
        *,
        part in ('charge', 'used', 'covered', 'rest')
            and category in ('Usage', 'Purchase')
            and whole_quantity <> 0
            and contracted_price is not null
            and list_price is not null
            and sku_id is not null as is_priced
    from listed
"""

COSTED = f"""
with line as not materialized ({_LINES}),
entry as not materialized ({_ENTRIES}),
measured as not materialized ({_MEASURED}),
rated as not materialized ({_RATED}),
contracted as not materialized ({_CONTRACTED}),
listed as not materialized ({_LISTED}),
priced as not materialized ({_PRICED})
"""

# One row a delivered row: what the load itself adds up to.
AMOUNTS = """
    select
        left(invoice_month, 4) || '-' || right(invoice_month, 2) as billing_period,
        currency as billing_currency,
        cast(exact(cost) + coalesce(
            list_sum(list_transform(credits, lambda credit: exact(credit.amount))), 0
        ) as varchar) as amount
    from raw
"""
