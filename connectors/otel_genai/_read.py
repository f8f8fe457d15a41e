"""The spans of a file, which of them call a model, and the ancestors of each leaf.

Temporary tables, so that the JSON is parsed once: `delivered_span`, `inference`, `walk`.
"""

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._sql import quoted
from connectors.otel_genai import _names as names

_VALUE = dict.fromkeys(("stringValue", "intValue", "doubleValue", "boolValue"), "VARCHAR")
_ATTRIBUTES = [{"key": "VARCHAR", "value": _VALUE}]
_IDS_AND_TIMES = ("traceId", "spanId", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano")
_SPAN_RECORD = {
    **dict.fromkeys((*_IDS_AND_TIMES, "kind"), "VARCHAR"),
    "status": {"code": "VARCHAR"},
    "attributes": _ATTRIBUTES,
}
_RECORD = {
    "resourceSpans": [
        {"resource": {"attributes": _ATTRIBUTES}, "scopeSpans": [{"spans": [_SPAN_RECORD]}]}
    ]
}
_CAMEL_CASE = sorted(set(re.findall(r'"([a-z]+[A-Z]\w*)"', json.dumps(_RECORD))))

# Columns of a leaf that are no attributes.
LEAF_SPAN = (
    "trace_id", "span_id", "kind", "start_time_unix_nano", "end_time_unix_nano", "status_code",
)  # fmt: skip

# Bytes of a record, which is a line or a whole file: room for a large one only where it is needed.
_RECORD_BYTES = (16 << 20, 1 << 30)

# Attributes become two lists, for a map allows no key twice. What is longer than any id, name or
# count is content (a prompt), and left out.
_MACROS = (
    """
    create temp macro listed(items) as {
        'keys': list_transform(items, lambda item: item.key),
        'values': list_transform(items, lambda item: coalesce(
            if(length(item.value.stringValue) <= 1000, item.value.stringValue, null),
            item.value.intValue, item.value.doubleValue, item.value.boolValue))
    }
    """,
    """
    create temp macro attribute(listed, name) as
        nullif(listed['values'][list_position(listed['keys'], name)], '')
    """,
    # '12.0' is one (JavaScript writes doubles), '12.5' is none and would be rounded.
    """
    create temp macro whole_number(text) as if(
        try_cast(text as decimal(18, 3)) = try_cast(text as bigint), try_cast(text as bigint), null)
    """,
)

# The check looks for text and stops at the first find: a condition on what was parsed parses twice.
_DELIVERED_SPAN = """
    create temp table delivered_span as
    with records as (select {text} as text from {scan}),
    resources as (
        select unnest(case
            when contains(text, '"resourceSpans"')
                then from_json(text, {structure}).resourceSpans
            when not contains(text, '"resourceMetrics"') and not contains(text, '"resourceLogs"')
                then error('a record has no resourceSpans; it begins ' || left(text, 60))
        end) as resource
        from records
    ),
    scopes as (
        select
            listed(resource.resource.attributes) as resource,
            unnest(resource.scopeSpans) as scope
        from resources
    ),
    spans as (select unnest(scope.spans) as span, resource from scopes)
    select
        lower(span.traceId) as trace_id,
        lower(span.spanId) as span_id,
        nullif(lower(span.parentSpanId), '') as parent_span_id,
        replace(span.kind, 'SPAN_KIND_', '') as kind,
        span.startTimeUnixNano as start_time_unix_nano,
        span.endTimeUnixNano as end_time_unix_nano,
        replace(span.status.code, 'STATUS_CODE_', '') as status_code,
        listed(span.attributes) as attributes,
        resource as resource_attributes
    from spans
"""

# rowid counts the spans in the order of the file, whatever the number of threads.
_SPAN = "create temp view span as select rowid + 1 as x_row, * from delivered_span"

_USAGE = names.LEAF["input_tokens"] + names.LEAF["output_tokens"]

# A span that carries usage is looked at even where its operation is not known or not named: else
# tokens would be lost.
_INFERENCE = f"""
    create temp table inference as
    with named as (
        select
            x_row, trace_id, span_id, parent_span_id,
            lower({names.first(names.OPERATION)}) as operation,
            case
                when operation in ('llm', 'acompletion') then 'chat'
                when operation = 'completion' then 'text_completion'
                when operation in ('embedding', 'aembedding') then 'embeddings'
                when operation is not null then operation
                -- vLLM names no operation.
                when attribute(attributes, 'gen_ai.latency.e2e') is not null then 'text_completion'
            end as operation_name,
            {names.first(_USAGE)} is not null as has_usage
        from span
    )
    select x_row, trace_id, span_id, parent_span_id, operation_name,
        coalesce(operation_name in {names.OPERATIONS}, false) as is_known
    from named
    where is_known or (
        has_usage and coalesce(operation_name not in {names.OTHER_OPERATIONS}, true)
        and coalesce(operation_name not like '%memory%', true)
    )
    -- Delivery is at least once: the first of two is used.
    qualify row_number() over (
        partition by trace_id, span_id, if(trace_id is null or span_id is null, x_row, 0)
        order by x_row
    ) = 1
"""

_WALK = """
    create temp table walk as
    with recursive parent as materialized (
        select trace_id, span_id, min(x_row) as x_row, min(parent_span_id) as parent_span_id
        from span group by trace_id, span_id
    ),
    up as (
        select x_row, x_row as ancestor_row, trace_id, parent_span_id, 0 as distance from inference
        union all
        select up.x_row, parent.x_row, up.trace_id, parent.parent_span_id, up.distance + 1
        from up inner join parent
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
# The caller of a leaf is known, or it is where the walk ends: then another file may hold it. It may
# hold the known one too, delivered again.
_LEAF = f"""
    create temp table leaf_span as
    with callers as (
        select
            lineage.x_row,
            coalesce(
                arg_min(caller.span_id, distance) filter (distance > 0 and caller.is_known),
                arg_max_null(lineage.parent_span_id, distance)
            ) as absent_parent_span_id
        from leaf_lineage as lineage left join inference as caller
            on caller.x_row = lineage.ancestor_row
        group by lineage.x_row
    )
    select
        span.x_row,
        {", ".join(f"span.{column}" for column in LEAF_SPAN)},
        operation_name,
        absent_parent_span_id,
        {", ".join(f"{names.first(found)} as {column}" for column, found in names.LEAF.items())}
    from callers
    inner join inference on inference.x_row = callers.x_row
    inner join span on span.x_row = callers.x_row
"""


def read(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the queries of `raw` (every span), `leaf` (calls of a model) and their `lineage`."""
    for macro in _MACROS:
        connection.execute(macro)
    _parse(connection, folder / files[0])
    for step in (_SPAN, _INFERENCE, _WALK, _LINEAGE, _LEAF):
        connection.execute(step)
    tables = {"raw": "span", "leaf": "leaf_span", "lineage": "leaf_lineage"}
    return {
        name: f"select *, {quoted(files[0])} as x_file from {table}"
        for name, table in tables.items()
    }


def _parse(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    for size in _RECORD_BYTES:
        scan = f"read_json_objects({quoted(str(file))}, maximum_object_size = {size})"
        structure = quoted(json.dumps(_RECORD))
        query = _DELIVERED_SPAN.format(text=_text(file), structure=structure, scan=scan)
        try:
            connection.execute(query)
            return
        except duckdb.InvalidInputException as error:
            if "maximum_object_size" not in str(error) or size == _RECORD_BYTES[-1]:
                raise


def _text(file: Path) -> str:
    """Return the SQL of a record's text, with its keys in lowerCamelCase."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        is_snake_case = b'"resource_spans"' in stream.read(1 << 16)
    text = "json"
    for name in _CAMEL_CASE if is_snake_case else ():
        snake_case = re.sub("([A-Z])", r"_\1", name).lower()
        text = f"""regexp_replace({text}, '"{snake_case}"\\s*:', '"{name}":', 'g')"""
    return text
