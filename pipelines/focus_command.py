"""The command `unitledger focus-check`."""

from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigError
from pipelines import output


def focus_check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="FOCUS 1.0 to 1.4: .parquet, .csv or .csv.gz.", show_default=False),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="List the rules instead.")] = False,
) -> None:
    """Check the money of FOCUS files, anyone's: what an official validator does not look at.

    All files together are one set of charges: give the months of a commitment together, and one
    version of each. Exit code 1 where a rule does not hold.

    Examples:

    - `unitledger focus-check exports/2026-10/v0001/focus_1_4.parquet`
    - `unitledger focus-check --explain`: what each rule protects
    """
    from pipelines.focus_rules import check_files, explained, found

    if explain:
        output.print_report(explained())
        return
    if not files:
        raise ConfigError("focus-check: name at least one file, or ask for --explain")
    checked = check_files(files)
    output.print_report(found(checked))
    if checked.findings:
        raise typer.Exit(1)
