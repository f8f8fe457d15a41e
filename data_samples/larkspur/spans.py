"""OTLP/JSON spans of the traced runs: root → client call → model server. One file a day, by the
day a span ended.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from .company import DAY, EMBEDDING, Period, to_date
from .draws import Draws
from .writing import write_gzip

INTERNAL, SERVER, CLIENT = 1, 2, 3
SPANS_A_LINE = 150
Row = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """One span and the resource that sent it; `ended_ms` decides its file."""

    resource: tuple[tuple[str, str], ...]
    ended_ms: int
    body: Row


@dataclass(frozen=True)
class Naming:
    """Which generation of the semantic conventions a client speaks."""

    provider: str
    input_tokens: str
    output_tokens: str
    text_numbers: bool


CURRENT = Naming(
    "gen_ai.provider.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", True
)
OLDER = Naming(
    "gen_ai.system", "gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", False
)


def _attributes(values: Row, naming: Naming) -> list[Row]:
    """Key-value pairs; integers are strings by the standard, plain numbers by common deviation."""
    pairs = []
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, int):
            pairs.append(
                {"key": key, "value": {"intValue": str(value) if naming.text_numbers else value}}
            )
        elif isinstance(value, float):
            pairs.append({"key": key, "value": {"doubleValue": value}})
        else:
            pairs.append({"key": key, "value": {"stringValue": value}})
    return pairs


def _body(
    ids: tuple[str, str, str],
    name: str,
    kind: int,
    times: tuple[int, int],
    attributes: list[Row],
    failed: bool,
) -> Row:
    trace_id, span_id, parent = ids
    start, end = (f"{ms}000000" for ms in times)
    body: Row = {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
    }
    if not parent:
        del body["parentSpanId"]
    body |= {"startTimeUnixNano": start, "endTimeUnixNano": end, "attributes": attributes}
    return body | {"status": {"code": 2} if failed else {}}


def entities(row: Row) -> Row:
    return {
        "customer.id": row["customer_id"],
        "feature.name": row["feature"],
        "gen_ai.workflow.name": row["workflow"],
        "team.name": row["team"],
    }


def usage(row: Row, naming: Naming) -> Row:
    """The usage a span reports: none where a stream broke off; output at most in a refusal."""
    if row["outcome"] == "cut_off":
        return {}
    if row["outcome"] == "rejected":
        return {naming.output_tokens: row["output_tokens"] or None}
    values = {naming.input_tokens: row["input_tokens"]}
    if row["model"] != EMBEDDING:
        values[naming.output_tokens] = row["output_tokens"]
    values["gen_ai.usage.cache_read.input_tokens"] = row["cached_tokens"] or None
    values["gen_ai.usage.reasoning.output_tokens"] = row["reasoning_tokens"] or None
    return values


def _failure(row: Row) -> Row:
    if row["outcome"] == "rejected":
        return {"error.type": "rate_limit_exceeded", "http.response.status_code": 429}
    if row["outcome"] == "failed":
        return {"error.type": "timeout", "http.response.status_code": 504}
    return {"http.response.status_code": 200}


def _call(row: Row, naming: Naming) -> Row:
    return {
        "gen_ai.operation.name": "embeddings" if row["model"] == EMBEDDING else "chat",
        naming.provider: row["provider"],
        "gen_ai.request.model": row["model"],
        "gen_ai.response.model": None if row["outcome"] == "rejected" else row["response_model"],
        **usage(row, naming),
        **_failure(row),
    }


def _name(row: Row) -> str:
    return f"{'embeddings' if row['model'] == EMBEDDING else 'chat'} {row['model']}"


def client_span(row: Row, naming: Naming, carries_entities: bool) -> Span:
    values = _call(row, naming) | {
        "gen_ai.conversation.id": f"conv-{row['trace_id'][:12]}",
        "app.operation.id": row["operation_id"],
        "openai.api_key_id": row["api_key_id"],
        "openai.project_id": row["project_id"],
    }
    if carries_entities:
        values |= entities(row)
    body = _body(
        (row["trace_id"], row["client_span_id"], row["root_span_id"]),
        _name(row),
        CLIENT,
        (row["sent_ms"], row["received_ms"]),
        _attributes(values, naming),
        row["outcome"] in ("failed", "rejected"),
    )
    return Span(_service(row), row["received_ms"], body)


def _waits(row: Row) -> Row:
    """In seconds, as servers that measure them say how long a request waited."""
    names = {
        "gen_ai.latency.time_in_queue": row.get("queued_ms"),
        "gen_ai.latency.time_to_first_token": row.get("first_token_ms"),
    }
    return {name: value / 1_000 for name, value in names.items() if value is not None}


def server_span(row: Row) -> Span:
    """The model server's own span: it knows its pod and nothing of the customer."""
    resource = (("service.name", "model-server"), ("k8s.pod.uid", row["pod_uid"]))
    body = _body(
        (row["trace_id"], row["span_id"], row["client_span_id"]),
        _name(row),
        SERVER,
        (row["started_ms"], row["ended_ms"]),
        _attributes(_call(row, CURRENT) | _waits(row), CURRENT),
        row["outcome"] == "failed",
    )
    return Span(resource, row["ended_ms"], body)


def root_span(rows: list[Row], naming: Naming) -> Span:
    """The run: it carries the entities, and repeats the usage of its children."""
    first = rows[0]
    totals: dict[str, int] = {}
    for row in rows:
        for key, tokens in usage(row, naming).items():
            totals[key] = totals.get(key, 0) + (tokens or 0)
    values = {
        "gen_ai.operation.name": "invoke_workflow",
        **entities(first),
        "gen_ai.conversation.id": f"conv-{first['trace_id'][:12]}",
        **totals,
    }
    body = _body(
        (first["trace_id"], first["root_span_id"], ""),
        f"invoke_workflow {first['workflow']}",
        INTERNAL,
        (first["run_started_ms"], root_end(rows)),
        _attributes(values, naming),
        False,
    )
    return Span(_service(first), root_end(rows), body)


def root_end(rows: list[Row]) -> int:
    return max(int(row["received_ms"]) for row in rows) + 25


def _service(row: Row) -> tuple[tuple[str, str], ...]:
    return ("service.name", f"{row['feature']}-service"), (
        "deployment.environment.name",
        row["environment"],
    )


def run_spans(rows: list[Row], draws: Draws) -> Iterator[Span]:
    """All spans of one trace. Half the clients repeat the entities, as do all around midnight."""
    naming = OLDER if draws.number("older", rows[0]["run"]) % 100 < 15 else CURRENT
    repeats = draws.number("repeats", rows[0]["run"]) % 2 == 0
    yield root_span(rows, naming)
    for row in rows:
        crosses = any(
            row[name] // DAY != root_end(rows) // DAY for name in ("received_ms", "ended_ms")
        )
        yield client_span(row, naming, repeats or crosses)
        if row["pod_uid"]:
            yield server_span(row)


def sample_spans(attempts: pl.DataFrame, draws: Draws) -> Iterator[Span]:
    traced = attempts.filter(pl.col("is_traced")).sort("run", "attempt")
    rows: list[Row] = []
    for row in traced.iter_rows(named=True):
        if rows and row["run"] != rows[0]["run"]:
            yield from run_spans(rows, draws)
            rows = []
        rows.append(row)
    if rows:
        yield from run_spans(rows, draws)


def day_files(spans: Iterable[Span], period: Period, draws: Draws) -> dict[str, list[Span]]:
    """Spans by file; some come again at the end of the same file, some in the next day's."""
    files: dict[str, list[Span]] = {str(day): [] for day in period.dates()}
    again: dict[str, list[Span]] = {day: [] for day in files}
    for span in sorted(
        spans, key=lambda span: (span.ended_ms, span.body["traceId"], span.body["spanId"])
    ):
        files[str(to_date(span.ended_ms))].append(span)
        lot = draws.number("export", span.body["spanId"]) % 1_000
        repeated_in = str(to_date(span.ended_ms if lot < 5 else span.ended_ms + DAY))
        if lot < 8 and repeated_in in again:
            again[repeated_in].append(span)
    return {day: spans + again[day] for day, spans in files.items()}


def _export_line(spans: list[Span]) -> str:
    resources: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for span in spans:
        resources.setdefault(span.resource, []).append(span.body)
    request = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [
                        {"key": key, "value": {"stringValue": value}} for key, value in resource
                    ]
                },
                "scopeSpans": [
                    {"scope": {"name": "larkspur.telemetry", "version": "1.4.0"}, "spans": bodies}
                ],
            }
            for resource, bodies in sorted(resources.items())
        ]
    }
    return json.dumps(request, separators=(",", ":"))


def write_files(spans: Iterable[Span], period: Period, draws: Draws, folder: Path) -> int:
    """Writes `<day>.jsonl.gz`; returns the number of spans delivered, repeats included."""
    delivered = 0
    for day, mine in day_files(spans, period, draws).items():
        lines = [
            _export_line(mine[first : first + SPANS_A_LINE])
            for first in range(0, len(mine), SPANS_A_LINE)
        ]
        write_gzip("".join(line + "\n" for line in lines), folder / f"{day}.jsonl.gz")
        delivered += len(mine)
    return delivered


def write_spans(attempts: pl.DataFrame, period: Period, draws: Draws, folder: Path) -> int:
    return write_files(sample_spans(attempts, draws), period, draws, folder)
