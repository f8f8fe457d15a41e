"""What the command prints: tables for people, CSV for programs, progress for the patient."""

import csv
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pipelines.explain import Node
from pipelines.logs import LOGGER
from pipelines.money import shown
from pipelines.reports import Report

# Wide enough for every table where nobody looks: what is piped is never cut.
_PIPED_WIDTH = 400


def console(stderr: bool = False) -> Console:
    """Return the console to print to."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPED_WIDTH,
        highlight=False,
        markup=False,
        soft_wrap=False,
    )


def print_report(report: Report) -> None:
    """Print a table, numbers to the right, money in full."""
    out = console()
    if report.title:
        out.print(f"\n{report.title}", style="bold")
    table = Table(header_style="bold")
    for number, column in enumerate(report.columns):
        is_number = any(isinstance(row[number], int | Decimal) for row in report.rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in report.rows:
        table.add_row(*(text(cell) for cell in row))
    out.print(table)


def print_csv(report: Report) -> None:
    """Print a table as CSV (RFC 4180)."""
    writer = csv.writer(sys.stdout, lineterminator="\r\n" if sys.platform == "win32" else "\n")
    writer.writerow(report.columns)
    writer.writerows([["" if cell is None else text(cell) for cell in row] for row in report.rows])


def print_json(report: Report) -> None:
    """Print a table as a JSON array of objects; money as text, so that no digit is lost."""
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    sys.stdout.write(f"{json.dumps(rows, indent=1, default=text, ensure_ascii=False)}\n")


PRINTERS: dict[str, Callable[[Report], None]] = {
    "table": print_report,
    "csv": print_csv,
    "json": print_json,
}


def print_trees(trees: Sequence[Node]) -> None:
    """Print what costs are made of: the amount, what it is, what earned it, where it came from."""
    out = console()
    for node in trees:
        tree = Tree(_line(node))
        _grow(tree, node)
        out.print(tree)


def _grow(tree: Tree, node: Node) -> None:
    for child in node.children:
        _grow(tree.add(_line(child)), child)


def _line(node: Node) -> Text:
    line = Text(f"{text(node.effective_cost) or '?'} {node.currency or ''}".strip(), style="bold")
    line.append(f"  {node.label}", style="not bold")
    if node.weight is not None and node.total_weight:
        earned = f"{text(node.weight)} of {text(node.total_weight)} {node.weight_unit}"
        line.append(f": {earned} ({node.weight / node.total_weight:.2%})", style="not bold cyan")
    if node.delivered:
        line.append(f" · {node.delivered}, row {node.row}", style="not bold dim")
    return line


def text(value: Any) -> str:
    """Return a cell."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return shown(value)
    return str(value)


class _StatusHandler(logging.Handler):
    def __init__(self, status: Status) -> None:
        super().__init__(logging.INFO)
        self.status = status

    def emit(self, record: logging.LogRecord) -> None:
        self.status.update(record.getMessage())


@contextmanager
def progress() -> Iterator[None]:
    """Show on a terminal what the run is doing, from what it logs."""
    err = console(stderr=True)
    if not err.is_terminal:
        yield
        return
    with err.status("starting") as status:
        handler = _StatusHandler(status)
        LOGGER.addHandler(handler)
        try:
            yield
        finally:
            LOGGER.removeHandler(handler)
