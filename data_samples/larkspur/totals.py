"""Invoices and control totals: what the vendors say they delivered, by configured source."""

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
    """One month of one source: rows delivered, billed cost in dollars, invoice and its tax."""

    source: str
    month: str
    rows: int
    billed_cost: Decimal
    invoiced: Decimal
    tax: Decimal


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


def write_totals(totals: list[Total], telemetry_rows: dict[str, int], folder: Path) -> None:
    """control_totals.csv for every month; invoices.csv for all but the last, which is open."""
    controls: list[list[object]] = [
        [
            total.source,
            *LOCATIONS[total.source],
            total.month,
            "USD",
            total.rows,
            f"{total.billed_cost:f}",
        ]
        for total in totals
    ]
    controls += [
        [source, *LOCATIONS[source], "", "", rows, ""] for source, rows in telemetry_rows.items()
    ]
    write_rows(CONTROL_COLUMNS, controls, folder / "control_totals.csv")
    open_month = max(total.month for total in totals)
    invoices = [
        [
            total.source,
            f"INV-{total.month}-{total.source.upper().replace('_', '-')}",
            total.month,
            "USD",
            total.invoiced.quantize(CENT),
            total.tax.quantize(CENT),
        ]
        for total in totals
        if total.month < open_month
    ]
    write_rows(INVOICE_COLUMNS, invoices, folder / "invoices.csv")
