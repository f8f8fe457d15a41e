"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration; default: $UNITLEDGER_CONFIG, else ./unitledger.yml.",
        show_default=False,
    ),
]
Period = Annotated[str | None, typer.Option(help="A billing period, like 2026-10.")]
From = Annotated[str | None, typer.Option("--from", help="First billing period or day, inclusive.")]
To = Annotated[str | None, typer.Option("--to", help="Last billing period or day, inclusive.")]
Rebuild = Annotated[
    bool, typer.Option("--rebuild", help="Make all tables and marts again from what landed.")
]
Wait = Annotated[float, typer.Option(help="Seconds to wait for another run to end.")]
