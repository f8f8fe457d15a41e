import gzip
from pathlib import Path
from typing import Any

import pytest
from otlp_spans import (
    AUDIO_INPUT,
    AUDIO_OUTPUT,
    CACHE_READ,
    CACHE_WRITE,
    DAY,
    EXAMPLES,
    INPUT,
    NOON,
    OTEL,
    OUTPUT,
    REASONING,
    SECOND,
    Json,
    Telemetry,
    record,
    span,
)  # fmt: skip
from pydantic import ValidationError

from models.errors import ConfigError

CHAT = {"gen_ai.operation.name": "chat"}


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def call(number: int, attributes: Json | None = None, **fields: Any) -> Json:
    return span(number, None, CHAT | (attributes or {}), **fields)


def at(number: int, start: int) -> Json:
    return call(number, startTimeUnixNano=str(start), endTimeUnixNano=str(start + SECOND))


def judge(telemetry: Telemetry, *spans: Json) -> tuple[list[int], list[Json]]:
    """Return the rows that are attempts, and the quarantine."""
    rows = telemetry.attempts(record(*spans))
    return [row["x_row"] for row in rows], telemetry.rows("quarantine")


BAD: list[tuple[Json, str, str | None, str]] = [
        (call(0, traceId="S0ZTlXr2TU+oJuqx0yoQjw=="), "trace_id", "s0ztlxr2tu+ojuqx0yoqjw==",
         "is not 32 hexadecimal digits"),
        (call(0, traceId=None), "trace_id", None, "is not 32 hexadecimal digits"),
        (call(0, spanId="abc"), "span_id", "abc", "is not 16 hexadecimal digits"),
        (call(0, startTimeUnixNano="noon"), "start_time_unix_nano", "noon",
         "is not a number of nanoseconds"),
        (call(0, endTimeUnixNano=None), "end_time_unix_nano", None,
         "is not a number of nanoseconds"),
        (call(0, endTimeUnixNano="1e30"), "end_time_unix_nano", "1e30",
         "is not a number of nanoseconds"),
        (call(0, startTimeUnixNano="0"), "start_time_unix_nano", "0",
         "is not between 2000 and 2099"),
        (call(0, endTimeUnixNano="9223372036854775807"), "end_time_unix_nano",
         "9223372036854775807", "is not between 2000 and 2099"),
        (call(0, endTimeUnixNano=str(NOON - 1)), "end_time_unix_nano", str(NOON - 1),
         "is before start_time_unix_nano"),
        (at(0, NOON + 2 * DAY), "end_time_unix_nano", str(NOON + 2 * DAY + SECOND),
         "is far ahead of the other spans of the file"),
        (call(0, {INPUT: -1}), INPUT, "-1", "is negative"),
        (call(0, {REASONING: -1}), REASONING, "-1", "is negative"),
        (call(0, {OUTPUT: "many"}), OUTPUT, "many", "is not a whole number"),
        (call(0, {INPUT: "12.5"}), INPUT, "12.5", "is not a whole number"),
        (call(0, {INPUT: 10, CACHE_READ: 11}), CACHE_READ, "11",
         "is more than the input tokens that it is part of"),
        (call(0, {INPUT: 10, CACHE_READ: 6, CACHE_WRITE: 5}), CACHE_READ, "11",
         "is more than the input tokens that it is part of"),
        (call(0, {INPUT: 10, AUDIO_INPUT: 11}), AUDIO_INPUT, "11",
         "is more than the input tokens that it is part of"),
        (call(0, {OUTPUT: 10, REASONING: 11}), REASONING, "11",
         "is more than the output tokens that it is part of"),
        (call(0, {OUTPUT: 10, AUDIO_OUTPUT: 11}), AUDIO_OUTPUT, "11",
         "is more than the output tokens that it is part of"),
        (call(0, {"gen_ai.operation.name": "compose", OUTPUT: 10}), "gen_ai.operation.name",
         "compose", "is not a known operation, yet the span carries usage"),
]  # fmt: skip


def test_a_span_that_cannot_be_used_is_quarantined_with_its_reason_and_the_others_are_not(
    telemetry: Telemetry,
) -> None:
    bad = [
        each
        | ({} if "spanId" in each and each["spanId"] != f"{0:016x}" else {"spanId": f"{n:016x}"})
        for n, (each, *_) in enumerate(BAD, start=101)
    ]
    good = [call(number) for number in range(1, 2 * len(bad))]
    rows, quarantine = judge(telemetry, *bad, *good)
    assert rows == list(range(len(bad) + 1, len(bad) + len(good) + 1))
    found = [(row["column_name"], row["value"], row["reason"]) for row in quarantine]
    assert found == [(column, value, reason) for _, column, value, reason in BAD]
    assert [row["x_row"] for row in quarantine] == list(range(1, len(bad) + 1))
    assert {(row["x_file"], str(row["quarantined_day"])) for row in quarantine} == {
        ("day.jsonl", "2026-10-01")
    }


def test_usage_without_an_operation_is_quarantined_unless_calls_below_it_carry_it(
    telemetry: Telemetry,
) -> None:
    rows, quarantine = judge(
        telemetry,
        span(1, None, {OUTPUT: 10}),
        span(2, None, {OUTPUT: 10}),
        span(3, 2, CHAT | {OUTPUT: 10}),
        span(4, None, {"openinference.span.kind": "CHAIN", "llm.token_count.completion": 10}),
    )
    assert rows == [3]
    assert [(row["x_row"], row["column_name"]) for row in quarantine] == [
        (1, "gen_ai.operation.name")
    ]


def test_a_file_without_any_credible_time_is_quarantined_whole(telemetry: Telemetry) -> None:
    rows, quarantine = judge(telemetry, at(1, 5), at(2, 6))
    assert rows == []
    assert [str(row["quarantined_day"]) for row in quarantine] == ["1970-01-01"] * 2


def test_a_file_of_a_whole_month_holds_no_span_that_is_far_ahead(telemetry: Telemetry) -> None:
    rows, quarantine = judge(telemetry, *(at(day, NOON + day * DAY) for day in range(31)))
    assert (len(rows), quarantine) == (31, [])


def test_an_unknown_operation_above_a_known_one_only_repeats_it(telemetry: Telemetry) -> None:
    crew = call(1, {"gen_ai.operation.name": "run_crew", OUTPUT: 10})
    assert judge(telemetry, crew, span(2, 1, CHAT | {OUTPUT: 10})) == ([2], [])


def test_a_server_s_span_in_quarantine_does_not_come_back_as_its_client_s(
    telemetry: Telemetry,
) -> None:
    rows, quarantine = judge(telemetry, call(1, {OUTPUT: 10}), span(2, 1, CHAT | {OUTPUT: -10}))
    assert (rows, [row["x_row"] for row in quarantine]) == ([], [2])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl", b"", "traces: a.jsonl is empty"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0),
         "traces: a.jsonl.gz is empty"),
        ("a.jsonl.gz", b"plain",
         "traces: a.jsonl.gz is cut off or damaged: Not a gzipped file"),
        ("a.jsonl.gz", gzip.compress(b'{"resourceSpans":[]}\n' * 99, mtime=0)[:-9],
         "traces: a.jsonl.gz is cut off or damaged: Compressed file ended before the "
         "end-of-stream marker was reached"),
        ("a.jsonl", b'{"resourceSpans": [\n',
         'traces a.jsonl: a file cannot be read: Invalid Input Error: Malformed JSON in file "'),
        ("a.json", b'{"spans": []}', "traces a.json: a file cannot be read: Invalid Input Error: "
         'a record has no resourceSpans; it begins {"spans": []}'),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_sentence(
    telemetry: Telemetry, name: str, content: bytes, sentence: str
) -> None:
    (telemetry.folder / name).write_bytes(content)
    (failure,) = telemetry.failures().values()
    assert failure.startswith(sentence)
    assert "\n" not in failure


def test_a_broken_file_leaves_the_last_good_state_and_the_other_files(
    telemetry: Telemetry,
) -> None:
    file = telemetry.write(record(call(1)), name="a.jsonl")
    assert telemetry.failures() == {}
    file.write_text(file.read_text()[:-40])
    telemetry.write(record(call(2)), name="b.jsonl")
    assert set(telemetry.failures()) == {"a.jsonl"}
    index = telemetry.lake.index().filter(status="current", table="attempts")
    assert index["slot"].to_list() == ["a.jsonl", "b.jsonl"]


def test_a_location_that_does_not_exist_is_a_configuration_error(telemetry: Telemetry) -> None:
    telemetry.folder.rmdir()
    with pytest.raises(ConfigError, match="is not a folder"):
        telemetry.failures()


def test_a_lifetime_of_cache_writes_that_nobody_sells_is_refused() -> None:
    with pytest.raises(ValidationError, match="Input should be '5m' or '1h'"):
        OTEL.options(cache_write="2h")


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the published examples are not part of a clone")
@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("inference-perf_*.json")), ids=lambda f: f.stem
)
def test_a_published_trace_in_another_format_is_refused_by_name(
    telemetry: Telemetry, file: Path
) -> None:
    (telemetry.folder / file.name).write_bytes(file.read_bytes())
    (failure,) = telemetry.failures().values()
    assert "a record has no resourceSpans" in failure
