"""What is wrong with a map beyond its form: its expressions and patterns, tried on no rows."""

from collections.abc import Iterator

import duckdb

from connectors._maps.expressions import check, reason
from connectors._sql import quoted, session
from connectors.invoice_mapping._map import Map
from connectors.invoice_mapping._read import expressions, needed_columns
from models.errors import ConfigError


def check_map(map_: Map) -> None:
    """Raise a ConfigError that names the key, what it says and what is allowed."""
    with session() as connection:
        check(connection, expressions(map_))
        for place, sql in _trials(map_):
            try:
                connection.execute(f"select {sql}").fetchall()
            except duckdb.Error as error:
                raise ConfigError(f"{place}: {reason(error)}") from None
    _check_read(map_)


def _trials(map_: Map) -> Iterator[tuple[str, str]]:
    """What DuckDB must understand: its patterns know no lookaheads, its zones have names."""
    for number, rule in enumerate(map_.categories):
        yield f"categories.{number}.matches", f"regexp_matches('', {quoted(rule.matches or '')})"
    for name, time in map_.times.items():
        yield f"times.{name}.zone", f"timezone({quoted(time.zone)}, timestamp '2026-10-01')"
        if time.format and not time.format.startswith("epoch_"):
            form = quoted(time.format)
            yield f"times.{name}.format", f"strftime(timestamp '2026-10-01', {form})"


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
