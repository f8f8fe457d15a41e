"""The AWS exports as files: Parquet in create-new mode, gzipped CSV in overwrite mode."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .aws_bill import Execution, iso_folder
from .aws_lines import DEVELOPMENT_ACCOUNT, MODELS_ACCOUNT, PAYER, Line, Value
from .company import iso, month_bounds, to_datetime
from .cur_columns import CUR_COLUMNS
from .draws import Draws
from .writing import write_gzip, write_json

_ARROW = {
    "double": pa.float64(),
    "timestamp": pa.timestamp("ms"),
    "string": pa.string(),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
}
NEVER_IN_CSV = (
    "reservation_",
    "split_line_item_",
    "discount",
)  # what the development account's export leaves out


ACCOUNTS = {
    PAYER: ("Larkspur Desk", "larkspur-prod"),
    DEVELOPMENT_ACCOUNT: ("Larkspur Desk Development", "larkspur-dev"),
    MODELS_ACCOUNT: ("Larkspur Desk Models", "larkspur-models"),
}


def delivered(execution: Execution, account: str, export: str) -> list[Line]:
    """The lines with the columns that all carry; ids change with each execution, as AWS' do."""
    start, end = month_bounds(execution.month)
    draws = Draws(execution.written)
    rows = []
    for number, row in enumerate(execution.lines):
        first, last = row["line_item_usage_start_date"], row["line_item_usage_end_date"]
        assert isinstance(first, int)
        assert isinstance(last, int)
        common: Line = {
            "bill_bill_type": "Anniversary",
            "bill_billing_entity": "AWS",
            "bill_billing_period_start_date": start,
            "bill_billing_period_end_date": end,
            "bill_invoice_id": execution.invoice_id,
            "bill_invoicing_entity": "Amazon Web Services, Inc.",
            "bill_payer_account_id": account,
            "bill_payer_account_name": ACCOUNTS[account][0],
            "identity_line_item_id": draws.hexadecimal(48, export, number),
            "identity_time_interval": f"{iso(first)[:19]}Z/{iso(last)[:19]}Z",
            "line_item_blended_cost": row["line_item_unblended_cost"],
            "line_item_currency_code": "USD",
            "line_item_legal_entity": "Amazon Web Services, Inc.",
            "line_item_usage_account_id": account,
            "line_item_usage_account_name": ACCOUNTS[account][1],
            "pricing_currency": "USD",
            "product": {},
            "cost_category": {},
            "discount": {},
            "resource_tags": {},
            "product_region_code": "us-west-2",
        }
        rows.append(common | row)
    return rows


def _arrow_value(kind: str, value: Value) -> object:
    if (
        kind == "double"
    ):  # Parquet's column is a double; this is the only place where a cost becomes one
        return None if value is None else float(str(value))
    if kind == "timestamp":
        return None if value is None else to_datetime(int(str(value)))
    if kind.startswith("map"):
        return sorted(value.items()) if isinstance(value, dict) else None
    return value


def write_parquet(
    rows: Sequence[Line], path: Path, columns: Mapping[str, str] = CUR_COLUMNS
) -> None:
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    arrays = [
        pa.array([_arrow_value(kind, row.get(name)) for row in rows], type=_ARROW[kind])
        for name, kind in columns.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema), path, compression="snappy", store_schema=False
    )


def _csv_value(kind: str, value: Value) -> str:
    if value is None:
        return ""
    if kind == "timestamp":
        return iso(int(str(value)))
    if isinstance(value, dict):
        quoted = ",".join(f'"{key}":"{text}"' for key, text in sorted(value.items()))
        return "{" + quoted + "}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def csv_columns() -> dict[str, str]:
    return {name: kind for name, kind in CUR_COLUMNS.items() if not name.startswith(NEVER_IN_CSV)}


def write_csv(rows: Sequence[Line], path: Path) -> None:
    columns, text = csv_columns(), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [_csv_value(kind, row.get(name)) for name, kind in columns.items()] for row in rows
    )
    write_gzip(text.getvalue(), path)


def _manifest(
    execution: Execution, export: str, account: str, columns: Mapping[str, str], keys: list[str]
) -> dict[str, object]:
    start, end = month_bounds(execution.month)
    return {
        "executionId": iso_folder(execution, export)[25:],
        "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{account}:export/{export}-4b1f0c52",
        "exportName": export,
        "billingPeriod": {"start": iso(start), "end": iso(end)},
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
        "dataFiles": [f"s3://larkspur-billing/cur/{export}/{key}" for key in keys],
    }


def write_production_export(executions: list[Execution], folder: Path) -> None:
    write_create_new_export(executions, folder, "larkspur-cur", PAYER, CUR_COLUMNS)


def write_create_new_export(
    executions: list[Execution],
    folder: Path,
    export: str,
    account: str,
    columns: Mapping[str, str],
) -> None:
    """Create-new mode: a folder an execution, two chunks each, and the latest manifest twice."""
    for execution in executions:
        partition, run = f"BILLING_PERIOD={execution.month}", iso_folder(execution, export)
        rows = delivered(execution, account, export)
        middle, keys = len(rows) * 3 // 5, []
        for number, chunk in enumerate((rows[:middle], rows[middle:]), start=1):
            keys.append(f"data/{partition}/{run}/{export}-{number:05d}.snappy.parquet")
            write_parquet(chunk, folder / keys[-1], columns)
        manifest = _manifest(execution, export, account, columns, keys)
        for place in (f"{partition}/{run}", partition):  # written oldest first, so the latest stays
            write_json(manifest, folder / "metadata" / place / f"{export}-Manifest.json")


def write_development_export(
    executions: list[Execution], folder: Path, export: str = "larkspur-dev"
) -> None:
    """Overwrite mode: chunks in place. October's second chunk was needed once and is empty now."""
    for number, execution in enumerate(executions):
        partition = f"data/BILLING_PERIOD={execution.month}"
        key = f"{partition}/{export}-00001.csv.gz"
        write_csv(delivered(execution, DEVELOPMENT_ACCOUNT, export), folder / key)
        if number == 0:
            write_csv([], folder / partition / f"{export}-00002.csv.gz")
        manifest = _manifest(execution, export, DEVELOPMENT_ACCOUNT, csv_columns(), [key])
        write_json(
            manifest,
            folder / "metadata" / f"BILLING_PERIOD={execution.month}" / f"{export}-Manifest.json",
        )


# --- the legacy Cost and Usage Report -----------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """A legacy report: its name, whose it is, the folder that it is synced to."""

    name: str
    account: str
    folder: str


def write_report(
    report: Report, month: str, state: str, lines: list[Line], headers: list[str], out: Path
) -> None:
    """One assembly in two files, and its manifest in its folder and in the period's."""
    start, end = month_bounds(month)
    period = f"{_compact(start)[:8]}-{_compact(end)[:8]}"
    digits = Draws(start).hexadecimal(32, report.name, month, state)
    assembly = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    root, half, keys = out / report.folder, len(lines) // 2, []
    for number, chunk in enumerate((lines[:half], lines[half:]), start=1):
        name = f"{period}/{assembly}/{report.name}-{number}.csv.gz"
        keys.append(f"legacy/{report.name}/{name}")
        write_gzip(_report_csv(report, chunk, headers, f"{assembly} {number}"), root / name)
    manifest = {
        "assemblyId": assembly,
        "account": report.account,
        "columns": [dict(zip(("category", "name"), h.split("/"), strict=True)) for h in headers],
        "charset": "UTF-8",
        "compression": "GZIP",
        "contentType": "text/csv",
        "reportName": report.name,
        "billingPeriod": {"start": _compact(start), "end": _compact(end)},
        "bucket": "larkspur-billing",
        "reportKeys": keys,
    }
    for place in (f"{period}/{assembly}", period):
        write_json(manifest, root / place / f"{report.name}-Manifest.json")


def _compact(ms: int) -> str:
    return iso(ms).replace("-", "").replace(":", "")


def _report_csv(report: Report, lines: list[Line], headers: list[str], salt: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headers)
    for number, row in enumerate(lines):
        first, last = row["line_item_usage_start_date"], row["line_item_usage_end_date"]
        assert isinstance(first, int)
        assert isinstance(last, int)
        common: Line = {
            "bill_bill_type": "Anniversary",
            "bill_billing_entity": "AWS",
            "bill_invoicing_entity": "Amazon Web Services, Inc.",
            "bill_payer_account_id": report.account,
            "identity_line_item_id": Draws(first).hexadecimal(52, salt, number),
            "identity_time_interval": f"{iso(first)[:19]}Z/{iso(last)[:19]}Z",
            "line_item_blended_cost": row["line_item_unblended_cost"],
            "line_item_currency_code": "USD",
            "line_item_legal_entity": "Amazon Web Services, Inc.",
            "line_item_usage_account_id": report.account,
            "pricing_currency": "USD",
            "product_region_code": "us-east-1",
        }
        writer.writerow([_report_text(header, common | row) for header in headers])
    return text.getvalue()


def _report_text(header: str, row: Line) -> str:
    name = re.sub(r"([A-Z])", r"_\1", header).lower().replace("/_", "_").replace("/", "_")
    value: Value = row.get(header, row.get(name))
    if value is None:
        return ""
    if header.endswith("Date"):
        return f"{iso(int(str(value)))[:19]}Z"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
