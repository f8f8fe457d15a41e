"""A map as SQL: its expressions as FOCUS columns, and what follows from them."""

from collections.abc import Mapping

from connectors._base import NO_AMOUNTS, Source
from connectors._sql import quoted
from connectors.invoice_mapping._map import Map
from models.columns import MONEY, QUANTITY, Column
from models.tables import TOKEN_TYPES


def normalize(map_: Map, source: Source) -> Mapping[str, str]:
    """Return the query of the map's table."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    given = _given(map_)
    given.setdefault("billing_account_id", quoted(account))
    given.setdefault("billing_account_name", given["billing_account_id"])
    given.setdefault("service_provider_name", quoted(map_.about_.vendor))
    columns = {
        column.name: _typed(column, given[column.name])
        for column in map_.table.columns
        if column.name in given
    }
    mapped = ",\n        ".join(f"{sql} as {name}" for name, sql in columns.items())
    if map_.charges is None:
        query = _METERED.format(mapped=mapped)
    else:
        query = _CHARGES.format(
            mapped=mapped,
            others=_others(columns),
            vendor=quoted(map_.about_.vendor),
            **{name: _or_null(columns, name) for name in _DERIVED_FROM},
        )
    # What the map says of reading is part of what the rows mean.
    return {map_.table.name: f"/* map {map_.digest} */ {query}"}


def amounts(map_: Map) -> str:
    """Return the query of what the delivery itself adds up to."""
    if map_.charges is None:
        return NO_AMOUNTS
    given = _given(map_)
    return (
        f"select {given['billing_currency']} as billing_currency, "
        f"cast({given['billed_cost']} as varchar) as amount from raw"
    )


def _given(map_: Map) -> dict[str, str]:
    constants = {name: quoted(text) for name, text in map_.constants.items()}
    return constants | {name: f"({text})" for name, text in map_.columns.items()}


def _typed(column: Column, sql: str) -> str:
    """Money and quantities come as the vendor's text; so do instants, in UTC."""
    if column.name in _ALLOWED:
        return _one_of(column.name, f"nullif(cast({sql} as varchar), '')")
    if column.type == MONEY and column.name != "pricing_quantity":
        return f"money({sql})" if column.name not in _QUANTITIES else f"cast({sql} as {QUANTITY})"
    if column.type == "bigint":
        return f"cast(cast({sql} as decimal(38, 6)) as bigint)"
    if column.type == "varchar":
        return f"nullif(cast({sql} as varchar), '')"
    return f"cast({sql} as {column.type})"


def _one_of(name: str, sql: str) -> str:
    """A word that FOCUS or the ledger does not know is an error that shows it."""
    words = ", ".join(quoted(word) for word in _ALLOWED[name])
    said = quoted(f"; allowed: {', '.join(_ALLOWED[name])}")
    return (
        f"case when {sql} is null or {sql} in ({words}) then {sql} else error("
        f"concat('file ', x_file, ', row ', x_row, ': {name} is ', {sql}, {said})) end"
    )


_ALLOWED: dict[str, tuple[str, ...]] = {
    "service_category": (
        "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases",
        "Developer Tools", "Identity", "Integration", "Internet of Things",
        "Management and Governance", "Media", "Migration", "Mobile", "Multicloud", "Networking",
        "Other", "Security", "Storage", "Web",
    ),
    "charge_frequency": ("One-Time", "Recurring", "Usage-Based"),
    "pricing_category": ("Standard", "Dynamic", "Committed", "Other"),
    "x_charge_kind": ("tokens", "capacity"),
    "x_token_type": TOKEN_TYPES,
    "x_finality": ("final", "provisional"),
}  # fmt: skip
_QUANTITIES = {"pricing_quantity", "consumed_quantity", "commitment_discount_quantity"}


def _or_null(columns: Mapping[str, str], name: str) -> str:
    return name if name in columns else "null"


def _others(columns: Mapping[str, str]) -> str:
    """What the map says and nothing follows from, but for usage only where it is about usage."""
    lines = []
    for name in columns:
        if name in _WRITTEN:
            continue
        lines.append(f"if(is_usage, {name}, null) as {name}" if name in _OF_USAGE else name)
    return "".join(f"    {line},\n" for line in lines)


# A tax or a credit has no SKU, no quantity and no users of its own.
_OF_USAGE = {
    "sku_id", "x_charge_kind", "x_model", "x_token_type", "x_billed_milliseconds",
    "x_gpu_count", "commitment_discount_quantity", "commitment_discount_unit",
}  # fmt: skip
# Columns that the query below writes itself.
_WRITTEN = {
    "billed_cost", "effective_cost", "list_cost", "contracted_cost", "list_unit_price",
    "contracted_unit_price", "pricing_category", "pricing_currency", "pricing_quantity",
    "pricing_unit", "consumed_quantity", "consumed_unit", "charge_frequency",
    "billing_account_type", "invoice_issuer_name", "provider_name", "publisher_name",
    "sku_price_id", "sku_price_details", "sub_account_name", "sub_account_type", "resource_type",
    "service_subcategory", "sku_meter", "x_line_item_type",
    "pricing_currency_effective_cost", "pricing_currency_list_unit_price",
    "pricing_currency_contracted_unit_price",
}  # fmt: skip
_DERIVED_FROM = (
    "effective_cost", "list_unit_price", "contracted_unit_price", "pricing_quantity",
    "pricing_unit", "pricing_category", "consumed_quantity", "consumed_unit", "charge_frequency",
    "invoice_issuer_name", "provider_name", "publisher_name", "sku_id", "sku_price_id",
    "sku_price_details", "sub_account_id", "sub_account_name", "sub_account_type", "resource_id",
    "resource_type", "service_subcategory", "sku_meter", "x_line_item_type", "x_charge_kind",
    "x_model", "x_gpu_count", "billing_account_type",
)  # fmt: skip

_CHARGES = """
with mapped as (
    select
        {mapped},
        charge_kind,
        charge_kind in ('Usage', 'Purchase', 'Refund') as is_usage,
        x_billing_period,
        x_file,
        x_row,
        x_part
    from raw
),

-- A row that says how much of what was used has a unit price, its own or cost by quantity.
measured as (
    select
        *,
        is_usage and billed_cost >= 0 and {pricing_quantity} > 0 and {sku_id} is not null
            as has_price,
        if(has_price, cast(round({pricing_quantity}, 6) as decimal(38, 12)), null) as quantity
    from mapped
),

priced as (
    select
        *,
        if(
            has_price and quantity > 0,
            coalesce(_fitting({list_unit_price}, quantity), _price_of(billed_cost, quantity)),
            null
        ) as price,
        _is_priceable(price, quantity) as is_priced,
        if(is_priced, price, null) as list_price,
        if(is_priced, coalesce(_fitting({contracted_unit_price}, quantity), price), null)
            as contracted_price,
        coalesce(_product(list_price, quantity), billed_cost) as list_amount,
        coalesce(_product(contracted_price, quantity), billed_cost) as contracted_amount,
        coalesce({effective_cost}, billed_cost) as effective_amount
    from measured
)

select
{others}    billing_period_start(x_billing_period) as billing_period_start,
    billing_period_end(x_billing_period) as billing_period_end,
    x_billing_period,
    coalesce({billing_account_type}, 'Account') as billing_account_type,
    -- The category of what is paid back is that of what was charged.
    if(charge_kind = 'Refund', 'Usage', charge_kind) as charge_category,
    coalesce({charge_frequency}, if(charge_kind = 'Purchase', 'One-Time', 'Usage-Based'))
        as charge_frequency,
    billed_cost,
    effective_amount as effective_cost,
    list_amount as list_cost,
    contracted_amount as contracted_cost,
    list_price as list_unit_price,
    contracted_price as contracted_unit_price,
    if(is_priced, coalesce({pricing_category}, 'Standard'), null) as pricing_category,
    billing_currency as pricing_currency,
    effective_amount as pricing_currency_effective_cost,
    list_price as pricing_currency_list_unit_price,
    contracted_price as pricing_currency_contracted_unit_price,
    if(is_priced, quantity, null) as pricing_quantity,
    if(is_priced, {pricing_unit}, null) as pricing_unit,
    if(is_priced and charge_kind = 'Usage', coalesce({consumed_quantity}, quantity), null)
        as consumed_quantity,
    if(
        is_priced and charge_kind = 'Usage',
        if({consumed_quantity} is null, {pricing_unit}, {consumed_unit}),
        null
    ) as consumed_unit,
    coalesce({invoice_issuer_name}, {vendor}) as invoice_issuer_name,
    coalesce({provider_name}, {vendor}) as provider_name,
    coalesce({publisher_name}, {vendor}) as publisher_name,
    if(
        is_priced, coalesce({sku_price_id}, {sku_id} || '-' || lower(billing_currency)), null
    ) as sku_price_id,
    if(
        is_priced,
        coalesce(
            {sku_price_details},
            case
                when {x_charge_kind} = 'tokens' and {x_model} is not null
                    then json_object('x_ModelId', {x_model})
                when {x_gpu_count} is not null then json_object('GpuCount', {x_gpu_count})
            end
        ),
        null
    ) as sku_price_details,
    coalesce({service_subcategory}, 'Other (' || service_category || ')') as service_subcategory,
    if(is_usage and {sku_id} is not null, coalesce({sku_meter}, 'Usage'), null) as sku_meter,
    coalesce({sub_account_name}, {sub_account_id}) as sub_account_name,
    if({sub_account_id} is null, null, coalesce({sub_account_type}, 'Project')) as sub_account_type,
    if({resource_id} is null, null, coalesce({resource_type}, 'Resource')) as resource_type,
    coalesce({x_line_item_type}, if(charge_kind = 'Refund', 'Refund', null)) as x_line_item_type,
    x_file,
    x_row
from priced
order by x_file, x_row, x_part
"""

_METERED = """
select
    * exclude (x_part)
from (
    select
        {mapped},
        x_billing_period,
        x_file,
        x_row,
        x_part
    from raw
)
order by x_file, x_row, x_part
"""
