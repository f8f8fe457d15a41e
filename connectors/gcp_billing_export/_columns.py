"""The columns of the export that charges are made of, nested as BigQuery has them."""

from collections.abc import Mapping

from connectors._base import InputColumn, Kind
from connectors._sql import quoted

COST_TYPES = ("regular", "tax", "adjustment", "rounding_error")
# An incentive that stands by itself; all other credits lower the price of their own row.
PROMOTIONS = ("PROMOTION", "CREDIT_TYPE_UNSPECIFIED")
# What the older model of commitments takes off covered usage: its fee is billed on rows of its own.
COVERING = ("COMMITTED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE")
CREDIT_TYPES = (
    *PROMOTIONS,
    *COVERING,
    "DISCOUNT",
    "FEE_UTILIZATION_OFFSET",
    "FREE_TIER",
    "RESELLER_MARGIN",
    "SPENDING_BASED_DISCOUNT",
    "SUBSCRIPTION_BENEFIT",
    "SUSTAINED_USAGE_DISCOUNT",
)
CORRECTIONS = ("USAGE_CORRECTION", "PRICE_CORRECTION", "METADATA_CORRECTION")
GOODWILL = ("GOODWILL", "SALES_BASED_GOODWILL", "SLA_VIOLATION")
ADJUSTMENT_TYPES = (
    *CORRECTIONS,
    *GOODWILL,
    "ACCOUNT_CLOSURE",
    "BALANCE_TRANSFER",
    "GENERAL_ADJUSTMENT",
)

# Path in the table, kind; a repeated record's fields are in LISTS.
PATHS: Mapping[str, Kind] = {
    "billing_account_id": "text",
    "invoice.month": "text",
    "invoice.publisher_type": "text",
    "cost_type": "text",
    "service.id": "text",
    "service.description": "text",
    "sku.id": "text",
    "sku.description": "text",
    "usage_start_time": "time",
    "usage_end_time": "time",
    "project.id": "text",
    "project.name": "text",
    "location.region": "text",
    "location.zone": "text",
    "resource.name": "text",
    "resource.global_name": "text",
    "price.effective_price": "money",
    "price.effective_price_default": "money",
    "price.list_price": "money",
    "price.tier_start_amount": "quantity",
    "price.pricing_unit_quantity": "quantity",
    "transaction_type": "text",
    "seller_name": "text",
    "subscription.instance_id": "text",
    "cost": "money",
    "cost_at_list": "money",
    "cost_at_effective_price_default": "money",
    "currency": "text",
    "currency_conversion_rate": "quantity",
    "usage.amount": "quantity",
    "usage.unit": "text",
    "usage.amount_in_pricing_units": "quantity",
    "usage.pricing_unit": "text",
    "adjustment_info.id": "text",
    "adjustment_info.type": "text",
    "consumption_model.id": "text",
    "consumption_model.description": "text",
}
LISTS: Mapping[str, tuple[str, ...]] = {
    "credits": ("id", "full_name", "type", "name", "amount"),
    "labels": ("key", "value"),
    "system_labels": ("key", "value"),
    "project.labels": ("key", "value"),
    "tags": ("namespace", "key", "value"),
}
_REQUIRED = {
    "billing_account_id", "invoice.month", "service.description", "sku.description",
    "usage_start_time", "usage_end_time", "cost", "currency",
}  # fmt: skip
_ALLOWED = {"cost_type": COST_TYPES, "adjustment_info.type": ADJUSTMENT_TYPES}


def column(path: str) -> str:
    """Return the name of a path as a column."""
    return path.replace(".", "_")


ROW_COLUMNS = tuple(
    InputColumn(column(path), kind, path in _REQUIRED, _ALLOWED.get(path, ()))
    for path, kind in PATHS.items()
)
# One row a credit: to refuse one that nobody knows, or that is no number.
CREDIT_COLUMNS = (
    InputColumn("credit_type", "text", True, CREDIT_TYPES),
    InputColumn("credit_amount", "money", True),
)


def sum_of_credits(condition: str = "true") -> str:
    """Return the SQL of what a row's credits add up to, of those that fulfil a condition."""
    return f"""coalesce(list_sum(list_transform(
        list_filter(credits, lambda credit: {condition}), lambda credit: exact(credit.amount)
    )), 0)"""


def texts(values: tuple[str, ...]) -> str:
    """Return an SQL list of strings, for `in`."""
    return f"({', '.join(map(quoted, values))})"


IS_PROMOTION = f"credit.type in {texts(PROMOTIONS)}"


def number(column: str) -> str:
    """Return the SQL of a quantity or price as decimal(38, 12).

    DuckDB reads texts into 64 bits a hundred times as fast as into 128: most fit, in one of the
    three ways, which differ in how many digits stand before and after the point.
    """
    before = f"strpos({column} || '.', '.')"
    after = f"length({column}) - strpos({column} || '.', '.')"
    tiers = ((13, 6), (7, 12), (18, 1))
    fits = "\n".join(
        f"            when {before} < {most} and {after} <= {decimals}\n"
        f"                then cast(cast({column} as decimal(18, {decimals})) as decimal(38, 12))"
        for most, decimals in tiers
    )
    return f"""case
            -- 6e-14 would be read as 1e-12.
            when contains(lower({column}), 'e-')
                then cast(cast({column} as decimal(38, 24)) as decimal(38, 12))
            when contains(lower({column}), 'e') then cast({column} as decimal(38, 12))
{fits}
            else cast({column} as decimal(38, 12))
        end"""


def whole_number(column: str) -> str:
    """Return the SQL of a number as bigint: of those that have no decimals but zeros."""
    return f"cast(cast({column} as double) as bigint)"
