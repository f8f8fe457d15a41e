"""Columns of the legacy report as those of CUR 2.0: lineItem/UsageAmount, line_item_usage_amount.

AWS derives its Parquet names from the headers of its csv by one rule, and CUR 2.0's from those.
What CUR 2.0 has in maps are columns here: attributes of products, tags, cost categories.
"""

import re
from collections.abc import Iterable, Sequence

from connectors._aws.rows import KINDS, Field
from connectors._sql import quoted

# The product attributes that charges are made of.
_PRODUCT = (
    "gpu",
    "memory",
    "operating_system",
    "physical_gpu",
    "product_name",
    "region",
    "region_code",
    "vcpu",
)
_TAG = re.compile(r"resourceTags/|resource_tags_")
_CATEGORY = re.compile(r"costCategory/|cost_category_")


def parquet_name(header: str) -> str:
    """Return a header as AWS names it in Parquet: lineItem/UsageAmount, line_item_usage_amount."""
    words = re.sub(r"([A-Z])", r"_\1", header).lower()
    return re.sub(r"[^a-z0-9]+|_+", "_", words).strip("_")


def arrange(fields: Sequence[Field]) -> list[str]:
    """Return the select expressions of the columns of CUR 2.0 that a report can give."""
    named: dict[str, Field] = {}
    for field in fields:
        named.setdefault(parquet_name(field.header), field)
    columns = [
        f"{named[name].as_text(kind)} as {name}"
        for name, kind in KINDS.items()
        if kind != "map" and name in named
    ]
    product = [(key, named[f"product_{key}"]) for key in _PRODUCT if f"product_{key}" in named]
    return [
        *columns,
        f"{_map(product)} as product",
        f"{_map(_below(_TAG, fields))} as resource_tags",
        f"{_map(_below(_CATEGORY, fields))} as cost_category",
    ]


def _below(prefix: re.Pattern[str], fields: Iterable[Field]) -> list[tuple[str, Field]]:
    return [
        (field.header[match.end() :], field)
        for field in fields
        if (match := prefix.match(field.header))
    ]


def _map(entries: Sequence[tuple[str, Field]]) -> str:
    """Return a map of the columns that are not empty."""
    if not entries:
        return "cast(null as map(varchar, varchar))"
    structs = (
        f"{{'key': {quoted(key)}, 'value': {field.as_text('text')}}}" for key, field in entries
    )
    return (
        f"map_from_entries(list_filter([{', '.join(structs)}], "
        "lambda entry: entry.value is not null))"
    )
