"""What is wrong with a map beyond its form: its expressions and patterns, tried on no rows."""

import duckdb

from connectors._sql import connect, quoted
from connectors.invoice_mapping._expressions import check, reason
from connectors.invoice_mapping._map import Map
from connectors.invoice_mapping._read import expressions, needed_columns
from models.errors import ConfigError


def check_map(map_: Map) -> None:
    """Raise a ConfigError that names the key, what it says and what is allowed."""
    check(expressions(map_))
    _check_patterns(map_)
    _check_formats(map_)
    _check_read(map_)


def _check_patterns(map_: Map) -> None:
    """DuckDB's expressions know no lookaheads."""
    for number, rule in enumerate(map_.categories):
        _try(f"regexp_matches('', {quoted(rule.matches or '')})", f"categories.{number}.matches")


def _check_formats(map_: Map) -> None:
    for name, time in map_.times.items():
        _try(f"timezone({quoted(time.zone)}, timestamp '2026-10-01')", f"times.{name}.zone")
        if time.format and not time.format.startswith("epoch_"):
            _try(f"strftime(timestamp '2026-10-01', {quoted(time.format)})", f"times.{name}.format")


def _try(sql: str, place: str) -> None:
    with connect() as connection:
        try:
            connection.execute(f"select {sql}").fetchall()
        except duckdb.Error as error:
            raise ConfigError(f"{place}: {reason(error)}") from None


def _check_read(map_: Map) -> None:
    """A parser of a column that nobody reads is a column's name misspelt."""
    read = set(needed_columns(map_)) | {map_.control_total.value}
    read |= {map_.unpivot.value} if map_.unpivot else set()
    for name, lookup in map_.lookups.items():
        read |= {f"{name}.{column}" for column in lookup.columns}
    for name in map_.money:
        if name not in read:
            raise ConfigError(f"money.{name}: no expression reads this column")
    for name, time in map_.times.items():
        if (time.of or name) not in read:
            raise ConfigError(f"times.{name}: no expression reads this column")
