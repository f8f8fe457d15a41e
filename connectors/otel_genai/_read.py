"""The spans and data points of a file, which spans call a model, and the ancestors of each leaf.

Temporary tables, so that everything is parsed once.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._sql import quoted
from connectors.otel_genai import _carried
from connectors.otel_genai import _names as names
from connectors.otel_genai._counters import measure
from connectors.otel_genai._delivery import BEFORE, REPEATS
from connectors.otel_genai._flat import parse_parquet
from connectors.otel_genai._json import parse_json, parse_points_before
from connectors.otel_genai._judged import judge
from connectors.otel_genai._leaves import create_leaves
from connectors.otel_genai._options import OtelOptions

# Attributes become two lists, for a map allows no key twice. What is longer than any id, name or
# count is content (a prompt), and left out.
_MACROS = (
    f"""
    create temp macro short(key, value) as
        if(length(value) <= 1000 or key in {_carried.LONG}, value, null)
    """,
    """
    create temp macro plain(item) as coalesce(
        short(item.key, item.value.stringValue),
        item.value.intValue, item.value.doubleValue, item.value.boolValue)
    """,
    """
    create temp macro listed(items) as {
        'keys': list_transform(items, lambda item: item.key),
        'values': list_transform(items, lambda item: plain(item))
    }
    """,
    """
    create temp macro listed_with_arrays(items) as {
        'keys': list_transform(items, lambda item: item.key),
        'values': list_transform(items, lambda item:
            coalesce(plain(item), short(item.key, item.value.arrayValue)))
    }
    """,
    """
    create temp macro listed_map(pairs) as {
        'keys': map_keys(pairs),
        'values': list_transform(
            map_entries(pairs), lambda entry: short(entry.key, cast(entry.value as varchar)))
    }
    """,
    """
    create temp macro valued(listed, name) as
        nullif(listed['values'][list_position(listed['keys'], name)], '')
    """,
    "create temp macro attribute(listed, name) as valued(listed, name)",
    "create temp macro identity(thing) as md5_number(coalesce(cast(thing as varchar), ''))",
    # '12.0' is one (JavaScript writes doubles), '12.5' is none and would be rounded.
    """
    create temp macro whole_number(text) as if(
        try_cast(text as decimal(18, 3)) = try_cast(text as bigint), try_cast(text as bigint), null)
    """,
)

_LISTED = 'struct(keys varchar[], "values" varchar[])'
_POINT_COLUMNS = (
    "metric", "kind", "is_monotonic", "temporality", "start_time_unix_nano", "time_unix_nano",
    "value", "count", "sum", "scope_name",
)  # fmt: skip
_NO_POINTS = f"""
    create temp table delivered_point (
        {", ".join(f"{name} varchar" for name in _POINT_COLUMNS)},
        flags integer, is_previous boolean, attributes {_LISTED}, resource_attributes {_LISTED},
        resource_id hugeint, x_row bigint
    )
"""

# rowid counts the spans in the order of the file, whatever the number of threads.
_SPAN = "create temp view span as select rowid + 1 as x_row, * from delivered_span"

_RESOURCE = """
    create temp table sending_resource as
    select resource_id, resource_attributes as attributes, x_row
    from span where x_row in (select min(x_row) from span group by resource_id)
"""

# Delivery is at least once: of spans with the same ids, the first is used.
_FIRST_SPAN = """
    create temp table first_span as
    select trace_id, span_id, min(x_row) as x_row, arg_min(parent_span_id, x_row) as parent_span_id
    from span group by trace_id, span_id
"""


def _inference(present: set[str]) -> str:
    """What calls a model, or carries usage although its operation is not known or not named."""
    renamed = "\n".join(
        f"when operation in {others} then {quoted(name)}"
        for name, others in names.OTHER_NAMES.items()
    )
    return f"""
    create temp table inference as
    with named as (
        select
            x_row, trace_id, span_id, parent_span_id,
            lower({names.first(names.OPERATION, present=present)}) as operation,
            case
                {renamed}
                when operation is not null then operation
                -- vLLM names no operation.
                when {names.first(("gen_ai.latency.e2e",), present=present)} is not null
                    then 'text_completion'
            end as operation_name,
            {names.first(names.USAGE, present=present)} is not null as has_usage
        from span
    )
    select x_row, trace_id, span_id, parent_span_id, operation_name, has_usage,
        coalesce(operation_name in {names.OPERATIONS}, false) as is_known
    from named
    where (is_known or (
        has_usage and coalesce(operation_name not in {names.OTHER_OPERATIONS}, true)
        and coalesce(operation_name not like '%memory%', true)
    )) and (
        trace_id is null or span_id is null or x_row in (select x_row from first_span)
    )
    """


_WALK = """
    create temp table walk as
    with recursive up as (
        select x_row, x_row as ancestor_row, trace_id, parent_span_id, 0 as distance from inference
        union all
        select up.x_row, parent.x_row, up.trace_id, parent.parent_span_id, up.distance + 1
        from up inner join first_span as parent
            on parent.trace_id = up.trace_id and parent.span_id = up.parent_span_id
        where parent.x_row <> up.x_row and up.distance < 100
    )
    select x_row, ancestor_row, distance, parent_span_id from up
"""

# Leaves alone: a span with an inference span below it only repeats that one.
_LINEAGE = """
    create temp table leaf_lineage as
    select * from walk
    where x_row not in (
        select ancestor_row from walk inner join inference on inference.x_row = walk.x_row
        where distance > 0 and is_known
    )
"""

INPUTS = {
    "raw": "span",
    "judged": "judged_leaf",
    "lineage": "leaf_lineage",
    "resource": "sending_resource",
    "point": "delivered_point",
    "measured": "measured_point",
}


def read(
    options: OtelOptions,
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    files: Sequence[str],
) -> dict[str, str]:
    """Return the queries of the inputs."""
    connection.execute(";".join(_MACROS))
    before, (file,) = _told_apart(files)
    if file.endswith(".parquet"):
        parse_parquet(connection, folder / file, options.columns)
        connection.execute(_NO_POINTS)
    else:
        parse_json(connection, folder / file, _NO_POINTS)
    if file.startswith(f"{REPEATS}/"):
        for table in ("delivered_span", "delivered_point"):
            connection.execute(f"delete from {table}")
    for earlier in before:
        parse_points_before(connection, folder / earlier)
    present = _carried.carry(connection, options.baggage_prefix)
    for step in (_SPAN, _RESOURCE, _FIRST_SPAN, _inference(present), _WALK, _LINEAGE):
        connection.execute(step)
    create_leaves(connection, present)
    judge(connection, options)
    measure(connection)
    return {
        name: f"select *, {quoted(file)} as x_file from {table}" for name, table in INPUTS.items()
    }


def _told_apart(files: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the file before, if it was delivered too, and the file itself."""
    before = [file for file in files if file.startswith(f"{BEFORE}/")]
    return before, [file for file in files if file not in before]
