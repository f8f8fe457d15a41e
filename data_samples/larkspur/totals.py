"""Invoices and control totals: what the vendors say they delivered, by configured source."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from .api_bills import CostLine, PodHour
from .aws_bill import POD_OPERATIONS, Execution
from .aws_lines import cost_of
from .company import month_of
from .writing import write_rows

CONTROL_COLUMNS = (
    "source",
    "connector",
    "location",
    "billing_period",
    "billing_currency",
    "rows",
    "billed_cost",
)
INVOICE_COLUMNS = ("source", "invoice_id", "billing_period", "billing_currency", "total", "tax")
CENT = Decimal("0.01")
OPEN_MONTH = "2026-11"
OPENAI_TAX = Decimal("0.0825")  # on the invoice only: the costs API is net of tax
LOCATIONS = {
    "aws_prod": ("aws_cur2", "aws_cur2"),
    "aws_dev": ("aws_cur2", "aws_cur2_csv"),
    "openai": ("openai_costs", "openai"),
    "runpod": ("runpod_billing", "runpod"),
    "traces": ("otel_genai", "otel"),
    "nodes": ("node_lifecycle", "node_lifecycle"),
}


@dataclass(frozen=True)
class Total:
    """One month of one source: rows delivered, billed cost, invoice and its tax.

    Without a month it is telemetry, without a billed cost the vendor states no money, and without
    an invoiced total there is no invoice.
    """

    source: str
    month: str
    rows: int
    billed_cost: Decimal | None
    invoiced: Decimal | None
    tax: Decimal = Decimal(0)
    billing_currency: str = "USD"
    # Where LOCATIONS does not say it: the connector, and the folder below data_samples.
    connector: str = ""
    location: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return (self.connector, self.location) if self.connector else LOCATIONS[self.source]


def aws_totals(source: str, executions: list[Execution]) -> list[Total]:
    """From the last execution of each month; split-cost rows count as rows, not as money."""
    totals = []
    for execution in {execution.month: execution for execution in executions}.values():
        lines = [
            line
            for line in execution.lines
            if line.get("line_item_operation") not in POD_OPERATIONS
        ]
        cost = sum((cost_of(line) for line in lines), Decimal(0))
        tax = sum(
            (cost_of(line) for line in lines if line["line_item_line_item_type"] == "Tax"),
            Decimal(0),
        )
        totals.append(Total(source, execution.month, len(execution.lines), cost, cost, tax))
    return totals


def openai_totals(lines: list[CostLine]) -> list[Total]:
    totals = []
    for month in sorted({month_of(line.day_ms) for line in lines}):
        amounts = [line.printed for line in lines if month_of(line.day_ms) == month]
        cost = sum(amounts, Decimal(0))
        tax = (cost * OPENAI_TAX).quantize(CENT)
        totals.append(Total("openai", month, len(amounts), cost, cost + tax, tax))
    return totals


def runpod_totals(hours: list[PodHour]) -> list[Total]:
    totals = []
    for month in sorted({month_of(hour.hour) for hour in hours}):
        amounts = [hour.amount for hour in hours if month_of(hour.hour) == month]
        cost = sum(amounts, Decimal(0))
        totals.append(Total("runpod", month, len(amounts), cost, cost, Decimal(0)))
    return totals


def write_totals(
    totals: list[Total], telemetry_rows: dict[str, int], folder: Path, keep: bool = False
) -> None:
    """control_totals.csv for every month; invoices.csv for all but the last, which is open.

    With `keep`, what stands there of other sources stays.
    """
    telemetry = [
        [source, *LOCATIONS[source], "", "", rows, ""] for source, rows in telemetry_rows.items()
    ]
    sources = {total.source for total in totals} | set(telemetry_rows)
    listings: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = [
        ("control_totals.csv", CONTROL_COLUMNS, [*map(_control, totals), *telemetry]),
        ("invoices.csv", INVOICE_COLUMNS, [_invoice(total) for total in totals if _closed(total)]),
    ]
    for name, columns, rows in listings:
        texts: list[list[str]] = [[str(cell) for cell in row] for row in rows]
        if keep:
            texts += [row for row in _read(folder / name) if row[0] not in sources]
        write_rows(columns, sorted(texts), folder / name)


def _control(total: Total) -> list[object]:
    return [
        total.source,
        *total.place,
        total.month,
        "" if total.billed_cost is None else total.billing_currency,
        total.rows,
        "" if total.billed_cost is None else f"{total.billed_cost:f}",
    ]


def _closed(total: Total) -> bool:
    return total.invoiced is not None and total.month < OPEN_MONTH


def _invoice(total: Total) -> list[object]:
    assert total.invoiced is not None
    return [
        total.source,
        f"INV-{total.month}-{total.source.upper().replace('_', '-')}",
        total.month,
        total.billing_currency,
        total.invoiced.quantize(CENT),
        total.tax.quantize(CENT),
    ]


def _read(file: Path) -> list[list[str]]:
    with file.open(newline="") as opened:
        return list(csv.reader(opened))[1:]
