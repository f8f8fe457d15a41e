"""Spans in Parquet, one a row: as ClickHouse's exporter and table, Phoenix, or anyone writes them.

Columns are found by configured names, else by those that are common. Attributes are a map, a
struct, JSON text, or a column each (`attributes.llm.model_name`); times are timestamps or numbers
of seconds, milli-, micro- or nanoseconds, told apart by their size.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from connectors._maps.expressions import identifier
from connectors._sql import quoted
from connectors.otel_genai._options import SpanColumn
from models.errors import ContractError

_COLUMNS = {
    "trace_id": ("trace_id", "traceId", "TraceId", "context.trace_id"),
    "span_id": ("span_id", "spanId", "SpanId", "context.span_id"),
    "parent_span_id": ("parent_span_id", "parentSpanId", "ParentSpanId", "parent_id"),
    "kind": ("kind", "SpanKind"),
    "start_time": (
        "start_time_unix_nano", "startTimeUnixNano", "start_time", "Timestamp", "start_time_ns",
        "start",
    ),
    "end_time": ("end_time_unix_nano", "endTimeUnixNano", "end_time", "end_time_ns", "end"),
    "duration": ("duration_ns", "duration_nano", "Duration"),
    "status_code": ("status_code", "StatusCode", "status"),
    "trace_state": ("trace_state", "traceState", "TraceState"),
    "scope_name": ("scope_name", "ScopeName"),
    "service_name": ("service_name", "ServiceName"),
    "attributes": ("attributes", "span_attributes", "SpanAttributes"),
    "resource_attributes": ("resource_attributes", "ResourceAttributes", "resource"),
}  # fmt: skip
_NEEDED = ("trace_id", "span_id", "start_time")
_NONE = "{'keys': cast([] as varchar[]), 'values': cast([] as varchar[])}"


def parse_parquet(
    connection: duckdb.DuckDBPyConnection, file: Path, columns: Mapping[SpanColumn, str]
) -> None:
    """Create `delivered_span` of a Parquet file; `columns` are the configured ones."""
    scan = f"read_parquet({quoted(str(file))})"
    described = connection.execute(f"describe select * from {scan}")
    types = {row[0]: str(row[1]) for row in described.fetchall()}
    found = _find(file.name, types, columns)
    attributes = _attributes(found, types)
    connection.execute(f"""
        create temp table delivered_span as
        with spans as (
            select *, {_nanoseconds("start_time", found, types)} as x_start from {scan}
        )
        select
            {_id("trace_id", found, types)} as trace_id,
            {_id("span_id", found, types)} as span_id,
            nullif({_id("parent_span_id", found, types)}, '') as parent_span_id,
            {_enumerated("kind", "SPAN_KIND_", found)} as kind,
            cast(x_start as varchar) as start_time_unix_nano,
            cast({_end(found, types)} as varchar) as end_time_unix_nano,
            {_enumerated("status_code", "STATUS_CODE_", found)} as status_code,
            {_text("trace_state", found)} as trace_state,
            {_text("scope_name", found)} as scope_name,
            cast(null as varchar) as first_token_unix_nano,
            {attributes} as attributes,
            {_resource(found, types)} as resource_attributes,
            cast(hash(resource_attributes) as hugeint) as resource_id
        from spans
    """)


def _find(
    file: str, types: Mapping[str, str], configured: Mapping[SpanColumn, str]
) -> dict[str, str]:
    named = {str(name): column for name, column in configured.items()}
    for name, column in named.items():
        if column not in types:
            raise ContractError(
                f"{file}: columns.{name} is {column}, which is no column; found {_some(types)}"
            )
    common = {
        name: next((way for way in ways if way in types), None) for name, ways in _COLUMNS.items()
    }
    found = {name: column for name, column in common.items() if column} | named
    for name in _NEEDED:
        if name not in found:
            raise ContractError(
                f"{file}: no column is known to hold {name}; found {_some(types)}; name it in the "
                "source's columns"
            )
    return found


def _some(types: Mapping[str, str]) -> str:
    return ", ".join(sorted(types)[:8])


def _text(name: str, found: Mapping[str, str]) -> str:
    return f"cast({identifier(found[name]) if name in found else 'null'} as varchar)"


def _enumerated(name: str, prefix: str, found: Mapping[str, str]) -> str:
    return f"replace(upper({_text(name, found)}), {quoted(prefix)}, '')"


def _id(name: str, found: Mapping[str, str], types: Mapping[str, str]) -> str:
    if types.get(found.get(name, "")) == "BLOB":
        return f"lower(hex({identifier(found[name])}))"
    return f"lower(replace({_text(name, found)}, '-', ''))"


def _nanoseconds(name: str, found: Mapping[str, str], types: Mapping[str, str]) -> str:
    column, type_ = identifier(found[name]), types[found[name]]
    if type_ == "TIMESTAMP_NS":
        return f"epoch_ns({column})"
    if type_.startswith("TIMESTAMP"):
        return f"1000 * epoch_us({column})"
    number = column if type_ == "BIGINT" else f"try_cast({column} as decimal(38, 9))"
    scaled = f"""
        case
            when {number} < 1e11 then {number} * 1000000000
            when {number} < 1e14 then {number} * 1000000
            when {number} < 1e17 then {number} * 1000
            else {number}
        end
    """
    since_1970 = f"cast({scaled} as bigint)"
    if type_ == "VARCHAR":
        return f"coalesce({since_1970}, 1000 * epoch_us(try_cast({column} as timestamptz)))"
    return since_1970


def _end(found: Mapping[str, str], types: Mapping[str, str]) -> str:
    if "end_time" in found:
        return _nanoseconds("end_time", found, types)
    if "duration" in found:
        return f"x_start + cast({identifier(found['duration'])} as bigint)"
    return "null"


def _attributes(found: Mapping[str, str], types: Mapping[str, str]) -> str:
    if "attributes" in found:
        return _listed(found["attributes"], types)
    # Without such a column, whatever else there is.
    others = {column: types[column] for column in types if column not in found.values()}
    keys = ", ".join(quoted(column.removeprefix("attributes.")) for column in others)
    values = ", ".join(
        f"short({quoted(column)}, cast({identifier(column)} as varchar))" for column in others
    )
    return f"{{'keys': [{keys}], 'values': [{values}]}}" if others else _NONE


def _resource(found: Mapping[str, str], types: Mapping[str, str]) -> str:
    listed = (
        _listed(found["resource_attributes"], types) if "resource_attributes" in found else _NONE
    )
    if "service_name" not in found:
        return listed
    return f"""{{
        'keys': list_append({listed}['keys'], 'service.name'),
        'values': list_append({listed}['values'], {_text("service_name", found)})
    }}"""


def _listed(name: str, types: Mapping[str, str]) -> str:
    column, type_ = identifier(name), types[name]
    if type_.startswith("MAP"):
        return f"listed_map({column})"
    if type_.startswith("STRUCT"):
        return f"listed_map(cast(cast({column} as json) as map(varchar, varchar)))"
    return f"listed_map(try_cast(try_cast({column} as json) as map(varchar, varchar)))"
