"""`unitledger report`: one page about a period, to read and to send."""

import re
from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigError
from pipelines import reports
from pipelines.options import Config, Period
from pipelines.settings import load_settings
from pipelines.warehouse import read_published

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def report_page(
    period: Period = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The file; default: report.html beside the period's exports."),
    ] = None,
    config: Config = None,
) -> None:
    """Write one page: from the bill to what an inference costs, with the query of every figure.

    The page stands alone: it opens from disk, on a phone too, and asks the network for nothing.
    Without --period, the newest month that has an invoice.

    Example: `unitledger report --period 2026-10`
    """
    # Half a second to import: only here.
    from pipelines.report import write_report

    settings = load_settings(config)
    if period and not _MONTH.fullmatch(period):
        raise ConfigError(f"--period {period}: is not a month like 2026-10")
    if period is None:
        with read_published(settings) as connection:
            period = reports.last_period(connection)
    if period is None:
        raise ConfigError("nothing has been delivered yet; `unitledger sources` says more")
    typer.echo(f"{write_report(settings, period, output)}")
