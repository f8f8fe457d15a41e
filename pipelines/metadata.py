"""What Dagster shows beside an asset: rows, totals and a small table."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl

from connectors._lake import LandReport
from pipelines.money import shown

Metadata = Mapping[str, Any]
_SHOWN_ROWS = 24


def markdown_table(columns: list[str], rows: list[list[object]]) -> dg.MarkdownMetadataValue:
    """Return a table, the last rows only where it is long."""
    lines: list[Sequence[object]] = [columns, ["---"] * len(columns), *rows[-_SHOWN_ROWS:]]
    cells = [" | ".join("" if cell is None else str(cell) for cell in line) for line in lines]
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in cells))


def landing_metadata(report: LandReport) -> Metadata:
    """Return what a landing brought."""
    rows: list[list[object]] = [
        [manifest.slot, manifest.version, len(manifest.files), sum(f.size for f in manifest.files)]
        for manifest in report.landed
    ]
    return {
        "new_deliveries": len(report.landed),
        "known_deliveries": report.known,
        "failed_slots": len(report.failures),
        "new": markdown_table(["slot", "version", "files", "bytes"], rows),
    }


def table_metadata(index: pl.DataFrame, table: str, source: str) -> Metadata:
    """Return rows of the source's deliveries in force, and their totals a billing period."""
    mine = index.filter(
        (pl.col("status") == "current") & (pl.col("table") == table) & (pl.col("source") == source)
    )
    rows: list[list[object]] = []
    totals: dict[str, Decimal] = {}
    row_count = 0
    for row in mine.to_dicts():
        normalized = sum(day["rows"] for day in row["days"] or [])
        row_count += normalized
        for total in row["delivered"] or [{"billing_currency": None, "amount": None}]:
            currency, amount = total["billing_currency"], total["amount"]
            if currency:
                totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount)
            rows.append([row["slot"], row["version"], normalized, amount, currency])
    return {
        "dagster/row_count": row_count,
        **{f"total_{currency}": shown(amount) for currency, amount in sorted(totals.items())},
        "in_force": markdown_table(["slot", "version", "rows", "billed_cost", ""], rows),
    }


def sentences(failures: Sequence[str]) -> Metadata:
    """Return the sentences of a check that does not hold, numbered."""
    return {str(number): sentence for number, sentence in enumerate(failures[:20], start=1)}
