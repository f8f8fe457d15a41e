"""Logs of requests in tests: a folder of them, the lake they land in, and what becomes of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from connector_samples import Sample

from connectors import all_connectors
from connectors._base import Source
from connectors._lake import Lake
from models.config import DEFAULT_ATTRIBUTES
from models.tables import TOKEN_COLUMNS

Row = dict[str, Any]


class Log:
    """A folder of log files, and what a connector makes of them."""

    def __init__(self, root: Path, connector: str, **options: Any) -> None:
        self.root, self.folder = root, root / "log"
        self.folder.mkdir(parents=True)
        known = all_connectors()[connector]
        given = known.options.model_validate(options, context={"folder": root})
        if options and known.configured:
            known = known.configured(given)
        self.source = Source("log", str(self.folder), given, DEFAULT_ATTRIBUTES)
        self.connector = known
        self.sample = Sample(self.source, known, Lake(root / "lake"))

    def lines(self, rows: Sequence[Row], name: str = "2026-10-08.jsonl") -> None:
        self.text("".join(json.dumps(row) + "\n" for row in rows), name)

    def csv(self, rows: Sequence[Row], name: str = "2026-10-08.csv") -> None:
        """As COPY writes a table: objects as JSON."""
        texts = [{key: as_text(value) for key, value in row.items()} for row in rows]
        self.text(pl.DataFrame(texts).write_csv(), name)

    def text(self, text: str, name: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def attempts(self, *rows: Row) -> list[Row]:
        """What became of the rows, or of the files that are there; nothing else failed."""
        if rows:
            self.lines(rows)
        assert self.sample.run() == {}
        return self.sample.rows("attempts")

    def attempt(self, row: Row) -> Row:
        (attempt,) = self.attempts(row)
        return attempt

    def quarantined(self) -> list[tuple[Any, ...]]:
        rows = self.sample.rows("quarantine")
        return [(row["column_name"], row["value"], row["reason"]) for row in rows]


def as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def without_provenance(rows: Sequence[Row]) -> list[Row]:
    return [{key: row[key] for key in row if not key.startswith("x_")} for row in rows]


def tokens(attempt: Mapping[str, Any]) -> Row:
    """The buckets that are not 0, NULL ones among them."""
    values = {name.removesuffix("_tokens"): attempt[name] for name in TOKEN_COLUMNS}
    return {name: value for name, value in values.items() if value != 0}


UNKNOWN = dict.fromkeys(name.removesuffix("_tokens") for name in TOKEN_COLUMNS)
