"""One self-contained page about a period: pictures, tables, and the query behind each figure.

The same warehouse gives the same bytes. Nothing in the page asks the network for anything.
"""

from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.errors import ConfigError
from pipelines.reconciliation import read_steps
from pipelines.report._bill import BRIDGE, DAILY, GLANCE, UNIT
from pipelines.report._guards import BUDGETS, DRIVERS, MARGIN, WASTE
from pipelines.report._judged import ANOMALIES, FORECAST
from pipelines.report._scaling import CYCLES, EPISODES, IDLE
from pipelines.report._section import answer
from pipelines.report._trust import CHANGES, COVERAGE, RECONCILIATION
from pipelines.report._use import CUSTOMER_COSTS, CUSTOMERS, GPU_COSTS, GPU_STATES
from pipelines.settings import Settings
from pipelines.warehouse import read_published

__all__ = ["SECTIONS", "page", "report_file", "write_report", "write_reports"]

SECTIONS = (
    *(GLANCE, BRIDGE, DRIVERS, UNIT, DAILY),
    *(MARGIN, CUSTOMERS, CUSTOMER_COSTS),
    *(GPU_STATES, GPU_COSTS, IDLE, EPISODES, CYCLES),
    *(CHANGES, ANOMALIES, WASTE),
    *(BUDGETS, FORECAST),
    *(COVERAGE, RECONCILIATION),
)
_FOLDER = Path(__file__).parent


def report_file(settings: Settings, period: str) -> Path:
    """Return where a period's report is kept: beside its exports."""
    return settings.exports / period / "report.html"


def write_report(settings: Settings, period: str, output: Path | None = None) -> Path:
    """Write a period's page; return its file. A period without a bill is a ConfigError."""
    with read_published(settings) as connection:
        text = page(connection, period)
    return _write(text, output or report_file(settings, period))


def write_reports(settings: Settings, last: int) -> list[Path]:
    """Write the pages of the last periods that have a bill; return their files."""
    with read_published(settings) as connection:
        pages = {period: page(connection, period) for period in periods(connection)[-last:]}
    return [_write(text, report_file(settings, period)) for period, text in pages.items()]


def _write(text: str, file: Path) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from None
    return file


def page(connection: duckdb.DuckDBPyConnection, period: str) -> str:
    """Return the page of a period."""
    known = periods(connection)
    if period not in known:
        raise ConfigError(
            f"--period {period}: no bill of this period was delivered; delivered: "
            + (", ".join(known) or "none")
        )
    answers = [answer(connection, section, period) for section in SECTIONS]
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        period=period,
        glance=answers[0],
        answers=answers,
        made_from=_made_from(connection),
        steps=_steps(connection, period),
        style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
    )


def periods(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the billing periods that have a page."""
    found = connection.execute(
        "select distinct billing_period from marts.cost_reconciliation order by 1"
    ).fetchall()
    return [str(row[0]) for row in found]


def _made_from(connection: duckdb.DuckDBPyConnection) -> str:
    row = connection.execute("select digest from meta.build").fetchone()
    return str(row[0])[:16] if row else ""


def _steps(connection: duckdb.DuckDBPyConnection, period: str) -> str:
    """Return how many steps of the period's reconciliation hold."""
    mine = [step for step in read_steps(connection) if step.billing_period == period]
    return f"{sum(step.holds for step in mine)} of {len(mine)}"
