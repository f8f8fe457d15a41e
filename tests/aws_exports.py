"""Small exports of AWS, as it writes them, and what a lake makes of them."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from connectors._base import Connector, Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize

Row = dict[str, Any]
PERIOD = "BILLING_PERIOD=2026-10"


def line(**columns: Any) -> Row:
    """A usage line of one day, in the columns of CUR 2.0."""
    return {
        "line_item_line_item_type": "Usage",
        "line_item_unblended_cost": "1",
        "line_item_usage_amount": "1",
        "line_item_currency_code": "USD",
        "line_item_operation": "",
        "bill_payer_account_id": "111122223333",
        "bill_billing_period_start_date": "2026-10-01T00:00:00.000Z",
        "line_item_usage_start_date": "2026-10-05T00:00:00.000Z",
        "line_item_usage_end_date": "2026-10-06T00:00:00.000Z",
        **columns,
    }


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows with all columns that any of them has; maps are JSON objects."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()})
    return text.getvalue().encode()


def write_cur2(root: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """An export of October in overwrite mode: one csv.gz, and its manifest."""
    key = f"data/{PERIOD}/cur-00001.csv.gz"
    files = {
        key: gzip.compress(as_csv(rows), mtime=0),
        f"metadata/{PERIOD}/cur-Manifest.json": json.dumps(
            {"dataFiles": [f"s3://bucket/cur/{key}"]}
        ).encode(),
    }
    return write_files(root, files)


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@dataclass
class Normalized:
    """A lake with one source in it, and the sentences about what failed."""

    lake: Lake
    source: Source
    connector: Connector
    failures: dict[str, str]

    def rows(self, table: str = "charges") -> list[Row]:
        """The rows of a table, of all slots, in the order of slots and then of the file."""
        found: list[Row] = []
        for file in self.lake.index().filter(table=table, status="current").sort("slot")["file"]:
            cursor = duckdb.execute("from read_parquet(?)", [str(self.lake.root / file)])
            names = [column[0] for column in cursor.description or []]
            found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return found

    def billed(self) -> Decimal:
        return sum((row["billed_cost"] for row in self.rows()), Decimal(0))

    def run(self) -> "Normalized":
        """Land and normalize once more."""
        landed = self.lake.land(self.source, self.connector, Window()).failures
        self.failures = landed | normalize(self.lake, self.source, self.connector)
        return self


def normalized(
    root: Path, connector: Connector, location: Path | str, **options: Any
) -> Normalized:
    """Land and normalize what lies at a location."""
    given = connector.options.model_validate(options)
    if connector.configured:
        connector = connector.configured(given)
    source = Source("aws", str(location), given)
    return Normalized(Lake(root / "lake"), source, connector, {}).run()


def charges_of(root: Path, connector: Connector, *rows: Mapping[str, Any]) -> list[Row]:
    """The charges of a CUR 2.0 export of these rows."""
    result = normalized(root, connector, write_cur2(root / "export", rows))
    assert result.failures == {}
    return result.rows()
