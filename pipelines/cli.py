"""The command `unitledger`: errors are one sentence and exit code 2, differences exit code 1."""

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import duckdb
import typer

from connectors._base import Window
from models.errors import ConfigError, UnitledgerError
from pipelines import output, reports
from pipelines import provider_total as totals
from pipelines.explain_command import explain
from pipelines.focus_command import focus_check
from pipelines.lock import DEFAULT_WAIT_SECONDS
from pipelines.options import Config, From, Period, Rebuild, To, Wait
from pipelines.plan_command import plan
from pipelines.reconciliation import Step, read_steps
from pipelines.report_command import report_page
from pipelines.settings import load_settings
from pipelines.warehouse import read_published

if TYPE_CHECKING:
    from pipelines.exports import ExportResult
    from pipelines.run import Run

app = typer.Typer(
    name="unitledger",
    help="What one inference, customer, feature and workflow costs, adding up to the bill.\n\n"
    "Begin with `unitledger run`, then `unitledger summary`. Which accounts are read, and how "
    "their costs find their users, is in unitledger.yml.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_MONTH_OR_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-\d{2})?")


@app.command()
def run(
    period: Period = None,
    start: From = None,
    end: To = None,
    source: Annotated[str | None, typer.Option(help="Refresh only this source.")] = None,
    rebuild: Rebuild = False,
    wait: Wait = DEFAULT_WAIT_SECONDS,
    config: Config = None,
) -> None:
    """Fetch, normalize, attribute, publish and export: everything, in this order.

    What is known is not fetched again, and what has not changed is not built again. A source that
    fails does not stop the others: it keeps its last good state, its reason is printed at the end,
    and the exit code is 1. What a run did is in lake/logs.

    Examples:

    - `unitledger run`: whatever vendors offer
    - `unitledger run --period 2026-10`: one billing period
    - `unitledger run --from 2026-09 --to 2026-10 --source aws_prod`
    """
    from pipelines.run import Run

    settings = load_settings(config)
    this = Run(settings, _window(period, start, end), rebuild, wait_seconds=wait)
    selected = settings.select(source)
    with output.progress():
        from pipelines.execute import execute

        is_published = execute(this, selected)
    _echo_run(this, is_published)


def _echo_run(this: "Run", is_published: bool) -> None:
    """Say what a run brought, and at the end what failed in it."""
    if is_published:
        typer.echo(f"Published {this.settings.warehouse}")
    elif not this.failures:
        typer.echo("Nothing is new")
    _echo_exports(this.exported)
    for sentence in this.failures:
        typer.echo(sentence, err=True)
    if this.failures:
        raise typer.Exit(1)


def _window(period: str | None, start: str | None, end: str | None) -> Window:
    if period and (start or end):
        raise ConfigError("--period says it all: leave out --from and --to")
    if period and not _MONTH.fullmatch(period):
        raise ConfigError(f"--period {period}: is not a month like 2026-10")
    for name, value in (("--from", start), ("--to", end)):
        if value and not _MONTH_OR_DAY.fullmatch(value):
            raise ConfigError(f"{name} {value}: is not a month like 2026-10 or a day")
    window = Window(period or start, period or end)
    if window.start and window.end and not window.covers(window.start):
        raise ConfigError(f"--from {start} is after --to {end}")
    return window


@app.command()
def summary(period: Period = None, config: Config = None) -> None:
    """Show the reconciliation, the top customers, coverage, and where the exports are.

    Without --period, the newest month that has an invoice.
    """
    settings = load_settings(config)
    with read_published(settings) as connection:
        output.print_report(_reconciliation_report(read_steps(connection)))
        month = period or reports.last_period(connection)
        if month is None:
            raise ConfigError("nothing has been delivered yet; `unitledger sources` says more")
        for entity in ("customer", "feature", "workflow"):
            output.print_report(reports.entity_costs(connection, entity, month, limit=10))
        output.print_report(reports.components(connection, month))
    typer.echo(f"Exports: {settings.exports / month}")


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One statement in DuckDB's SQL.")],
    format: Annotated[str, typer.Option(help="table or csv.")] = "table",
    config: Config = None,
) -> None:
    """Ask the published warehouse; a run may go on meanwhile.

    docs/questions.md has the questions that teams ask, each with its query.
    `unitledger query "from information_schema.tables where table_schema = 'marts'"`
    lists the marts.

    Examples:

    - `unitledger query "from marts.customer_costs_daily limit 5"`
    - `unitledger query --format csv "from marts.allocated_costs" > ledger.csv`
    """
    if format not in ("table", "csv"):
        raise ConfigError(f"--format {format}: unknown; allowed: table, csv")
    with read_published(load_settings(config)) as connection:
        try:
            report = reports.select(connection, "", sql)
        except duckdb.Error as error:
            raise ConfigError(f"query: {str(error).strip().splitlines()[0]}") from None
    (output.print_csv if format == "csv" else output.print_report)(report)


@app.command()
def export(period: Period = None, config: Config = None) -> None:
    """Write finance's files again, a new version only where numbers changed. `run` does it too.

    Example: `unitledger export --period 2026-10`
    """
    from pipelines.exports import export_all, export_period

    settings = load_settings(config)
    _echo_exports([export_period(settings, period)] if period else export_all(settings))


def _echo_exports(results: "list[ExportResult]") -> None:
    """Say where each period's newest version is, and what a new one changes."""
    for result in results:
        typer.echo(f"{result.folder}{' is new' if result.is_new else ''}")
        for change in result.manifest.changes if result.is_new else ():
            typer.echo(f"  {change}")


@app.command()
def sources(config: Config = None) -> None:
    """Show each source: its last delivery, how fresh it is, and which periods are final.

    A period is final once its invoice stands in the configured invoices, or the vendor itself
    calls every charge of it final; else it is provisional.
    """
    output.print_report(reports.sources(load_settings(config)))


@app.command()
def reconcile(
    provider_total: Annotated[
        tuple[str, str, str] | None,
        typer.Option(
            metavar="SOURCE PERIOD AMOUNT",
            help="Compare with a total that a console or another tool shows.",
            show_default=False,
        ),
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of that total, if several.")] = None,
    basis: Annotated[str, typer.Option(help="Of that total: billed or effective.")] = "billed",
    config: Config = None,
) -> None:
    """Show that every step adds up, of every source, period and currency, against the lake now.

    Exit code 1 where a difference is not 0 or a delivery failed.

    Example: `unitledger reconcile --provider-total aws_prod 2026-10 12345.67`: agrees if our
    total, rounded to the decimals that are given, is the same.
    """
    settings = load_settings(config)
    if provider_total:
        compared = totals.compare(settings, provider_total, currency, basis)
        output.print_report(totals.report(compared))
        if compared.difference:
            typer.echo(totals.sentence(compared), err=True)
            raise typer.Exit(1)
        return
    with read_published(settings) as connection:
        steps = read_steps(connection)
    output.print_report(_reconciliation_report(steps))
    broken = [step for step in steps if not step.holds]
    if broken or not steps:
        typer.echo(f"{len(broken)} of {len(steps)} steps do not hold", err=True)
        raise typer.Exit(1)


def _reconciliation_report(steps: list[Step]) -> reports.Report:
    columns = [name for name in Step.__dataclass_fields__ if name != "error"]
    if any(step.error for step in steps):
        columns.append("error")
    rows = [[getattr(step, name) for name in columns] for step in steps]
    held = sum(step.holds for step in steps)
    return reports.Report(f"Reconciliation: {held} of {len(steps)} steps hold", columns, rows)


app.command("explain")(explain)
app.command("plan")(plan)
app.command("report")(report_page)


@app.command()
def vendors() -> None:
    """Print what can be read, and what each vendor cannot tell, in Markdown (docs/vendors.md)."""
    from pipelines.vendors import vendors_page

    typer.echo(vendors_page(), nl=False)


app.command("focus-check")(focus_check)


@app.command()
def schema() -> None:
    """Print the JSON schema of unitledger.yml, for editors (docs/unitledger.schema.json)."""
    from pipelines.config_schema import config_schema

    typer.echo(json.dumps(config_schema(), indent=2))


def main() -> NoReturn:
    """Run the command; an expected error is one sentence without a traceback."""
    try:
        app()
    except UnitledgerError as error:
        typer.echo(f"unitledger: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    sys.exit(0)


if __name__ == "__main__":
    main()
