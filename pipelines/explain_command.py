"""`unitledger explain`: from a cost to the delivered rows that it is a part of."""

import re
from datetime import date
from typing import Annotated

import typer

from models.errors import ConfigError
from pipelines import explain as explanation
from pipelines import output
from pipelines.options import Config, Period
from pipelines.settings import load_settings
from pipelines.warehouse import read_published

_FORMATS = ("tree", "table", "csv", "json")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_EVERYTHING = 1_000_000_000


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="inference, customer, feature, workflow, team, model or environment; a customer's "
            "id alone will do."
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(help="Its id or name; '(none)' for nobody's.")
    ] = None,
    day: Annotated[str | None, typer.Option(help="A day of use (UTC), like 2026-10-05.")] = None,
    period: Period = None,
    limit: Annotated[int, typer.Option(min=1, help="So many of each list, then the rest.")] = 10,
    everything: Annotated[bool, typer.Option("--all", help="Cut no list.")] = False,
    format: Annotated[str, typer.Option(help="tree, table, csv or json.")] = "tree",
    config: Config = None,
) -> None:
    """Show what makes up a cost, down to the charges and the delivered file and row of each.

    By component, by rule or method, by charge group with the weight that earned it, by charge. On
    every level the parts add up, exactly. What an inference has of shared costs is derived.

    Examples:

    - `unitledger explain inference op-00c330cf57c8a3aa`
    - `unitledger explain customer cust-001 --day 2026-10-05`
    - `unitledger explain feature ticket-reply --period 2026-10 --format csv`
    """
    kind, name = (what, name) if name is not None else ("customer", what)
    _check(kind, name, day, period, format)
    with read_published(load_settings(config)) as connection:
        trees = explanation.explain(
            connection, kind, name, day, period, _EVERYTHING if everything else limit
        )
    if format == "tree":
        output.print_trees(trees)
    else:
        output.PRINTERS[format](explanation.flat(trees))


def _check(kind: str, name: str, day: str | None, period: str | None, format: str) -> None:
    """Refuse what cannot be answered: one sentence that says what is allowed."""
    if kind not in explanation.KINDS:
        raise ConfigError(f"explain {kind}: unknown; allowed: {', '.join(explanation.KINDS)}")
    if name in explanation.KINDS and kind == "customer":
        raise ConfigError(f"explain {name}: name which one, like `unitledger explain {name} ID`")
    if format not in _FORMATS:
        raise ConfigError(f"--format {format}: unknown; allowed: {', '.join(_FORMATS)}")
    if kind == "inference" and period:
        raise ConfigError("--period: an inference has a --day at most")
    if kind != "inference" and bool(day) == bool(period):
        raise ConfigError(f"explain {kind} {name}: name a --day or a --period, one of them")
    _check_time(day, period)


def _check_time(day: str | None, period: str | None) -> None:
    try:
        date.fromisoformat(day or "2026-01-01")
    except ValueError:
        raise ConfigError(f"--day {day}: is not a day like 2026-10-05") from None
    if period and not _MONTH.fullmatch(period):
        raise ConfigError(f"--period {period}: is not a month like 2026-10")
