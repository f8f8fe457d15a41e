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

# Each step names what it computes, for the next to use: an alias used within its own step would be
# computed anew wherever it stands.
_LINES = f"""
    select
        * exclude (
            date, billing_period_start_date, billing_period_end_date, pricing_model, charge_type,
            frequency, billing_currency, pricing_currency
        ),
        upper(billing_currency) as billing_currency,
        coalesce(upper(pricing_currency), upper(billing_currency)) as pricing_currency,
        date_trunc('day', cast(cast(date as timestamptz) as timestamp)) as day,
        cast(cast(billing_period_start_date as timestamptz) as timestamp) as stated_period_start,
        replace(pricing_model, ' ', '') as pricing_model,
        replace(coalesce(charge_type, 'Usage'), ' ', '') as charge_type,
        replace(frequency, '-', '') as frequency,
        {braced("additional_info")} as info,
        trim(coalesce(unit_of_measure, '')) as measure,
        {WORDS} as words,
        money(cost) as amount,
        cast(cost_in_pricing_currency as decimal(38, 12)) as amount_in_pricing_currency,
        cast(exchange_rate_pricing_to_billing as decimal(38, 12)) as exchange_rate,
        cast(quantity as decimal(38, 12)) as stated_quantity,
        cast(effective_price as decimal(38, 12)) as effective_price_stated,
        cast(unit_price as decimal(38, 12)) as unit_price_stated,
        cast(pay_g_price as decimal(38, 12)) as public_price_stated
    from raw
"""

# "100 Hours", "1 GB/Month", "10K": a number of units, and their name.
_KINDS = f"""
    select
        *,
        coalesce(stated_period_start, day) as period_start,
        charge_type like 'Unused%' as is_unused,
        charge_type like 'Unused%' or coalesce(pricing_model in {_COMMITMENTS}, false)
            as has_commitment,
        charge_type in ('Purchase', 'Refund') and coalesce(pricing_model in {_COMMITMENTS}, false)
            as is_commitment_fee,
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
        regexp_extract(measure, '^[0-9,]+') as digits,
        regexp_extract(measure, '^[0-9,]+\\s*([KkM])(\\s|/|$)', 1) as thousands,
        if(pricing_currency = billing_currency, 1, exchange_rate)::decimal(18, 12) as rate
    from line
"""

_MEASURED = """
    select
        *,
        coalesce(try_cast(replace(digits, ',', '') as bigint), 1)
            * case thousands when '' then 1 when 'M' then 1000000 else 1000 end as block,
        trim(regexp_replace(
            measure, if(thousands = '', '^[0-9,]+', '^[0-9,]+\\s*[KkM]'), ''
        )) as unit_words,
        case
            when getvariable('has_both_datasets') and has_commitment and not is_commitment_fee
                then 0
            else amount
        end as billed,
        if(is_commitment_fee and getvariable('has_both_datasets'), 0, amount) as effective
    from kind
    where dataset = 'amortized' or is_commitment_fee or not getvariable('has_both_datasets')
"""

_TYPED = f"""
    select
        *,
        coalesce({names(UNITS)}[lower(unit_words)], unit_words) as unit,
        {TOKEN_TYPE} as x_token_type,
        {DEPLOYMENT} as deployment,
        {IS_PROVISIONED} as is_provisioned,
        -- Most rows count blocks: 0.0004 of "10K" at the price of 10K. Some count single units, at
        -- the price of one, beside the unit price of a block: the two prices are a block apart.
        coalesce(
            block > 1 and not has_commitment and effective_price_stated > 0
            and unit_price_stated >= effective_price_stated * cast(block as decimal(12, 0)) * 0.9,
            false
        ) as counts_single_units
    from measured
"""

# Tokens are priced by the million, whatever the meter counts.
_METERED = f"""
    select
        *,
        {MODEL} as x_model,
        {TIER} as tier,
        if(x_token_type is not null and block = 1000, 1000, 1) as per_price,
        case when counts_single_units
            then cast(
                cast(stated_quantity * 1000000000000 as hugeint) // block as decimal(38, 0)
            ) * 0.000000000001
            else stated_quantity
        end as blocks,
        cast(
            stated_quantity * if(counts_single_units, 1, block)::decimal(12, 0) as decimal(38, 12)
        ) as units,
        coalesce(nullif(unit_price_stated, 0), effective_price_stated) as agreed_price_stated
    from typed
"""

_PRICED = """
    select
        *,
        cast(blocks * if(per_price = 1000, 0.001, 1)::decimal(4, 3) as decimal(38, 12))
            as priced_quantity,
        cast(agreed_price_stated as decimal(20, 12)) * per_price::decimal(4, 0) as agreed_price,
        cast(coalesce(nullif(public_price_stated, 0), agreed_price_stated) as decimal(20, 12))
            * per_price::decimal(4, 0) as public_price,
        case when category in ('Usage', 'Purchase', 'Adjustment')
            then coalesce(product_id, part_number, meter_id)
        end as sku
    from metered
"""

_CONVERTED = """
    select
        *,
        agreed_price::decimal(20, 12) * rate as agreed_exact,
        public_price::decimal(20, 12) * rate as public_exact
    from priced
"""

_ROUNDED = """
    select
        *,
        cast(agreed_exact as decimal(38, 12)) as agreed,
        cast(public_exact as decimal(38, 12)) as public
    from converted
"""

# Without a price that multiplies to a cost there is none; an unused share has none.
_COSTED = """
    select
        *,
        coalesce(
            category in ('Usage', 'Purchase') and not is_unused and sku is not null
            and priced_quantity is not null and agreed >= 0 and public >= 0,
            false
        ) as is_priced,
        cast(agreed * priced_quantity as decimal(38, 12)) as agreed_cost,
        cast(public * priced_quantity as decimal(38, 12)) as public_cost
    from rounded
"""

_STEPS = {
    "line": _LINES,
    "kind": _KINDS,
    "measured": _MEASURED,
    "typed": _TYPED,
    "metered": _METERED,
    "priced": _PRICED,
    "converted": _CONVERTED,
    "rounded": _ROUNDED,
    "costed": _COSTED,
}


def steps(queries: Mapping[str, str]) -> str:
    """Return a WITH clause of queries that use one another."""
    return "with " + ",\n".join(
        f"{name} as not materialized ({query})" for name, query in queries.items()
    )


COSTED = steps(_STEPS)

# One row a delivered row: what the delivery itself adds up to.
AMOUNTS = """
    select
        upper(billing_currency) as billing_currency,
        if(dataset = 'amortized' and getvariable('has_both_datasets'), '0', cost) as amount
    from raw
"""
