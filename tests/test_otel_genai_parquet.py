"""Spans in Parquet: whatever their columns are called and however they hold attributes."""

from pathlib import Path

import duckdb
import pytest
from otlp_spans import CACHE_READ, INPUT, NOON, OUTPUT, SECOND, TRACE, Json, Telemetry, record, span

ROOT = {"gen_ai.operation.name": "invoke_agent", "customer.id": "acme", "quote": 'a "b"'}
CALL = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "feature.name": "f",
    INPUT: 100, CACHE_READ: 60, OUTPUT: 7,
}  # fmt: skip
PROCESS = {"deployment.environment.name": "production"}


def text_map(attributes: Json) -> str:
    pairs = (f"'{key}': '{value}'" for key, value in attributes.items())
    return f"map {{{', '.join(pairs)}}}"


def json_text(attributes: Json) -> str:
    pairs = (
        f"'{key}', {value}" if isinstance(value, int) else f"'{key}', '{value}'"
        for key, value in attributes.items()
    )
    return f"json_object({', '.join(pairs)})"


def columns_of(attributes: Json) -> str:
    names = sorted(ROOT | CALL)
    return ", ".join(
        f"'{attributes[name]}' as \"attributes.{name}\""
        if name in attributes
        else f'cast(null as varchar) as "attributes.{name}"'
        for name in names
    )


START, END = NOON + 2 * SECOND, NOON + 3 * SECOND

# Of each way to write spans: the columns of one, by its number, its parent and its attributes.
WAYS = {
    "flat": lambda n, parent, attributes: (
        f"""
        '{TRACE}' as trace_id, '{n:016x}' as span_id, {parent} as parent_span_id, 3 as kind,
        {START}::bigint as start_time_unix_nano, {END}::bigint as end_time_unix_nano,
        0 as status_code, {json_text(attributes)} as attributes,
        {json_text(PROCESS)} as resource_attributes"""
    ),
    "ClickHouse": lambda n, parent, attributes: (
        f"""
        make_timestamp_ns({START}) as "Timestamp", '{TRACE.upper()}' as "TraceId",
        '{n:016X}' as "SpanId", coalesce({parent}, '') as "ParentSpanId", 'Client' as "SpanKind",
        'web' as "ServiceName", {text_map(PROCESS)} as "ResourceAttributes",
        {text_map(attributes)} as "SpanAttributes", {SECOND}::bigint as "Duration",
        'Unset' as "StatusCode" """
    ),
    "Phoenix": lambda n, parent, attributes: (
        f"""
        '{TRACE}' as "context.trace_id", '{n:016x}' as "context.span_id", {parent} as parent_id,
        make_timestamptz({START // 1000}) as start_time,
        make_timestamptz({END // 1000}) as end_time,
        'OK' as status_code, {columns_of(attributes)},
        'production' as "attributes.deployment.environment.name" """
    ),
    "milliseconds and bytes": lambda n, parent, attributes: (
        f"""
        unhex('{TRACE}') as trace_id, unhex('{n:016x}') as span_id,
        unhex({parent}) as parent_span_id,
        'SPAN_KIND_CLIENT' as kind, {START // 10**6}::bigint as start_time,
        {END // 10**6}::bigint as end_time, 'STATUS_CODE_OK' as status_code,
        {{'service.name': 'x', 'deployment.environment.name': 'production'}} as resource_attributes,
        {text_map(attributes)} as attributes"""
    ),
    "text": lambda n, parent, attributes: (
        f"""
        '{TRACE}' as trace_id, '{n:016x}' as span_id, {parent} as parent_span_id,
        '2026-10-01T14:00:02+02:00' as start_time, '2026-10-01 12:00:03Z' as end_time,
        {text_map(attributes)} as attributes, {text_map(PROCESS)} as resource_attributes"""
    ),
}


def write(telemetry: Telemetry, way: str, name: str = "spans.parquet") -> None:
    columns = WAYS[way]
    parent = f"'{1:016x}'"
    rows = [columns(1, "cast(null as varchar)", ROOT), columns(2, parent, CALL)]
    query = " union all by name ".join(f"select {row}" for row in rows)
    duckdb.execute(f"copy ({query}) to '{telemetry.folder / name}' (format parquet)")


def without_provenance(row: Json) -> Json:
    return {name: value for name, value in row.items() if not name.startswith("x_")}


def test_every_way_to_write_spans_in_parquet_gives_what_json_gives(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path)
    for way in WAYS:
        write(telemetry, way, f"{way}.parquet")
    sent = [span(1, None, ROOT), span(2, 1, CALL)]
    for each in sent:
        each |= {"startTimeUnixNano": str(START), "endTimeUnixNano": str(END)}
    telemetry.write(record(*sent, resource=PROCESS), name="spans.jsonl")
    rows = {row["x_file"].rpartition(".")[0]: row for row in telemetry.rows()}
    assert {name: row["x_row"] for name, row in rows.items()} == dict.fromkeys([*WAYS, "spans"], 2)
    expected = without_provenance(rows["spans"])
    assert (expected["customer_id"], expected["uncached_input_tokens"]) == ("acme", 40)
    # Phoenix writes no resources: there the environment is the span's own attribute.
    expected_of = {"Phoenix": expected["attribute_sources"].replace("resource", "span")}
    for way in WAYS:
        sources = {"attribute_sources": expected_of.get(way, expected["attribute_sources"])}
        absent = {"absent_parent_span_id": rows[way]["absent_parent_span_id"]}
        assert (way, without_provenance(rows[way])) == (way, expected | sources | absent)


def test_columns_with_names_of_one_s_own_are_configured(tmp_path: Path) -> None:
    columns = {"trace_id": "t", "span_id": "s", "start_time": "b", "end_time": "e",
               "attributes": "a", "parent_span_id": "p"}  # fmt: skip
    telemetry = Telemetry(tmp_path, columns=columns)
    duckdb.execute(f"""
        copy (select '{TRACE}' as t, '{2:016x}' as s, null::varchar as p, {START}::bigint as b,
            {END}::bigint as e, {text_map(CALL)} as a)
        to '{telemetry.folder / "a.parquet"}' (format parquet)
    """)
    (row,) = telemetry.rows()
    assert row["output_tokens"] == 7


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({}, "a.parquet: no column is known to hold trace_id; found id, start_time; name it in the "
             "source's columns"),
        ({"trace_id": "trace"}, "a.parquet: columns.trace_id is trace, which is no column; "
                                "found id, start_time"),
    ],
)  # fmt: skip
def test_a_parquet_file_that_is_none_of_spans_is_one_sentence(
    tmp_path: Path, columns: dict[str, str], sentence: str
) -> None:
    telemetry = Telemetry(tmp_path, columns=columns)
    duckdb.execute(
        f"copy (select 1 as id, 2 as start_time) to '{telemetry.folder}/a.parquet' (format parquet)"
    )
    assert telemetry.failures() == {"a.parquet": sentence}


def test_a_parquet_file_that_is_cut_off_is_one_sentence(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path)
    (telemetry.folder / "a.parquet").write_bytes(b"PAR1")
    (failure,) = telemetry.failures().values()
    assert failure.startswith("traces a.parquet: a file cannot be read: ")
    assert "\n" not in failure
