"""Langfuse's observations. Numbers of public reports stand with the number of the report."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from usage_logs import UNKNOWN, Log, Row, tokens, without_provenance


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, "langfuse_observations")


def observation(number: int = 1, usage: Row | None = None, **fields: object) -> Row:
    """An enriched generation of one second, as the blob storage export writes it."""
    return {
        "id": f"obs-{number}",
        "trace_id": "trace-1",
        "type": "GENERATION",
        "parent_observation_id": None,
        "start_time": f"2026-10-08 10:00:{number:02d}.000000",
        "end_time": f"2026-10-08 10:00:{number + 1:02d}.000000",
        "completion_start_time": f"2026-10-08 10:00:{number:02d}.400000",
        "level": "DEFAULT",
        "environment": "production",
        "provided_model_name": "gpt-5",
        "usage_details": usage or {},
        "metadata": {},
        "tags": [],
    } | fields


def test_an_observation_is_an_attempt_of_its_trace(log: Log) -> None:
    said = {
        "user_id": "acme",
        "session_id": "talk-1",
        "trace_name": "answer",
        "tags": ["feature:x"],
    }
    attempt = log.attempt(observation(usage={"input": 5, "output": 7, "total": 12}, **said))
    assert (attempt["attempt_id"], attempt["workflow_run_id"]) == ("trace-1:obs-1", "trace-1")
    assert (attempt["conversation_id"], attempt["customer_id"]) == ("talk-1", "acme")
    assert (attempt["workflow"], attempt["feature"]) == ("answer", "x")
    assert attempt["environment"] == "production"
    assert attempt["first_token_at"] == datetime(2026, 10, 8, 10, 0, 1, 400_000)
    assert tokens(attempt) == {"uncached_input": 5, "output": 7}


# What was reported, the buckets, and what was used.
REPORTED: list[tuple[str, Row, Row]] = [
    (
        "buckets are disjoint",
        {"input": 3, "cache_read_input_tokens": 9_842, "output": 40, "total": 9_885},
        {"uncached_input": 3, "cache_read": 9_842, "output": 40},
    ),
    (
        "codex-observability-plugin#22: the cached part stands in the input as well",
        {"input": 117_231, "cache_read_input_tokens": 115_584, "output": 225, "total": 117_456},
        {"uncached_input": 1_647, "cache_read": 115_584, "output": 225},
    ),
    (
        "#10592: 17,903 tokens were shown as 35,720",
        {"input": 17_903, "input_cached_tokens": 17_817, "output": 100, "total": 18_003},
        {"uncached_input": 86, "cache_read": 17_817, "output": 100},
    ),
    (
        "litellm#26919: what was written to the cache stands in the input as well",
        {"input": 5_003, "cache_creation_input_tokens": 5_000, "output": 10, "total": 5_013},
        {"uncached_input": 3, "cache_write_5m": 5_000, "output": 10},
    ),
    (
        "cache writes with and without their lifetime",
        {
            "input": 7,
            "input_cache_creation": 5,
            "input_cache_creation_5m": 2_089,
            "input_cache_creation_1h": 11,
            "input_cached_tokens": 16_399,
            "output": 445,
        },
        {
            "uncached_input": 7,
            "cache_read": 16_399,
            "cache_write_5m": 2_094,
            "cache_write_1h": 11,
            "output": 445,
        },
    ),
    (
        "reasoning and speech are beside the output",
        {"input": 9, "output": 10, "output_reasoning_tokens": 30, "output_audio_tokens": 4},
        {"uncached_input": 9, "output": 40, "audio_output": 4},
    ),
    ("nothing is said", {}, UNKNOWN),
    ("0 is said", {"input": 0, "output": 0}, {}),
    ("only a total is said", {"total": 500}, UNKNOWN),
]


def test_buckets_are_disjoint_unless_their_total_says_otherwise(log: Log) -> None:
    rows = [observation(number, usage=usage) for number, (_, usage, _) in enumerate(REPORTED)]
    attempts = {attempt["span_id"]: attempt for attempt in log.attempts(*rows)}
    for number, (reported, _, used) in enumerate(REPORTED):
        assert tokens(attempts[f"obs-{number}"]) == used, reported
    assert attempts["obs-5"]["reasoning_tokens"] == 30


def test_of_several_versions_the_newest_counts_and_a_deleted_one_not_at_all(log: Log) -> None:
    begun = {"event_ts": "2026-10-08 10:00:01.000", "end_time": None}
    ended = {"event_ts": "2026-10-08 10:00:02.000"}
    usage = {"input": 5, "output": 7}
    (attempt,) = log.attempts(
        observation(1, usage=usage, **ended),
        observation(1, **begun),
        observation(2, usage=usage, event_ts="2026-10-08 10:00:03.000", is_deleted=0),
        observation(2, usage=usage, event_ts="2026-10-08 10:00:04.000", is_deleted=1),
    )
    assert (attempt["span_id"], tokens(attempt)) == ("obs-1", {"uncached_input": 5, "output": 7})


def test_agents_and_outer_generations_repeat_the_usage_of_the_calls_below_them(log: Log) -> None:
    usage = {"input": 100, "output": 10}
    attempts = log.attempts(
        observation(1, usage=usage, type="AGENT"),
        observation(2, usage=usage, parent_observation_id="obs-1"),
        observation(3, type="SPAN", parent_observation_id="obs-2"),
        observation(4, usage=usage, parent_observation_id="obs-3"),
        observation(5, usage=usage, parent_observation_id="elsewhere"),
        observation(6, usage={"input": 8}, type="EMBEDDING", parent_observation_id="obs-1"),
    )
    found = {attempt["span_id"]: attempt["absent_parent_span_id"] for attempt in attempts}
    # The outer call may come again in another file.
    assert found == {"obs-4": "obs-2", "obs-5": "elsewhere", "obs-6": None}
    assert tokens(attempts[-1]) == {"uncached_input": 8}


def test_a_failed_generation_is_an_error_of_unknown_tokens_and_a_refused_one_is_rejected(
    log: Log,
) -> None:
    refused = {"attributes": {"error.type": "RateLimitError"}}
    statuses = log.attempts(
        observation(1, level="ERROR"), observation(2, level="ERROR", metadata=refused)
    )
    assert [attempt["status"] for attempt in statuses] == ["error", "rejected"]
    assert tokens(statuses[0]) == UNKNOWN


# --- traces beside observations -------------------------------------------------------------------


def trace(**fields: object) -> Row:
    known = {"id": "trace-1", "timestamp": "2026-10-07 23:59:59.000000", "user_id": "acme"}
    return known | {"event_ts": "2026-10-07 23:59:59", "tags": ["feature:y"]} | fields


def test_a_trace_that_began_the_day_before_says_whom_its_observations_were_for(log: Log) -> None:
    old = {key: value for key, value in observation().items() if key != "tags"}
    log.lines([old], "p/observations/2026-10-09T00-00-00.jsonl")
    stale = trace(user_id="nobody", event_ts="2026-10-07 23:00:00")
    log.lines(
        [trace(metadata={"team.name": "knowledge"}), stale], "p/traces/2026-10-08T00-00-00.jsonl"
    )
    (attempt,) = log.attempts()
    found = [attempt[name] for name in ("customer_id", "feature", "team")]
    assert found == ["acme", "y", "knowledge"]


def test_a_deleted_trace_says_nothing(log: Log) -> None:
    log.lines([observation()], "p/observations/2026-10-09T00-00-00.jsonl")
    log.lines([trace(is_deleted=1)], "p/traces/2026-10-09T00-00-00.jsonl")
    assert [attempt["customer_id"] for attempt in log.attempts()] == [None]


def test_observations_in_both_forms_of_the_export_are_counted_once(log: Log) -> None:
    log.lines([observation()], "p/observations/2026-10-09T00-00-00.jsonl")
    log.lines([observation(user_id="acme")], "p/observations_v2/2026-10-09T00-00-00.jsonl")
    assert [attempt["customer_id"] for attempt in log.attempts()] == ["acme"]


def test_parquet_and_answers_of_the_api_give_the_same_as_json_lines(tmp_path: Path) -> None:
    usage = {"input": 3, "input_cached_tokens": 4, "output": 5}
    row = observation(usage=usage, user_id="acme", tags=["feature:z"], metadata={"a": "b"})
    logs = [Log(tmp_path / name, "langfuse_observations") for name in ("lines", "api", "parquet")]
    lines, api, parquet = logs
    lines.lines([row])
    named = {"start_time": "startTime", "end_time": "endTime", "user_id": "userId"}
    named |= {"usage_details": "usageDetails", "provided_model_name": "providedModelName"}
    named |= {"trace_id": "traceId", "completion_start_time": "completionStartTime"}
    camel = {named.get(key, key): value for key, value in row.items()}
    api.text(json.dumps({"data": [camel], "meta": {}}), "2026-10-08.json")
    pl.DataFrame([row]).write_parquet(parquet.folder / "2026-10-08.parquet")
    found = [without_provenance(log.attempts()) for log in logs]
    assert found[0] == found[1] == found[2]
    assert found[0][0]["feature"] == "z"
