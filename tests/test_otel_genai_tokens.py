from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otlp_spans import (
    AUDIO_INPUT,
    AUDIO_OUTPUT,
    CACHE_READ,
    CACHE_WRITE,
    INPUT,
    OUTPUT,
    REASONING,
    Json,
    Telemetry,
    record,
    span,
)  # fmt: skip

from models.tables import TOKEN_COLUMNS

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def attempt_of(telemetry: Telemetry, attributes: Json, **fields: object) -> Json:
    """The attempt of a chat span with more attributes."""
    (attempt,) = telemetry.attempts(record(span(1, None, CHAT | attributes, **fields)))
    return attempt


def buckets(attempt: Json) -> dict[str, int | None]:
    """The buckets that are not 0, NULL ones among them."""
    values = {column.removesuffix("_tokens"): attempt[column] for column in TOKEN_COLUMNS}
    return {name: value for name, value in values.items() if value != 0}


def tokens(telemetry: Telemetry, attributes: Json) -> dict[str, int | None]:
    return buckets(attempt_of(telemetry, attributes))


# --- tokens -------------------------------------------------------------------------------------

NO_OUTPUT = {"output": None, "audio_output": None}
NO_INPUT = dict.fromkeys(
    ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
)


COUNTS: list[tuple[Json, Json]] = [
        ({INPUT: 100, OUTPUT: 20}, {"uncached_input": 100, "output": 20}),
        ({INPUT: 0, OUTPUT: 0}, {}),
        ({}, NO_INPUT | NO_OUTPUT),
        ({INPUT: 100}, {"uncached_input": 100} | NO_OUTPUT),
        ({OUTPUT: 20}, NO_INPUT | {"output": 20}),
        (
            {INPUT: 100, CACHE_READ: 60, CACHE_WRITE: 30, OUTPUT: 1},
            {"uncached_input": 10, "cache_read": 60, "cache_write_5m": 30, "output": 1},
        ),
        ({INPUT: 100, CACHE_READ: 100, OUTPUT: 1}, {"cache_read": 100, "output": 1}),
        ({INPUT: 9, OUTPUT: 20, REASONING: 15}, {"uncached_input": 9, "output": 20}),
        (
            {INPUT: 100, AUDIO_INPUT: 30, OUTPUT: 20, AUDIO_OUTPUT: 5},
            {"uncached_input": 70, "audio_input": 30, "output": 15, "audio_output": 5},
        ),
        # Some of the cached 90 must be audio.
        ({INPUT: 100, CACHE_READ: 90, AUDIO_INPUT: 30, OUTPUT: 1},
         {"cache_read": 90, "audio_input": 10, "output": 1}),
        ({INPUT: 12.0, OUTPUT: "3"}, {"uncached_input": 12, "output": 3}),
]  # fmt: skip


def test_counts_are_disjoint_zero_is_zero_and_missing_is_null(telemetry: Telemetry) -> None:
    attempts = telemetry.calls(*(CHAT | said for said, _ in COUNTS))
    assert [buckets(attempt) for attempt in attempts] == [counted for _, counted in COUNTS]


def test_reasoning_is_told_beside_the_output_that_contains_it(telemetry: Telemetry) -> None:
    attempt = attempt_of(telemetry, {INPUT: 9, OUTPUT: 20, REASONING: 15})
    assert (attempt["reasoning_tokens"], attempt["output_tokens"]) == (15, 20)


def test_an_embedding_has_no_output_rather_than_an_unknown_one(telemetry: Telemetry) -> None:
    attempt = attempt_of(telemetry, {"gen_ai.operation.name": "embeddings", INPUT: 5})
    assert (attempt["uncached_input_tokens"], attempt["output_tokens"]) == (5, 0)


def test_cache_writes_live_as_long_as_the_source_says(tmp_path: Path) -> None:
    counted = tokens(
        Telemetry(tmp_path, cache_write="1h"), {INPUT: 100, CACHE_WRITE: 30, OUTPUT: 1}
    )
    assert counted == {"uncached_input": 70, "cache_write_1h": 30, "output": 1}


@st.composite
def inclusive_counts(draw: st.DrawFn) -> Json:
    whole = draw(st.integers(0, 10**12))
    read = draw(st.integers(0, whole))
    output = draw(st.integers(0, 10**12))
    parts = {
        CACHE_READ: read,
        CACHE_WRITE: draw(st.integers(0, whole - read)),
        AUDIO_INPUT: draw(st.integers(0, whole)),
        AUDIO_OUTPUT: draw(st.integers(0, output)),
        REASONING: draw(st.integers(0, output)),
    }
    kept = draw(st.sets(st.sampled_from(sorted(parts))))
    return {INPUT: whole, OUTPUT: output} | {name: parts[name] for name in sorted(kept)}


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.lists(inclusive_counts(), min_size=1, max_size=100))
def test_disjoint_buckets_add_up_to_the_inclusive_counts(
    tmp_path_factory: pytest.TempPathFactory, said: list[Json]
) -> None:
    telemetry = Telemetry(tmp_path_factory.mktemp("spans"))
    spans = [span(number, None, CHAT | counts) for number, counts in enumerate(said, start=1)]
    attempts = telemetry.attempts(record(*spans))
    for counts, attempt in zip(said, attempts, strict=True):
        buckets = {column: attempt[column] for column in TOKEN_COLUMNS}
        assert min(buckets.values()) >= 0
        assert sum(buckets.values()) == counts[INPUT] + counts[OUTPUT]
        assert buckets["output_tokens"] + buckets["audio_output_tokens"] == counts[OUTPUT]
        assert buckets["cache_read_tokens"] == counts.get(CACHE_READ, 0)


def test_a_current_name_goes_before_an_older_one_even_when_it_says_zero(
    telemetry: Telemetry,
) -> None:
    assert tokens(telemetry, {INPUT: 5, OUTPUT: 0, "gen_ai.usage.completion_tokens": 9}) == {
        "uncached_input": 5
    }


# --- outcome ------------------------------------------------------------------------------------


OUTCOMES: list[tuple[Json, object, str]] = [
    ({}, None, "ok"),
    ({"http.response.status_code": 200}, 1, "ok"),
    ({}, 2, "error"),
    ({}, "STATUS_CODE_ERROR", "error"),
    ({"error.type": "timeout"}, None, "error"),
    ({"http.response.status_code": 500}, None, "error"),
    ({"http.response.status_code": 408, "error.type": "timeout"}, None, "error"),
    # The answer had begun: what it cost is billed.
    ({"http.response.status_code": 200, "error.type": "rate_limit_exceeded"}, None, "error"),
    ({"http.response.status_code": 429}, None, "rejected"),
    ({"http.status_code": 400, "error.type": "timeout"}, None, "rejected"),
    ({"error.type": "429"}, 2, "rejected"),
    ({"error.type": "rate_limit_exceeded"}, 2, "rejected"),
    ({"error.type": "openai.RateLimitError"}, 2, "rejected"),
    # One's own cache answered: its tokens are no usage, whatever they repeat.
    ({"cache_hit": "True"}, None, "cached"),
    ({"litellm.cache_hit": True}, None, "cached"),
    ({"cache_hit": "False"}, None, "ok"),
    ({"cache_hit": "None"}, None, "ok"),
]


def test_only_what_was_refused_before_any_work_is_rejected_and_that_has_no_tokens(
    telemetry: Telemetry,
) -> None:
    usage = {INPUT: 10, OUTPUT: 5, REASONING: 4}
    attempts = telemetry.attempts(
        record(
            *(
                span(number, None, {**CHAT, **usage, **said}, status={"code": code})
                for number, (said, code, _) in enumerate(OUTCOMES)
            )
        )
    )
    assert [row["status"] for row in attempts] == [status for _, _, status in OUTCOMES]
    assert [row["error_type"] for row in attempts] == [
        said.get("error.type") for said, _, _ in OUTCOMES
    ]
    for attempt in attempts:
        counts = {attempt[name] for name in (*TOKEN_COLUMNS, "reasoning_tokens")}
        assert counts == ({None} if attempt["status"] in ("rejected", "cached") else {10, 5, 4, 0})


def test_a_span_without_a_model_is_an_attempt_without_a_model(telemetry: Telemetry) -> None:
    attributes = {"gen_ai.operation.name": "chat", INPUT: 1}
    (attempt,) = telemetry.attempts(record(span(1, None, attributes)))
    assert (attempt["request_model"], attempt["response_model"]) == (None, None)
    assert telemetry.rows("quarantine") == []
