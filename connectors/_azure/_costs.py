"""Lines of Microsoft's own datasets with what they cost in FOCUS's four ways.

**Two datasets, one bill.** The actual dataset has what is invoiced: purchases of reservations and
savings plans, and usage that they cover at 0. The amortized one has the same usage at what it used
of them, and what nobody used, but no purchases. With both, the lines are all of the amortized
dataset (billed 0 where a commitment covers them) and the actual one's commitment purchases and
refunds (effective 0). Read whole, both together would count all other usage twice.

With one alone, billed and effective cost are both what that one says: of the actual dataset, usage
under a commitment is 0 and nobody knows what was unused; of the amortized, purchases are missing.

`AMOUNTS` is written apart: what the actual dataset says, if it is there, line by line.
"""

from collections.abc import Mapping

from connectors._azure._meters import DEPLOYMENT, IS_PROVISIONED, MODEL, TIER, TOKEN_TYPE, WORDS
from connectors._azure._services import UNITS
from connectors._sql import quoted


def names(table: Mapping[str, object]) -> str:
    """Return a map literal of texts or numbers: a join would not keep the order of rows."""
    entries = (
        f"{quoted(key)}: {quoted(value) if isinstance(value, str) else value}"
        for key, value in table.items()
    )
    return f"map {{{', '.join(entries)}}}"


def braced(column: str) -> str:
    """Return a JSON object's text, which EA writes without its braces; NULL where it is none."""
    text = f"trim({column})"
    whole = f"if(starts_with({text}, '{{'), {text}, '{{' || {text} || '}}')"
    return f"case when {text} <> '' and json_valid({whole}) then {whole} end"


_COMMITMENTS = "('Reservation', 'SavingsPlan')"

_LINES = f"""
    select
        * exclude (date, billing_period_start_date, pricing_model, charge_type, frequency),
        date_trunc('day', cast(cast(date as timestamptz) as timestamp)) as day,
        coalesce(
            cast(cast(billing_period_start_date as timestamptz) as timestamp), day
        ) as period_start,
        replace(pricing_model, ' ', '') as pricing_model,
        replace(coalesce(charge_type, 'Usage'), ' ', '') as charge_type,
        replace(frequency, '-', '') as frequency,
        {braced("additional_info")} as info,
        charge_type like 'Unused%' as is_unused,
        is_unused or pricing_model in {_COMMITMENTS} as has_commitment,
        has_commitment and charge_type in ('Purchase', 'Refund') as is_commitment_fee
    from raw
    where dataset = 'amortized'
        or not getvariable('has_both_datasets')
        or (
            charge_type in ('Purchase', 'Refund')
            and replace(pricing_model, ' ', '') in {_COMMITMENTS}
        )
"""

# "100 Hours", "1 GB/Month", "10K": a number of units, and their name.
_UNIT = """
        trim(coalesce(unit_of_measure, '')) as measure,
        regexp_matches(measure, '^[0-9,]+\\s*[KkM](\\s|/|$)') as is_short,
        coalesce(
            try_cast(replace(regexp_extract(measure, '^[0-9,]+'), ',', '') as bigint), 1
        ) * case
            when not is_short then 1
            when regexp_matches(measure, '^[0-9,]+\\s*M') then 1000000
            else 1000
        end as block,
        trim(regexp_replace(
            measure, if(is_short, '^[0-9,]+\\s*[KkM]', '^[0-9,]+'), ''
        )) as unit_words
"""

_MEASURED = f"""
    select
        *,
        {_UNIT},
        coalesce({names(UNITS)}[lower(unit_words)], unit_words) as unit,
        money(cost) as amount,
        case
            when not getvariable('has_both_datasets') then amount
            when has_commitment and not is_commitment_fee then 0
            else amount
        end as billed,
        if(is_commitment_fee and getvariable('has_both_datasets'), 0, amount) as effective,
        case
            when charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') then 'Usage'
            when charge_type in ('Purchase', 'Refund') then 'Purchase'
            when charge_type in ('Tax', 'Credit') then charge_type
            else 'Adjustment'
        end as category,
        coalesce(
            service_family = 'AI + Machine Learning'
            or meter_category in ('Cognitive Services', 'Foundry Models', 'Foundry Tools'),
            false
        ) as is_ai,
        {WORDS} as words
    from line
"""

# Most rows count blocks: 0.0004 of "10K" at the price of 10K. Some count single units, at the
# price of one, beside the unit price of a block; there the two prices are a block apart.
_METERED = f"""
    select
        *,
        {TOKEN_TYPE} as x_token_type,
        {MODEL} as x_model,
        {DEPLOYMENT} as deployment,
        {TIER} as tier,
        {IS_PROVISIONED} as is_provisioned,
        coalesce(
            block > 1 and not has_commitment and money(effective_price) > 0
            and money(unit_price) >= money(effective_price) * cast(block as decimal(12, 0)) * 0.9,
            false
        ) as counts_single_units,
        money(quantity) as stated_quantity,
        case when counts_single_units
            then cast(
                cast(stated_quantity * 1000000000000 as hugeint) // block as decimal(38, 0)
            ) * 0.000000000001
            else stated_quantity
        end as blocks,
        cast(if(
            counts_single_units, stated_quantity, stated_quantity * cast(block as decimal(12, 0))
        ) as decimal(38, 12)) as units,
        -- Tokens are priced by the million, whatever the meter counts.
        x_token_type is not null and block = 1000 as is_by_thousand,
        if(is_by_thousand, cast(blocks * 0.001 as decimal(38, 12)), blocks) as priced_quantity,
        case
            when pricing_currency is null or pricing_currency = billing_currency then 1
            else money(exchange_rate_pricing_to_billing)
        end as rate,
        coalesce(nullif(money(unit_price), 0), money(effective_price)) * if(is_by_thousand, 1000, 1)
            as agreed_price,
        coalesce(nullif(money(pay_g_price), 0) * if(is_by_thousand, 1000, 1), agreed_price)
            as public_price,
        money(agreed_price::decimal(20, 12) * rate::decimal(18, 12)) as agreed,
        money(public_price::decimal(20, 12) * rate::decimal(18, 12)) as public
    from measured
"""

_COSTED = """
    select
        *,
        case when category in ('Usage', 'Purchase', 'Adjustment')
            then coalesce(product_id, part_number, meter_id)
        end as sku,
        -- Without a price that multiplies to a cost there is none; an unused share has none.
        category in ('Usage', 'Purchase') and not is_unused and sku is not null
            and priced_quantity is not null and agreed >= 0 and public >= 0 as is_priced,
        if(is_priced, money(agreed * priced_quantity), null) as agreed_cost,
        if(is_priced, money(public * priced_quantity), null) as public_cost
    from metered
"""

COSTED = f"""
with line as not materialized ({_LINES}),
measured as not materialized ({_MEASURED}),
metered as not materialized ({_METERED}),
costed as not materialized ({_COSTED})
"""

# One row a delivered row: what the delivery itself adds up to.
AMOUNTS = """
    select
        upper(billing_currency) as billing_currency,
        if(dataset = 'amortized' and getvariable('has_both_datasets'), '0', cost) as amount
    from raw
"""
