"""Requests by a user's own map: forms of files, times, what is refused and what is quarantined."""

import gzip
import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from usage_logs import UNKNOWN, Log, Row, tokens, without_provenance

from models.errors import ConfigError

PLAIN: dict[str, Any] = {
    "title": "A log",
    "documentation": "https://log.example",
    "about": {
        "vendor": "any", "kind": "telemetry", "interface": "files", "granularity": "attempt",
        "restated": "nothing", "cannot_tell": "much", "tested_with": "a test",
    },
    "unique": "id",
    "optional": ["session"],
    "attempts": {
        "span_id": "id",
        "trace_id": "session",
        "started_at": "began",
        "ended_at": "ended",
        "request_model": "model",
        "input_tokens": '"usage.in"',
        "cache_read_tokens": '"usage.cached"',
        "output_tokens": '"usage.out"',
    },
    "entities": {"customer": ["usage.tenant", "user"]},
}  # fmt: skip


def log_of(root: Path, content: dict[str, Any] | None = None, **options: Any) -> Log:
    root.mkdir(exist_ok=True)
    (root / "map.yml").write_text(yaml.safe_dump(content or PLAIN))
    return Log(root, "usage_mapping", map="map.yml", **options)


def changed(**sections: Any) -> dict[str, Any]:
    """PLAIN with other sections; `attempts` are added to."""
    attempts = {**PLAIN["attempts"], **sections.pop("attempts", {})}
    return {**PLAIN, **sections, "attempts": attempts}


def request(number: int = 1, **fields: Any) -> Row:
    return {
        "id": f"r{number}",
        "began": f"2026-10-08T10:00:{number:02d}Z",
        "ended": f"2026-10-08T10:00:{number + 1:02d}Z",
        "model": "gpt-5",
        "user": "u1",
        "usage": {"in": 10, "cached": 4, "out": 3},
    } | fields


def test_every_form_of_file_gives_the_same_attempts(tmp_path: Path) -> None:
    rows = [request(1), request(2, usage={"in": 7, "tenant": "acme"}), request(3, usage=None)]
    forms = ["csv", "tsv", "json", "jsonl", "jsonl.gz", "parquet"]
    logs = {form: log_of(tmp_path / form.replace(".", "_")) for form in forms}
    logs["csv"].csv(rows)
    texts = [{key: _text(value) for key, value in row.items()} for row in rows]
    logs["tsv"].text(pl.DataFrame(texts).write_csv(separator="\t"), "2026-10-08.tsv")
    logs["json"].text(json.dumps(rows), "2026-10-08.json")
    logs["jsonl"].lines(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (logs["jsonl.gz"].folder / "2026-10-08.jsonl.gz").write_bytes(gzip.compress(lines))
    nested = [row | {"usage": row["usage"] or {}} for row in rows]
    pl.DataFrame(nested).write_parquet(logs["parquet"].folder / "2026-10-08.parquet")
    found = {form: without_provenance(log.attempts()) for form, log in logs.items()}
    assert [tokens(attempt) for attempt in found["jsonl"]] == [
        {"uncached_input": 6, "cache_read": 4, "output": 3},
        {"uncached_input": 7, "output": None, "audio_output": None},
        UNKNOWN,
    ]
    assert [attempt["customer_id"] for attempt in found["jsonl"]] == ["u1", "acme", "u1"]
    for form in forms:
        assert found[form] == found["jsonl"], form


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def test_the_order_and_the_files_of_a_day_do_not_matter(tmp_path: Path) -> None:
    rows = [request(number, session=f"s{number % 3}") for number in range(1, 20)]
    rows += rows[4:9]
    whole = log_of(tmp_path / "whole")
    whole.lines(rows)
    random.Random(7).shuffle(rows)
    parted = log_of(tmp_path / "parted")
    parted.lines(rows[:9], "a/2026-10-08-1.jsonl")
    parted.csv([{"session": None} | row for row in rows[9:]], "2026-10-08-2.csv")
    assert without_provenance(parted.attempts()) == without_provenance(whole.attempts())
    assert len(whole.attempts()) == 19


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ({}, "2026-10-08T12:00:01.5+02:00"),
        ({}, "2026-10-08 10:00:01.500"),
        ({"zone": "Europe/Berlin"}, "2026-10-08T12:00:01.500"),
        ({"format": "epoch_seconds"}, 1_791_453_601.5),
        ({"format": "epoch_milliseconds"}, 1_791_453_601_500),
        ({"format": "%d/%m/%Y %H:%M:%S.%f", "zone": "Asia/Tokyo"}, "08/10/2026 19:00:01.500"),
    ],
)
def test_times_are_read_as_they_are_written(tmp_path: Path, time: Row, written: object) -> None:
    content = changed(time=time)
    del content["attempts"]["ended_at"]
    content["attempts"]["duration_ms"] = "ms"
    attempt = log_of(tmp_path / "log", content).attempt(request(began=written, ms=250))
    assert attempt["started_at"] == datetime(2026, 10, 8, 10, 0, 1, 500_000)
    assert attempt["ended_at"] == datetime(2026, 10, 8, 10, 0, 1, 750_000)


def test_a_request_without_an_end_ended_when_it_began(tmp_path: Path) -> None:
    attempt = log_of(tmp_path / "log").attempt(request(ended=None))
    assert attempt["ended_at"] == attempt["started_at"]


def test_what_cannot_be_is_quarantined_with_its_reason_and_stops_nothing(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log")
    attempts = log.attempts(
        request(1),
        request(2, began="yesterday"),
        request(3, ended="1999-12-31"),
        request(4, ended="2026-10-08T09:00:00Z"),
        request(5, id=None),
        request(6, usage={"in": "many"}),
        request(7, usage={"in": -1}),
        request(8, usage={"in": 3, "cached": 4}),
        request(9, usage={"in": 12.0, "out": 1}),
    )
    assert [attempt["span_id"] for attempt in attempts] == ["r1", "r9"]
    assert log.quarantined() == [
        ("began", "yesterday", "is no time such as 2026-10-01T00:00:00Z"),
        ("ended", "1999-12-31", "is not between 2000 and 2099"),
        ("ended", "2026-10-08T09:00:00Z", "ends before it begins"),
        ("id", None, "is missing"),
        ("usage.in", "many", "is not a whole number"),
        ("usage.in", "-1", "is negative"),
        ("usage.cached", "4", "is more than the input tokens that it is part of"),
    ]


def test_fields_of_an_entity_are_the_sources_to_say(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log", entities={"customer": ["user"], "team": ["labels[team]"]})
    row = request(usage={"in": 1, "tenant": "acme"}, labels=["x", "team=red"])
    attempt = log.attempt(row)
    assert (attempt["customer_id"], attempt["team"]) == ("u1", "red")
    assert attempt["attribute_sources"] == '{"customer":"gateway","team":"gateway"}'


def test_a_column_that_is_misspelt_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log")
    log.csv([{"ident": "r1"} | {k: v for k, v in request().items() if k != "id"}])
    (sentence,) = log.sample.run().values()
    assert sentence == (
        "2026-10-08.csv: column id is missing; found ident, began, ended, model, user, usage"
    )


def test_a_line_that_is_no_record_is_a_sentence_and_an_error_answer_is_quarantined(
    tmp_path: Path,
) -> None:
    log = log_of(tmp_path / "log")
    log.text(json.dumps([request()]) + "\n", "2026-10-08.jsonl")
    (sentence,) = log.sample.run().values()
    assert 'a record is no object; it begins [{"id": "r1"' in sentence
    answer = Log(tmp_path / "langfuse", "langfuse_observations")
    answer.text('{"message": "Too many requests", "error": "TooManyRequestsError"}', "1.json")
    assert answer.attempts() == []
    assert answer.quarantined() == [("id", None, "is missing")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"attempt": {}}, "attempt: unknown key, did you mean attempts?; allowed: title, "),
        (changed(attempts={"tokens": "x"}), "attempts.tokens: unknown key; allowed: trace_id, "),
        (changed(attempts={"span_id": "usage.id"}), "a name with dots stands in "),
        (changed(attempts={"span_id": "read_text('x')"}), "calls read_text; "),
        (changed(attempts={"is_error": "id +"}), "attempts.is_error: 'id +' is not an expression"),
        (changed(entities={"costumer": ["x"]}), "costumer: unknown entity; allowed: customer, "),
        (
            changed(entities={"team": ["User", "user"]}),
            "User and user differ by the case of letters only",
        ),
        (changed(time={"zone": "Berlin"}), "time: "),
        (changed(unique=None, deleted="x = '1'"), "unique: is missing; newest and deleted are "),
    ],
)
def test_a_map_that_is_wrong_is_one_sentence_before_anything_is_read(
    tmp_path: Path, content: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as said:
        log_of(tmp_path / "log", {**PLAIN, **content})
    assert sentence in str(said.value)
    assert str(said.value).startswith("map.yml: ")


def test_a_map_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="map: is missing; allowed: a file such as"):
        Log(tmp_path, "usage_mapping", cache_write="1h")


AZURE = Path(__file__).parents[2] / "shared" / "samples" / "telemetry" / "azure-llm-2023"


@pytest.mark.skipif(not AZURE.exists(), reason="the published traces are not here")
def test_28185_real_requests_without_ids_are_as_many_attempts_with_all_their_tokens(
    tmp_path: Path,
) -> None:
    attempts = {
        "span_id": "concat_ws(':', x_file, x_row)",
        "started_at": '"TIMESTAMP"',
        "input_tokens": '"ContextTokens"',
        "output_tokens": '"GeneratedTokens"',
    }
    content = {**PLAIN, "unique": None, "optional": [], "attempts": attempts, "entities": {}}
    log = log_of(tmp_path / "log", content)
    traces = [pl.read_parquet(file) for file in sorted(AZURE.glob("*.parquet"))]
    for file in AZURE.glob("*.parquet"):
        (log.folder / file.name).write_bytes(file.read_bytes())
    assert log.sample.run() == {}
    columns = "count(distinct attempt_id), sum(uncached_input_tokens), sum(output_tokens)"
    (told,) = log.sample.rows("attempts", columns)
    asked, answered = (
        sum(int(trace[name].cast(pl.Int64).sum()) for trace in traces)
        for name in ("ContextTokens", "GeneratedTokens")
    )
    assert list(told.values()) == [28_185, asked, answered]
