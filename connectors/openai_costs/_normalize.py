"""OpenAI's words as FOCUS columns.

A line item reads `gpt-5-mini, cached input`: a model's label and, after the last comma, a meter.
Before it a tier may stand (`priority | …`), after the label a modality (`… audio, input`), and
after the meter `, long context`. Line items that are no model's (`web search tool calls`) and
meters that no bucket of tokens fits (image tokens, cached audio) are charges without a token type.

Unit prices are not on the bill. The price of a row is its cost divided by its quantity, with six
decimals, and list and contracted cost are exactly price × quantity; billed cost is the vendor's.
"""

from collections.abc import Mapping

from connectors._base import Source
from connectors._sql import quoted
from connectors.openai_costs._pages import USAGE_COUNTS
from connectors.openai_costs._usage import BUCKET_TIMES, TOKEN_USAGE_SQL

_MILLIONTH = "0.000001"
# Of the vendor's unit: the FOCUS unit, how many of it one is, the unit that is priced, and how many
# of that one FOCUS unit is.
QUANTITY_UNITS = {
    "tokens": ("Tokens", "1", "1000000 Tokens", _MILLIONTH),
    "1000_tokens": ("Tokens", "1000", "1000000 Tokens", _MILLIONTH),
    "duration_seconds": ("Seconds", "1", "Seconds", "1"),
    "duration_minutes": ("Minutes", "1", "Minutes", "1"),
    "duration_hours": ("Hours", "1", "Hours", "1"),
    "gibibyte_hours": ("GiB-Hours", "1", "GiB-Hours", "1"),
    "images": ("Images", "1", "Images", "1"),
    "characters": ("Characters", "1", "1000000 Characters", _MILLIONTH),
}

# A meter, with the modality before it where the label names one, as a regular expression.
_TOKEN_TYPES = {
    "(text )?input": ("uncached_input", "Input Tokens", "Input", "Uncached"),
    "(text )?cached( text)? input": ("cache_read", "Cache Read Input Tokens", "Input", "Read"),
    "(text )?cache writes?( input)?( 30m)?": (
        "cache_write_5m", "Cache Write Input Tokens", "Input", "Write",
    ),
    "(text )?cache writes?( input)? 12h": (
        "cache_write_1h", "Long Cache Write Input Tokens", "Input", "Write",
    ),
    "(text )?output": ("output", "Output Tokens", "Output", None),
    "audio input": ("audio_input", "Audio Input Tokens", "Input", "Uncached"),
    "audio output": ("audio_output", "Audio Output Tokens", "Output", None),
}  # fmt: skip

AMOUNTS = """
    select upper(amount_currency) as billing_currency, amount_value as amount from costs
"""


def normalize(source: Source) -> Mapping[str, str]:
    """Return the queries of charges and token usage."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    return {
        "charges": _CHARGES.format(
            account=quoted(account), units=_units(), meters=_meters(), buckets=BUCKET_TIMES
        ),
        "token_usage": TOKEN_USAGE_SQL.format(
            counts=", ".join(f"cast({name} as bigint) as {name}" for name in USAGE_COUNTS),
            buckets=BUCKET_TIMES,
        ),
    }


def _units() -> str:
    rows = (
        f"({quoted(unit)}, {quoted(focus_unit)}, {factor}, {quoted(pricing_unit)}, "
        f"cast({pricing_units} as decimal(7, 6)))"
        for unit, (focus_unit, factor, pricing_unit, pricing_units) in QUANTITY_UNITS.items()
    )
    names = "vendor_unit, focus_unit, factor, pricing_unit, pricing_units"
    return f"(values {', '.join(rows)}) as units({names})"


def _meters() -> str:
    rows = (
        f"({', '.join('null' if text is None else quoted(text) for text in (pattern, *names))})"
        for pattern, names in _TOKEN_TYPES.items()
    )
    return (
        f"(values {', '.join(rows)}) "
        "as meters(pattern, token_type, token_meter, token_direction, token_cache_action)"
    )


_CHARGES = """
-- A bill has few line items and many rows: each is taken apart once.
with parts as (
    select
        line_item,
        regexp_extract(
            replace(line_item, ', long context', ''),
            '^(?:([A-Za-z0-9_-]+) [|] )?(.*), ([^,]+)$',
            ['tier', 'label', 'meter']
        ) as part
    from (select distinct line_item from costs where line_item <> '')
),

items as (
    select
        line_item,
        nullif(part.tier, '') as tier,
        nullif(regexp_replace(part.label, ' (text|audio|image)$', ''), '') as model,
        trim(
            regexp_extract(part.label, ' (text|audio|image)$', 1) || ' '
            || regexp_replace(replace(lower(part.meter), '_', ' '), ' tokens$', '')
        ) as meter,
        trim(regexp_replace(lower(line_item), '[^a-z0-9.]+', '-', 'g'), '-') as sku,
        regexp_matches(lower(line_item), 'credit|grant|promo') as names_credit
    from parts
),

metered as (
    select items.*, meters.* exclude (pattern)
    from items
    left join {meters} on regexp_full_match(items.meter, meters.pattern)
),

typed as (
    select
        * exclude (line_item, project_id, api_key_id, quantity),
        nullif(line_item, '') as line_item,
        nullif(project_id, '') as project_id,
        nullif(api_key_id, '') as api_key_id,
        money(amount_value) as amount,
        cast(nullif(quantity, '') as decimal(38, 12)) as quantity,
        {buckets}
    from costs
),

-- What is taken back from a line item is usage of it, with its sign; a credit says so, or says
-- nothing. Only usage has quantities; without a unit the vendor says that no single one fits.
measured as (
    select
        typed.*,
        metered.* exclude (line_item, token_type),
        coalesce(units.focus_unit, nullif(typed.quantity_unit, '')) as unit,
        coalesce(units.pricing_unit, nullif(typed.quantity_unit, '')) as priced_unit,
        projects.name as project_name,
        typed.amount < 0 and coalesce(metered.names_credit, true) as is_credit,
        if(is_credit or unit is null, null, typed.quantity * coalesce(units.factor, 1))
            as consumed,
        cast(consumed * coalesce(units.pricing_units, 1.000000) as decimal(20, 6)) as priced,
        if(is_credit or unit <> 'Tokens', null, metered.token_type) as token_type
    from typed
    left join metered on typed.line_item = metered.line_item
    left join {units} on typed.quantity_unit = units.vendor_unit
    left join projects on typed.project_id = projects.id
),

-- cost / quantity, rounded, in whole numbers: a division of decimals would be a floating-point one.
priced as (
    select
        *,
        cast(amount * 1000000000000 as hugeint) as cost_units,
        cast(priced * 1000000 as hugeint) as quantity_units,
        if(
            quantity_units > 0 and cost_units >= 0,
            try_cast((2 * cost_units + quantity_units) // (2 * quantity_units) as decimal(18, 0))
            * 0.000001::decimal(6, 6),
            null
        ) as unit_price,
        coalesce(cast(unit_price as decimal(18, 6)) * priced, amount) as cost_at_unit_price
    from measured
)

select
    {account} as billing_account_id,
    {account} as billing_account_name,
    'Organization' as billing_account_type,
    upper(amount_currency) as billing_currency,
    billing_period_start(billing_month) as billing_period_start,
    billing_period_end(billing_month) as billing_period_end,
    bucket_start as charge_period_start,
    bucket_end as charge_period_end,
    if(is_credit, 'Credit', 'Usage') as charge_category,
    coalesce(line_item, 'All line items together') as charge_description,
    'Usage-Based' as charge_frequency,
    amount as billed_cost,
    amount as effective_cost,
    cost_at_unit_price as list_cost,
    cost_at_unit_price as contracted_cost,
    unit_price as list_unit_price,
    unit_price as contracted_unit_price,
    case when consumed is not null then 'Standard' end as pricing_category,
    upper(amount_currency) as pricing_currency,
    amount as pricing_currency_effective_cost,
    unit_price as pricing_currency_list_unit_price,
    unit_price as pricing_currency_contracted_unit_price,
    priced as pricing_quantity,
    if(priced is null, null, priced_unit) as pricing_unit,
    consumed as consumed_quantity,
    case when consumed is not null then unit end as consumed_unit,
    'OpenAI' as invoice_issuer_name,
    'OpenAI' as provider_name,
    'OpenAI' as publisher_name,
    'OpenAI' as service_provider_name,
    'OpenAI' as host_provider_name,
    'AI and Machine Learning' as service_category,
    'Generative AI' as service_subcategory,
    'OpenAI API' as service_name,
    sku as sku_id,
    if(sku is null, null, coalesce(token_meter, nullif(meter, ''), line_item)) as sku_meter,
    case when consumed is not null then sku || '-' || lower(amount_currency) end as sku_price_id,
    case when consumed is not null and sku is not null then json_merge_patch('{{}}', json_object(
        'x_ModelDeveloper', if(model is null, null, 'OpenAI'),
        'x_ModelId', model,
        'x_TokenDirection', token_direction,
        'x_TokenCacheAction', token_cache_action,
        'x_ServiceTier', tier
    )) end as sku_price_details,
    project_id as sub_account_id,
    coalesce(project_name, project_id) as sub_account_name,
    if(project_id is null, null, 'Project') as sub_account_type,
    billing_month as x_billing_period,
    if(token_type is null, null, 'tokens') as x_charge_kind,
    line_item as x_usage_type,
    model as x_model,
    token_type as x_token_type,
    tier as x_service_tier,
    api_key_id as x_api_key_id,
    x_file,
    x_row
from priced
order by x_file, x_row
"""

# What the API calls input includes what was read from and written to the cache; audio is within it
# and within output. Newer fields are absent from older buckets: they follow from the others.
