"""FOCUS files made by hand, and a lake that they land in."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from connectors._base import Connector, Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.focus import CONNECTOR

ROW = {
    "BilledCost": "1.5",
    "EffectiveCost": "1.5",
    "ListCost": "2",
    "ContractedCost": "1.5",
    "BillingAccountId": "0042",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-02T00:00:00Z",
    "ChargePeriodEnd": "2026-10-03T00:00:00Z",
    "ChargeCategory": "Usage",
    "InvoiceIssuerName": "Harborline",
    "ProviderName": "Harborline",
    "PublisherName": "Harborline",
    "ServiceCategory": "Compute",
    "ServiceName": "Machines",
    "SkuId": "vm-1",
    "SkuPriceId": "vm-1-usd",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ListUnitPrice": "2",
    "ContractedUnitPrice": "1.5",
}
Row = Mapping[str, str]


def row(**columns: str) -> dict[str, str]:
    return ROW | columns


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ROW.items() if name not in names}


def as_csv(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for each in rows for name in each))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_parquet(rows: Sequence[Row], file: Path, types: Mapping[str, str]) -> None:
    """Write texts as these DuckDB types; a column without one stays text."""
    source = file.with_suffix(".source.csv")
    source.write_text(as_csv(rows))
    columns = ", ".join(
        f'cast("{name}" as {types.get(name, "varchar")}) as "{name}"'
        for name in dict.fromkeys(name for each in rows for name in each)
    )
    scan = f"read_csv('{source}', header = true, all_varchar = true)"
    duckdb.execute(f"copy (select {columns} from {scan}) to '{file}' (format parquet)")
    source.unlink()


@dataclass
class FocusSource:
    """A source of FOCUS files in `saved`."""

    root: Path
    location: str = ""
    connector: Connector = CONNECTOR
    options: Mapping[str, Any] | None = None

    @property
    def saved(self) -> Path:
        return self.root / "saved"

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def source(self) -> Source:
        options = self.connector.options.model_validate(self.options or {})
        return Source("mine", self.location or str(self.saved), options)

    def save(self, path: str, *rows: Row) -> Path:
        file = self.saved / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_csv(rows))
        return file

    def failures(self, window: Window = Window()) -> list[str]:  # noqa: B008
        landed = self.lake.land(self.source, self.connector, window)
        return [
            *landed.failures.values(),
            *normalize(self.lake, self.source, self.connector).values(),
        ]

    def rows(self, table: str = "charges") -> list[dict[str, Any]]:
        assert self.failures() == []
        return self.current(table)

    def current(self, table: str = "charges") -> list[dict[str, Any]]:
        """What is in force, without another run."""
        index = self.lake.index().filter(table=table, status="current")
        files = [str(self.lake.root / file) for file in index["file"]]
        return duckdb.from_parquet(files).to_arrow_table().to_pylist()

    def charge(self, *rows: Row) -> dict[str, Any]:
        """The one charge of a file with one row."""
        self.save("one.csv", *rows)
        (charge,) = self.rows()
        return charge

    def charges(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """The charges of one file, a row each, in its order."""
        self.save("one.csv", *rows)
        charges = sorted(self.rows(), key=lambda charge: charge["x_row"])
        assert len(charges) == len(rows)
        return charges
