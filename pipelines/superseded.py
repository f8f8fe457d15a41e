"""Which of the lake's files a warehouse reads, and the end of those that none reads any more."""

import hashlib
import os
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from connectors._lake import Lake
from models.tables import TABLES

# What names files: of a day in int_day_inputs, behind its date; the columns of int_period_inputs.
_DAY_HASHES = "list_transform(map_values(files), lambda part: part[12:])"
_MONTH_HASHES = ("attempts_hash", "costs_hash", "units_hash")


def facts_in(lake: Lake) -> list[str]:
    """Return the files of facts, some ten thousand of a year: as text, which
    costs less than paths."""
    folder = lake.root / "facts"
    return [f"{folder}/{name}" for name in names_in(folder) if name.endswith(".parquet")]


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none where it does not exist."""
    return [entry.name for entry in os.scandir(folder)] if folder.exists() else []


def published_days(warehouse: Path) -> list[tuple[Any, ...]]:
    """Return the days of the published warehouse, and what each was built from."""
    if not warehouse.exists():
        return []
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return _part_hashes(connection, "int_day_inputs", "charge_date", "costs_hash")
    except duckdb.Error:
        # Written by another DuckDB: nothing of it counts as published.
        return []


def files_of(warehouse: Path) -> set[str]:
    """Return the names of the lake's files that a warehouse reads; none where there is none."""
    if not warehouse.exists():
        return set()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        inputs = _part_hashes(connection, "int_day_inputs", "charge_date", _DAY_HASHES)
        months = _part_hashes(connection, "int_period_inputs", "period", *_MONTH_HASHES)
        pairs = _part_hashes(connection, "int_change_inputs", "pair", "changes_hash")
        ends = _part_hashes(connection, "int_change_inputs", "charge_date", "changes_hash")
        listed = 'select file from lake."index" where file is not null'
        names = {row[0] for row in connection.execute(listed).fetchall()}
        copies = _rows(connection, "select file from lake.copied_files")
    names |= {_part_of(file) for (file,) in copies}
    days = [(day, *hashes) for day, hashes in inputs]
    firsts = [(date.fromisoformat(f"{period}-01"), *hashes) for period, *hashes in months]
    spans = (span for parts in (days, firsts, ends) for span in _spans_of(parts))
    parts = (*days, *months, *pairs, *spans)
    return names | {f"{part}-{part_hash}" for part, *hashes in parts for part_hash in hashes}


def _spans_of(parts: list[tuple[Any, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield each quarter before the newest, and each month of that, with the hashes of the hashes
    of what ends in it, as build_spans has them."""
    newest = max(parts, default=(date.min,))[0]
    for span, of_span in groupby(sorted(parts), lambda part: span_of(part[0], newest)):
        columns = list(zip(*of_span, strict=True))[1:]
        yield span, *(hashlib.md5(",".join(each).encode()).hexdigest() for each in columns)


def span_of(day: date, newest: date) -> str:
    """Return the quarter of a day, or its month if it is of the newest quarter."""
    quarter = _quarter(day)
    return quarter if quarter < _quarter(newest) else f"{day:%Y-%m}"


def _quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


def prune(lake: Lake, in_use: set[str]) -> None:
    """Remove superseded files: normalized rows, and days of facts. Raw deliveries stay."""
    in_use |= set(lake.index()["file"].drop_nulls())
    for name in TABLES:
        for file in (lake.root / name).glob("*.parquet"):
            if f"{name}/{file.name}" not in in_use:
                file.unlink()
    for fact in facts_in(lake):
        if _part_of(fact) not in in_use:
            Path(fact).unlink()


def _part_of(file: str) -> str:
    """Return what the name of a file of facts has after its model's or table's: <day, month,
    quarter or pair of periods>-<hash>."""
    return file.rsplit("/", 1)[1].split("-", 1)[-1].removesuffix(".parquet")


def _part_hashes(
    connection: duckdb.DuckDBPyConnection, inputs: str, *columns: str
) -> list[tuple[Any, ...]]:
    """Return days, months, or pairs of periods, and what a warehouse's facts of them were built
    from; none where it does not say so."""
    return _rows(connection, f"select {', '.join(columns)} from intermediate.{inputs}")


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except duckdb.Error:
        # An older warehouse, or a dbt project without facts.
        return []
