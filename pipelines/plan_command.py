"""The command `unitledger plan`."""

from typing import Annotated

import typer

from models.errors import ConfigError
from pipelines import output
from pipelines.lock import DEFAULT_WAIT_SECONDS
from pipelines.options import Config, Period, Wait
from pipelines.settings import load_settings


def plan(
    by: Annotated[
        str, typer.Option(help="customer, feature, workflow, team, model or environment.")
    ] = "customer",
    period: Period = None,
    everything: Annotated[bool, typer.Option("--all", help="Every change, however small.")] = False,
    format: Annotated[str, typer.Option(help="table or csv.")] = "table",
    wait: Wait = DEFAULT_WAIT_SECONDS,
    config: Config = None,
) -> None:
    """Show what changed rules would move between entities, before a run applies them.

    Compared is what the last run published; nothing of it is changed. The changes of each period
    and currency add up to 0.

    Examples:

    - `unitledger plan`: after editing unitledger.yml, before `unitledger run`
    - `unitledger plan --config proposal.yml --by team --period 2026-10`
    """
    from pipelines.plan import make_plan

    if format not in ("table", "csv"):
        raise ConfigError(f"--format {format}: unknown; allowed: table, csv")
    made = make_plan(load_settings(config), by, period, everything, wait)
    if format == "csv":
        output.print_csv(made.moves)
        return
    for report in (made.rules, made.moved, made.moves):
        if report.rows:
            output.print_report(report)
    for sentence in made.sentences:
        typer.echo(sentence)
