"""The table that the BigQuery of the tests holds: its columns, its rows, its SQL in DuckDB's."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

PROJECT, DATASET, TABLE = "larkspur-billing", "billing", "gcp_billing_export_resource_v1_01AAAA"
LOCATION = f"bigquery://{PROJECT}.{DATASET}.{TABLE}"
_TEXT, _MOMENT, _NUMERIC = pa.string(), pa.timestamp("us", "UTC"), pa.decimal128(38, 9)
_PAIRS = pa.list_(pa.struct([("key", _TEXT), ("value", _TEXT)]))


def _record(**fields: Any) -> pa.DataType:
    return pa.struct(list(fields.items()))


SCHEMA = pa.schema({
    "billing_account_id": _TEXT,
    "service": _record(id=_TEXT, description=_TEXT),
    "sku": _record(id=_TEXT, description=_TEXT),
    "usage_start_time": _MOMENT,
    "usage_end_time": _MOMENT,
    "project": _record(id=_TEXT, number=_TEXT, name=_TEXT, labels=_PAIRS),
    "labels": _PAIRS,
    "system_labels": _PAIRS,
    "location": _record(location=_TEXT, country=_TEXT, region=_TEXT, zone=_TEXT),
    "tags": pa.list_(pa.struct(
        [("key", _TEXT), ("value", _TEXT), ("inherited", pa.bool_()), ("namespace", _TEXT)]
    )),
    "transaction_type": _TEXT,
    "seller_name": _TEXT,
    "export_time": _MOMENT,
    "cost": pa.float64(),
    "currency": _TEXT,
    "currency_conversion_rate": pa.float64(),
    "usage": _record(
        amount=pa.float64(), unit=_TEXT, amount_in_pricing_units=pa.float64(), pricing_unit=_TEXT
    ),
    "credits": pa.list_(_record(
        name=_TEXT, amount=pa.float64(), full_name=_TEXT, id=_TEXT, type=_TEXT
    )),
    "invoice": _record(month=_TEXT, publisher_type=_TEXT),
    "cost_type": _TEXT,
    "adjustment_info": _record(id=_TEXT, description=_TEXT, mode=_TEXT, type=_TEXT),
    "cost_at_list": pa.float64(),
    "resource": _record(name=_TEXT, global_name=_TEXT),
    "price": _record(
        effective_price=_NUMERIC, tier_start_amount=_NUMERIC, unit=_TEXT,
        pricing_unit_quantity=_NUMERIC, list_price=_NUMERIC,
    ),
    "subscription": _record(instance_id=_TEXT),
    "consumption_model": _record(id=_TEXT, description=_TEXT),
})  # fmt: skip


def typed(value: Any, kind: pa.DataType) -> Any:
    """A JSON value as the column's type."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [typed(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: typed(value.get(field.name), field.type) for field in kind}
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value.replace(" UTC", "+00:00"))
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal("1e-9"))
    return float(value) if pa.types.is_floating(kind) else value


def to_arrow(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    kind = pa.struct(list(schema))
    return pa.Table.from_pylist([typed(row, kind) for row in rows], schema=schema)


_WORDS = (
    (rf"`{PROJECT}\.{DATASET}\.{TABLE}`", "export"),
    (r"cast\(date\(_PARTITIONTIME\) as string\)", "cast(cast(_PARTITIONTIME as date) as varchar)"),
    (
        r"format_timestamp\('([^']*)%E6S([^']*)', (max\(export_time\))\)",
        r"strftime(\3, '\1%S.%f\2')",
    ),
    (r"timestamp\(@(\w+)\)", r"cast($\1 as timestamp)"),
)


def to_duckdb(sql: str) -> str:
    for theirs, ours in _WORDS:
        sql, count = re.subn(theirs, ours, sql)
        if not count:
            raise ValueError(f"the query has no {theirs}")
    return sql


def page_of(
    columns: list[str], rows: list[tuple[Any, ...]], start: int, size: int
) -> dict[str, Any]:
    """A page of a query's rows as REST has them: every cell is a text."""
    answer: dict[str, Any] = {
        "jobComplete": True,
        "totalRows": str(len(rows)),
        "schema": {
            "fields": [
                {"name": name, "type": "INTEGER" if name == "row_count" else "STRING"}
                for name in columns
            ]
        },
        "rows": [
            {"f": [{"v": None if cell is None else str(cell)} for cell in row]}
            for row in rows[start : start + size]
        ],
    }
    if start + size < len(rows):
        answer["pageToken"] = str(start + size)
    return answer


def error_answer(status: int, reason: str, message: str) -> dict[str, Any]:
    problem = {"reason": reason, "message": message, "domain": "global"}
    return {"error": {"code": status, "message": message, "errors": [problem]}}
