"""Exports of Azure Cost Management, written by hand in the vendor's layout; and a lake for them."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.azure_cost_export import CONNECTOR

KINDS = {"actual": "ActualCost", "amortized": "AmortizedCost", "focus": "FocusCost"}
SUBSCRIPTION = "7a1e5f00-0000-0000-0000-000000000001"
RESERVATION = "/providers/Microsoft.Capacity/reservationOrders/order-1/reservations/res-1"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/order-2/savingsPlans/plan-2"

# A line of an EA export; a test says what is different about its own.
EA = {
    "BillingAccountId": "8419207",
    "BillingAccountName": "Larkspur Desk",
    "BillingPeriodStartDate": "10/01/2026",
    "BillingPeriodEndDate": "10/31/2026",
    "BillingProfileId": "8419207",
    "BillingCurrencyCode": "USD",
    "SubscriptionId": SUBSCRIPTION,
    "SubscriptionName": "larkspur",
    "Date": "10/05/2026",
    "ProductName": "Virtual Machines D4s v5",
    "PartNumber": "AAD-1",
    "MeterId": "00000000-0000-0000-0000-00000000000a",
    "MeterName": "D4s v5",
    "MeterCategory": "Virtual Machines",
    "ServiceFamily": "Compute",
    "UnitOfMeasure": "1 Hour",
    "Quantity": "24",
    "EffectivePrice": "0.25",
    "UnitPrice": "0.25",
    "PayGPrice": "0.5",
    "CostInBillingCurrency": "6",
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "PublisherType": "Azure",
    "Tags": "",
    "AdditionalInfo": "",
    "benefitId": "",
}
Row = dict[str, str]


def line(cost: str, **fields: str) -> Row:
    return EA | {"CostInBillingCurrency": cost} | fields


def csv_bytes(rows: Sequence[Row], columns: Sequence[str] = (), bom: bool = True) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(EA), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()


@dataclass
class Exports:
    """A folder that exports write to, and a lake that reads it."""

    root: Path
    scope: str = f"/subscriptions/{SUBSCRIPTION}"

    def __post_init__(self) -> None:
        self.location = self.root / "exports"
        self.location.mkdir(parents=True, exist_ok=True)
        self.lake = Lake(self.root / "lake")
        self.source = self.with_options()

    def with_options(self, **options: Any) -> Source:
        self.source = Source("azure", str(self.location), CONNECTOR.options(**options))
        return self.source

    def run(
        self,
        rows: Sequence[Row] | bytes,
        dataset: str = "actual",
        export: str = "",
        submitted: str = "2026-11-01T05:00:00.1234567Z",
        days: tuple[str, str] = ("2026-10-01", "2026-10-31"),
        part: str = "part_0_0001.csv",
        manifest: dict[str, Any] | None = None,
        columns: Sequence[str] = (),
    ) -> Path:
        """Write a run of an export, and last its manifest; return its folder."""
        export = export or f"daily-{dataset}"
        stamp = "".join(filter(str.isdigit, submitted))[:12]
        between = "-".join(day.replace("-", "") for day in days)
        name = f"costs/{export}/{between}/{stamp}/{stamp}-{dataset}"
        body = rows if isinstance(rows, bytes) else csv_bytes(rows, columns)
        stored = gzip.compress(body, mtime=0) if part.endswith(".gz") else body
        folder = self.location / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / part).write_bytes(stored)
        count = None if isinstance(rows, bytes) else len(rows)
        said = self._manifest(dataset, export, submitted, days, f"{name}/{part}", stored, count)
        (folder / "manifest.json").write_text(json.dumps(said | (manifest or {})))
        return folder

    def _manifest(
        self,
        dataset: str,
        export: str,
        submitted: str,
        days: tuple[str, str],
        blob: str,
        stored: bytes,
        rows: int | None,
    ) -> dict[str, Any]:
        blobs = {"blobName": blob, "byteCount": len(stored)}
        return {
            "blobs": [blobs if rows is None else blobs | {"dataRowCount": rows}],
            "exportConfig": {
                "exportName": export,
                "type": KINDS.get(dataset, dataset),
                "resourceId": f"{self.scope}/providers/Microsoft.CostManagement/exports/{export}",
            },
            "runInfo": {
                "submittedTime": submitted,
                "runId": f"{export}-{submitted}",
                "startDate": f"{days[0]}T00:00:00",
                "endDate": f"{days[1]}T00:00:00",
            },
        }

    def land(self) -> LandReport:
        return self.lake.land(self.source, CONNECTOR, Window())

    def read(self) -> dict[str, str]:
        """Land and normalize; return one sentence a failure."""
        return self.land().failures | normalize(self.lake, self.source, CONNECTOR)

    def charges(self) -> list[dict[str, Any]]:
        return charges_of(self.lake)

    def total(self, column: str = "billed_cost") -> Decimal:
        return sum((row[column] for row in self.charges()), Decimal(0))

    def delivered(self) -> list[dict[str, Any]]:
        index = self.lake.index().filter(pl.col("table") == "charges", status="current")
        return [row for rows in index["delivered"].to_list() for row in rows]


def charges_of(lake: Lake) -> list[dict[str, Any]]:
    index = lake.index().filter(pl.col("table") == "charges", status="current")
    files = [str(lake.root / file) for file in index["file"]]
    if not files:
        return []
    cursor = duckdb.execute("select * from read_parquet(?) order by x_file, x_row", [files])
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
