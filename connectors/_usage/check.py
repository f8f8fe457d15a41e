"""What is wrong with a map of usage beyond its form: its expressions, tried on no rows."""

import duckdb

from connectors._maps.expressions import check, columns_of, reason
from connectors._maps.macros import USAGE_MACROS
from connectors._maps.times import instant_sql
from connectors._sql import session
from connectors._usage.fields import check_names
from connectors._usage.map import UsageMap
from models.errors import ConfigError


def check_map(map_: UsageMap) -> None:
    """Raise a ConfigError that names the key, what it says and what is allowed."""
    check_names(map_.fields())
    with session() as connection:
        check(connection, map_.expressions(), USAGE_MACROS)
        for name, one in map_.beside.items():
            found = {f"beside.{name}.{key}": text for key, text in one.expressions().items()}
            check(connection, found, USAGE_MACROS)
        try:
            text = "cast('2026-10-01 00:00:00' as varchar)"
            connection.execute(f"select {instant_sql(text, map_.time.format, map_.time.zone)}")
        except duckdb.Error as error:
            raise ConfigError(f"time: {reason(error)}") from None
    for place, text in map_.expressions().items():
        _check_tables(map_, place, text)


def _check_tables(map_: UsageMap, place: str, text: str) -> None:
    """What decides which records count is said by the records themselves."""
    if place not in ("unique", "newest", "deleted", "where"):
        return
    for name in columns_of(text, place):
        if place != "where" and name.split(".")[0] in map_.beside:
            raise ConfigError(f"{place}: {name} stands beside the record; allowed: its own fields")
