"""Expressions of a map: one SQL expression over the row's columns, and nothing else."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import duckdb

from connectors._maps.macros import MACROS, USAGE_MACROS
from connectors._sql import quoted
from models.errors import ConfigError

# What an expression may call. None of these reads a file, a setting or another row.
FUNCTIONS = (
    frozenset(
        """
    abs ceil ceiling floor round trunc greatest least sign mod
    + - * / // % || ^ ** ~~ !~~ ~~* !~~*
    coalesce ifnull nullif if concat concat_ws contains starts_with ends_with suffix prefix
    lower upper trim ltrim rtrim left right substr substring replace split_part length strlen
    lpad rpad instr strpos position strip_accents reverse like_escape not_like_escape
    regexp_matches regexp_full_match regexp_extract regexp_replace
    strftime strptime try_strptime date_trunc date_part year month day hour minute second last_day
    make_date make_timestamp to_seconds to_minutes to_hours to_days to_months to_years
    to_milliseconds to_microseconds epoch epoch_ms to_timestamp date_add date_sub date_diff timezone
    json_object json_extract json_extract_string -> ->>
    billing_period_start billing_period_end
    """.split()
    )
    | frozenset(MACROS)
    | frozenset(USAGE_MACROS)
)
_ALLOWED_CLASSES = {
    "CONSTANT", "COLUMN_REF", "FUNCTION", "CAST", "CASE", "OPERATOR", "COMPARISON", "CONJUNCTION",
    "BETWEEN",
}  # fmt: skip


def check(
    connection: duckdb.DuckDBPyConnection,
    expressions: Mapping[str, str],
    macros: Mapping[str, str] = MACROS,
) -> None:
    """Refuse what is not one expression, or does not bind; a ConfigError names the place."""
    columns = {place: columns_of(text, place) for place, text in expressions.items()}
    names = sorted({name for referenced in columns.values() for name in referenced})
    row = ", ".join(f"cast(null as varchar) as {identifier(name)}" for name in names) or "1 as one"
    create_macros(connection, macros)
    for place, text in expressions.items():
        try:
            connection.execute(f"describe select ({text}) as value from (select {row})")
        except duckdb.Error as error:
            raise ConfigError(f"{place}: {reason(error)}") from None


def create_macros(
    connection: duckdb.DuckDBPyConnection, macros: Mapping[str, str] = MACROS
) -> None:
    """Define what expressions may call besides DuckDB's own functions."""
    for sql in macros.values():
        connection.execute(sql)


@cache
def columns_of(text: str, place: str) -> frozenset[str]:
    """Return the columns that an expression reads."""
    return frozenset(
        node["column_names"][-1] for node in _nodes(text, place) if node["class"] == "COLUMN_REF"
    )


def _nodes(text: str, place: str) -> list[dict[str, Any]]:
    answer = duckdb.execute(f"select json_serialize_sql({quoted(f'select ({text})')})").fetchone()
    assert answer is not None
    parsed = json.loads(answer[0])
    if parsed["error"]:
        raise ConfigError(f"{place}: {text!r} is not an expression: {parsed['error_message']}")
    if len(parsed["statements"]) != 1 or len(_select(parsed)["select_list"]) != 1:
        raise ConfigError(f"{place}: {text!r} is more than one expression")
    if _select(parsed)["from_table"]["type"] != "EMPTY":
        raise ConfigError(f"{place}: {text!r} reads a table; allowed: the row's own columns")
    nodes = list(_expressions_in(_select(parsed)["select_list"][0]))
    for node in nodes:
        _check_node(node, text, place)
    return nodes


def _select(parsed: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = parsed["statements"][0]["node"]
    if node["type"] != "SELECT_NODE":
        return {"select_list": (), "from_table": {"type": node["type"]}}
    return node


def _expressions_in(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "class" in node:
            yield node
        for child in node.values():
            yield from _expressions_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from _expressions_in(child)


def _check_node(node: dict[str, Any], text: str, place: str) -> None:
    if node["class"] == "COLUMN_REF" and len(node["column_names"]) > 1:
        name = ".".join(node["column_names"])
        raise ConfigError(f'{place}: {text!r}: a name with dots stands in double quotes: "{name}"')
    if node["class"] not in _ALLOWED_CLASSES:
        kind = node["class"].lower().replace("_", " ")
        raise ConfigError(
            f"{place}: {text!r} has a {kind}; allowed: an expression over the row's own columns"
        )
    if node["class"] == "FUNCTION" and node["function_name"].lower() not in FUNCTIONS:
        raise ConfigError(
            f"{place}: {text!r} calls {node['function_name']}; "
            "docs/mapping-an-invoice.md lists what may be called"
        )


def reason(error: duckdb.Error) -> str:
    """Return what DuckDB says in one sentence."""
    return re.sub(r"^[\w ]+ Error: ", "", str(error).strip().splitlines()[0])


def as_text(name: str, type_name: str | None) -> str:
    """Return the SQL of a file's column as text: what is nested as JSON, an absent one (None) NULL.

    `type_name` is DuckDB's.
    """
    if type_name is None:
        return "cast(null as varchar)"
    column = identifier(name)
    if type_name.startswith(("STRUCT", "MAP")) or type_name.endswith("[]"):
        column = f"to_json({column})"
    return f"cast({column} as varchar)"


def identifier(name: str) -> str:
    """Return a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
