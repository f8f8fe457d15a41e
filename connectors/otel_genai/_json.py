"""OTLP/JSON: a file's spans and data points as the tables `delivered_span`, `delivered_point`.

The file is unpacked first: what it holds is then known before it is parsed, and plain text is
parsed by several threads.
"""

import gzip
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import duckdb

from connectors._sql import quoted
from connectors.otel_genai._names import FIRST_TOKEN_EVENTS

_VALUE = dict.fromkeys(
    ("stringValue", "intValue", "doubleValue", "boolValue", "arrayValue"), "VARCHAR"
)
_ATTRIBUTES = [{"key": "VARCHAR", "value": _VALUE}]
_RESOURCE = {"attributes": _ATTRIBUTES}
_SCOPE = {"name": "VARCHAR"}
_SPAN_TEXTS = (
    "traceId", "spanId", "parentSpanId", "traceState", "kind", "startTimeUnixNano",
    "endTimeUnixNano",
)  # fmt: skip
_SPAN = {
    **dict.fromkeys(_SPAN_TEXTS, "VARCHAR"),
    "status": {"code": "VARCHAR"},
    "attributes": _ATTRIBUTES,
    "events": [{"name": "VARCHAR", "timeUnixNano": "VARCHAR"}],
}
_SPANS = {
    "resourceSpans": [{"resource": _RESOURCE, "scopeSpans": [{"scope": _SCOPE, "spans": [_SPAN]}]}]
}
_POINT_TEXTS = (
    "startTimeUnixNano", "timeUnixNano", "asInt", "asDouble", "count", "sum", "flags",
)  # fmt: skip
_POINTS = [{**dict.fromkeys(_POINT_TEXTS, "VARCHAR"), "attributes": _ATTRIBUTES}]
_DATA = {"aggregationTemporality": "VARCHAR", "isMonotonic": "VARCHAR", "dataPoints": _POINTS}
_KINDS = ("sum", "histogram", "exponentialHistogram", "gauge")
_METRIC = {"name": "VARCHAR", **dict.fromkeys(_KINDS, _DATA)}
_METRICS = {
    "resourceMetrics": [
        {"resource": _RESOURCE, "scopeMetrics": [{"scope": _SCOPE, "metrics": [_METRIC]}]}
    ]
}
_CAMEL_CASE = sorted(
    set(re.findall(r'"([a-z]+[A-Z]\w*)"', json.dumps([_SPANS, _METRICS, "resourceLogs"])))
)

# Bytes of a record, which is a line or a whole file: room for a large one only where it is needed.
_RECORD_BYTES = (4 << 20, 1 << 30)
_CHUNK = 4 << 20
_SNAKE_CASE = frozenset((b'"resource_spans"', b'"resource_metrics"'))
_METRICS_MARKS = frozenset((b'"resourceMetrics"', b'"resource_metrics"'))
# Most files have no lists among their attributes: then none are looked for in any of them.
_ARRAY_MARKS = frozenset((b'"arrayValue"', b'"array_value"'))
_ARRAY = ', "arrayValue": "VARCHAR"'
_MARKS = _SNAKE_CASE | _METRICS_MARKS | _ARRAY_MARKS

# The check looks for text and stops at the first find: a condition on what was parsed parses twice.
_DELIVERED_SPAN = f"""
    create temp table delivered_span as
    with records as (select $text as text from $scan),
    resources as (
        select unnest(case
            when contains(text, '"resourceSpans"')
                then from_json(text, {quoted(json.dumps(_SPANS))}).resourceSpans
            when not contains(text, '"resourceMetrics"') and not contains(text, '"resourceLogs"')
                then error('a record has no resourceSpans; it begins ' || left(text, 60))
        end) as resource
        from records
    ),
    scopes as (
        select
            $listed(resource.resource.attributes) as resource,
            identity(resource.resource.attributes) as resource_id,
            unnest(resource.scopeSpans) as scope
        from resources
    ),
    spans as (
        select unnest(scope.spans) as span, scope.scope.name as scope_name, resource, resource_id
        from scopes
    )
    select
        lower(span.traceId) as trace_id,
        lower(span.spanId) as span_id,
        nullif(lower(span.parentSpanId), '') as parent_span_id,
        replace(span.kind, 'SPAN_KIND_', '') as kind,
        span.startTimeUnixNano as start_time_unix_nano,
        span.endTimeUnixNano as end_time_unix_nano,
        replace(span.status.code, 'STATUS_CODE_', '') as status_code,
        span.traceState as trace_state,
        scope_name,
        list_filter(span.events, lambda event: lower(event.name) in {FIRST_TOKEN_EVENTS})[1]
            .timeUnixNano as first_token_unix_nano,
        $listed(span.attributes) as attributes,
        resource as resource_attributes,
        resource_id
    from spans
"""

_EACH_KIND = " union all ".join(
    f"""
    select metric.name as metric, {quoted(kind)} as kind, metric.{kind}.isMonotonic as is_monotonic,
        metric.{kind}.aggregationTemporality as temporality,
        unnest(metric.{kind}.dataPoints) as point, scope_name, resource, resource_id,
        metric_row, generate_subscripts(metric.{kind}.dataPoints, 1) as point_row
    from metrics where metric.{kind}.dataPoints is not null
    """
    for kind in _KINDS
)
_POINTS_OF_FILE = f"""
    with resources as (
        select unnest(from_json($text, {quoted(json.dumps(_METRICS))}).resourceMetrics)
            as resource
        from $scan where contains($text, '"resourceMetrics"')
    ),
    scopes as (
        select
            $listed(resource.resource.attributes) as resource,
            identity(resource.resource.attributes) as resource_id,
            unnest(resource.scopeMetrics) as scope
        from resources
    ),
    delivered as (
        select unnest(scope.metrics) as metric, scope.scope.name as scope_name, resource,
            resource_id
        from scopes
    ),
    metrics as (select *, row_number() over () as metric_row from delivered),
    points as ({_EACH_KIND})
    select
        metric,
        kind,
        lower(is_monotonic) as is_monotonic,
        replace(temporality, 'AGGREGATION_TEMPORALITY_', '') as temporality,
        point.startTimeUnixNano as start_time_unix_nano,
        point.timeUnixNano as time_unix_nano,
        coalesce(point.asInt, point.asDouble) as value,
        point.count as count,
        point.sum as sum,
        try_cast(point.flags as integer) as flags,
        false as is_previous,
        scope_name,
        $listed(point.attributes) as attributes,
        resource as resource_attributes,
        resource_id,
        row_number() over (order by metric_row, kind, point_row) as x_row
    from points
"""
_DELIVERED_POINT = f"create temp table delivered_point as {_POINTS_OF_FILE}"
_POINT_BEFORE = f"""
    insert into delivered_point by name
    select * replace (true as is_previous, x_row - (count(*) over ()) as x_row)
    from ({_POINTS_OF_FILE})
"""


@dataclass(frozen=True)
class _Content:
    """An unpacked file, and what stands somewhere in it."""

    file: Path
    has_snake_case: bool
    has_metrics: bool
    has_arrays: bool


def parse_json(connection: duckdb.DuckDBPyConnection, file: Path, points: str) -> None:
    """Create both tables; where there are no points, `points` is what creates that table."""
    with TemporaryDirectory(prefix="unitledger-") as folder:
        content = _unpacked(file, Path(folder))
        _parse(connection, _DELIVERED_SPAN, content)
        if content.has_metrics:
            _parse(connection, _DELIVERED_POINT, content)
        else:
            connection.execute(points)


def parse_points_before(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Add the points of the file before: from there the counters of this one continue.

    If that one cannot be read, its own slot says so.
    """
    unreadable = (duckdb.Error, OSError, EOFError, zlib.error)
    with TemporaryDirectory(prefix="unitledger-") as folder, suppress(*unreadable):
        content = _unpacked(file, Path(folder))
        if content.has_metrics:
            _parse(connection, _POINT_BEFORE, content)


def has_metrics(file: Path) -> bool:
    """Tell whether metrics stand somewhere in a file."""
    found: set[bytes] = set()
    with _opened(file) as stream:
        deque(_searched(stream, found), maxlen=0)
    return _content(file, found).has_metrics


def _opened(file: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def _unpacked(file: Path, folder: Path) -> _Content:
    found: set[bytes] = set()
    unpacked = folder / file.stem if file.suffix == ".gz" else file
    with _opened(file) as stream:
        if unpacked is file:
            deque(_searched(stream, found), maxlen=0)
        else:
            with unpacked.open("wb") as target:
                target.writelines(_searched(stream, found))
    return _content(unpacked, found)


def _content(file: Path, found: set[bytes]) -> _Content:
    return _Content(
        file, *(bool(found & marks) for marks in (_SNAKE_CASE, _METRICS_MARKS, _ARRAY_MARKS))
    )


def _searched(stream: IO[bytes] | gzip.GzipFile, found: set[bytes]) -> Iterator[bytes]:
    """Yield the file in pieces; put into `found` which marks stand in it, also across pieces."""
    tail = b""
    while chunk := stream.read(_CHUNK):
        joint = tail + chunk[:64]
        found |= {mark for mark in _MARKS - found if mark in chunk or mark in joint}
        tail = chunk[-64:]
        yield chunk


def _parse(connection: duckdb.DuckDBPyConnection, query: str, content: _Content) -> None:
    query = query.replace("$text", _text(content))
    query = query.replace("$listed", "listed_with_arrays" if content.has_arrays else "listed")
    if not content.has_arrays:
        query = query.replace(_ARRAY, "")
    for size in _RECORD_BYTES:
        scan = f"read_json_objects({quoted(str(content.file))}, maximum_object_size = {size})"
        try:
            connection.execute(query.replace("$scan", scan))
            return
        except duckdb.InvalidInputException as error:
            if "maximum_object_size" not in str(error) or size == _RECORD_BYTES[-1]:
                raise


def _text(content: _Content) -> str:
    """Return the SQL of a record's text, with its keys in lowerCamelCase."""
    text = "json"
    for name in _CAMEL_CASE if content.has_snake_case else ():
        snake_case = re.sub("([A-Z])", r"_\1", name).lower()
        text = f"""regexp_replace({text}, '"{snake_case}"\\s*:', '"{name}":', 'g')"""
    return text
