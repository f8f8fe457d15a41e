"""What each instrumentation calls the same thing, and what tells inclusive counts from others."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from otlp_spans import CACHE_READ, INPUT, NOON, OUTPUT, SECOND, Json, Telemetry, record, span

CHAT = {"gen_ai.operation.name": "chat"}
COLUMNS = (
    "operation_name", "provider_name", "uncached_input_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def values(attempt: Json, *columns: str) -> tuple[object, ...]:
    return tuple(attempt[column] for column in columns)


# --- generations of names -----------------------------------------------------------------------

# 40 uncached, 60 cached and 7 produced tokens of the model m, as each of them says it.
GENERATIONS: dict[str, tuple[str, Json]] = {
    "current": ("chat", CHAT | {"gen_ai.provider.name": "p", "gen_ai.request.model": "m",
        INPUT: 100, CACHE_READ: 60, OUTPUT: 7}),
    "before 1.37": ("chat", CHAT | {"gen_ai.system": "p", "gen_ai.request.model": "m",
        "gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.cache_read_input_tokens": 60,
        "gen_ai.usage.completion_tokens": 7}),
    "OpenLLMetry": ("chat", {"llm.request.type": "chat", "gen_ai.system": "p",
        "gen_ai.request.model": "m", "llm.usage.prompt_tokens": 100,
        "llm.usage.completion_tokens": 7, "gen_ai.usage.cache_read_input_tokens": 60}),
    "OpenInference": ("chat", {"openinference.span.kind": "LLM", "llm.provider": "p",
        "llm.model_name": "m", "llm.token_count.prompt": 100, "llm.token_count.completion": 7,
        "llm.token_count.prompt_details.cache_read": 60}),
    "OpenInference's embedding": ("embeddings", {"openinference.span.kind": "EMBEDDING",
        "llm.provider": "p", "embedding.model_name": "m", "llm.token_count.prompt": 100,
        "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.completion": 7}),
    "vLLM": ("text_completion", {"gen_ai.latency.e2e": 0.5, "gen_ai.response.model": "m",
        "gen_ai.system": "p", INPUT: 100, CACHE_READ: 60, OUTPUT: 7}),
    "Vercel AI SDK 4": ("chat", {"ai.operationId": "ai.generateText.doGenerate",
        "ai.model.id": "m", "ai.model.provider": "p", "ai.usage.promptTokens": 100,
        "ai.usage.completionTokens": 7, "ai.usage.cachedInputTokens": 60}),
    "Vercel AI SDK 6": ("chat", {"ai.operationId": "ai.streamText.doStream",
        "ai.model.id": "m", "ai.model.provider": "p", "ai.usage.inputTokens": 100,
        "ai.usage.outputTokens": 7, "ai.usage.inputTokenDetails.cacheReadTokens": 60}),
    "Langfuse": ("chat", {"langfuse.observation.type": "generation", "gen_ai.system": "p",
        "langfuse.observation.model.name": "m", "langfuse.observation.usage_details":
        json.dumps({"input": 40, "input_cached_tokens": 60, "output": 7, "total": 107})}),
    "LiteLLM": ("chat", {"llm.request.type": "acompletion", "gen_ai.system": "p",
        "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 7, CACHE_READ: 60}),
    "Pydantic AI": ("chat", CHAT | {"gen_ai.system": "p", "gen_ai.request.model": "m",
        INPUT: 100, OUTPUT: 7, "gen_ai.usage.details.cache_read_tokens": 60}),
}  # fmt: skip


def test_every_generation_of_names_means_the_same(telemetry: Telemetry) -> None:
    attempts = telemetry.calls(*(attributes for _, attributes in GENERATIONS.values()))
    counted = ("uncached_input_tokens", "cache_read_tokens", "output_tokens", "provider_name")
    for (name, (operation, _)), attempt in zip(GENERATIONS.items(), attempts, strict=True):
        assert (name, attempt["operation_name"]) == (name, operation)
        assert (name, *values(attempt, *counted)) == (name, 40, 60, 7, "p")
        assert "m" in values(attempt, "request_model", "response_model")


def test_the_vercel_sdk_s_outer_span_only_repeats_the_calls_below_it(telemetry: Telemetry) -> None:
    outer = {"ai.operationId": "ai.generateText", "ai.usage.promptTokens": 5}
    inner = {"ai.operationId": "ai.generateText.doGenerate", "ai.usage.promptTokens": 5}
    rows = telemetry.attempts(record(span(1, None, outer), span(2, 1, inner)))
    assert [int(row["span_id"], 16) for row in rows] == [2]
    assert telemetry.rows("quarantine") == []


# --- inclusive or disjoint ----------------------------------------------------------------------

ANTHROPIC = {
    "input_tokens": 7, "cache_creation_input_tokens": 2089, "cache_read_input_tokens": 16399,
    "cache_creation": {"ephemeral_5m_input_tokens": 89, "ephemeral_1h_input_tokens": 2000},
    "output_tokens": 445,
}  # fmt: skip
LANGFUSE = {"langfuse.observation.type": "generation"}
VERCEL = {"ai.operationId": "ai.generateText.doGenerate", "ai.usage.outputTokens": 445}


def langfuse(**usage: object) -> Json:
    return LANGFUSE | {"langfuse.observation.usage_details": json.dumps(usage)}


def vercel(anthropic: Json) -> Json:
    metadata = json.dumps({"anthropic": anthropic})
    return VERCEL | {"ai.usage.inputTokens": 7, "ai.response.providerMetadata": metadata}


# What is said, and: uncached, cached, written for 5 minutes, for an hour, output, of it reasoning.
DETAILS: list[tuple[Json, tuple[int | None, ...]]] = [
    # Langfuse's buckets are disjoint …
    (langfuse(input=10, input_cached_tokens=90, output=5, output_reasoning_tokens=7),
     (10, 90, 0, 0, 12, 7)),
    (langfuse(input=10, input_cache_creation_5m=20, input_cache_creation_1h=30, output=5),
     (10, 0, 20, 30, 5, None)),
    # … but for those whose own total says that they are not, and OpenAI's own names.
    (langfuse(input=100, input_cached_tokens=90, output=12, output_reasoning_tokens=7, total=112),
     (10, 90, 0, 0, 12, 7)),
    (langfuse(prompt_tokens=100, completion_tokens=12, prompt_tokens_details={"cached_tokens": 90},
              completion_tokens_details={"reasoning_tokens": 7}),
     (10, 90, 0, 0, 12, 7)),
    # Anthropic's own answer leaves cached tokens out; the detail of writes is a part, not more.
    (langfuse(**ANTHROPIC), (7, 16399, 89, 2000, 445, None)),
    (vercel({"usage": ANTHROPIC}), (7, 16399, 89, 2000, 445, None)),
    (vercel({"cacheCreationInputTokens": 20, "cacheReadInputTokens": 30}),
     (7, 30, 20, 0, 445, None)),
    # A total that is right only with the cached tokens added tells, and one without them too.
    (CHAT | {INPUT: 10, CACHE_READ: 30, OUTPUT: 2, "llm.usage.total_tokens": 42},
     (10, 30, 0, 0, 2, None)),
    (CHAT | {INPUT: 40, CACHE_READ: 30, OUTPUT: 2, "gen_ai.usage.total_tokens": 42},
     (10, 30, 0, 0, 2, None)),
]  # fmt: skip


def test_cached_tokens_are_counted_once_whoever_counts(telemetry: Telemetry) -> None:
    attempts = telemetry.calls(*(attributes for attributes, _ in DETAILS))
    for (attributes, counts), attempt in zip(DETAILS, attempts, strict=True):
        assert (attributes, values(attempt, *COLUMNS[2:])) == (attributes, counts)


def test_a_scope_that_is_known_to_leave_cached_tokens_out_is_named_and_no_other(
    tmp_path: Path,
) -> None:
    telemetry = Telemetry(tmp_path, disjoint_scopes=("anthropic.raw",))
    raw, usual = (
        record(span(number, None, CHAT | {INPUT: 10, CACHE_READ: 30, OUTPUT: 2}))
        for number in (1, 2)
    )
    raw["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"] = "anthropic.raw"
    rows = telemetry.attempts(raw, usual)
    assert [values(row, *COLUMNS[2:4]) for row in rows] == [(10, 30)]
    # More cached than input: which of both it is, nobody can tell.
    (bad,) = telemetry.rows("quarantine")
    assert values(bad, "x_row", "column_name", "value") == (2, CACHE_READ, "30")


# --- two instrumentations of one call -----------------------------------------------------------


def test_of_a_call_that_two_instrumentations_saw_the_inner_span_is_the_attempt(
    telemetry: Telemetry,
) -> None:
    outer = CHAT | {INPUT: 100, OUTPUT: 7, "customer.id": "acme"}
    inner = {"openinference.span.kind": "LLM", "llm.token_count.prompt": 100,
             "llm.token_count.completion": 7}  # fmt: skip
    (row,) = telemetry.attempts(record(span(1, None, outer), span(2, 1, inner)))
    assert values(row, "span_id", "customer_id") == (f"{2:016x}", "acme")
    assert values(row, "uncached_input_tokens", "output_tokens") == (100, 7)


def test_an_inner_span_without_counts_takes_those_of_the_only_call_around_it(
    telemetry: Telemetry,
) -> None:
    outer, silent = CHAT | {INPUT: 100, OUTPUT: 7}, {"openinference.span.kind": "LLM"}
    rows = telemetry.attempts(
        record(
            span(1, None, outer), span(2, 1, {}), span(3, 2, silent),
            # Which of two attempts was counted, nobody says.
            span(4, None, outer), span(5, 4, silent), span(6, 4, silent),
            # An agent's counts may be those of several calls.
            span(7, None, outer | {"gen_ai.operation.name": "invoke_agent"}), span(8, 7, silent),
        )
    )  # fmt: skip
    counts = {int(row["span_id"], 16): values(row, *COLUMNS[2:3], "output_tokens") for row in rows}
    assert counts == {3: (100, 7), 5: (None, None), 6: (None, None), 8: (None, None)}


# --- times and weights --------------------------------------------------------------------------


def test_the_first_token_comes_by_seconds_milliseconds_a_time_or_an_event(
    telemetry: Telemetry,
) -> None:
    said: list[Json] = [
        {"gen_ai.response.time_to_first_chunk": 0.25},
        {"gen_ai.server.time_to_first_token": "0.25"},
        {"gen_ai.latency.time_to_first_token": 2.5e-1},
        {"ai.response.msToFirstChunk": 250.0},
        {"langfuse.observation.completion_start_time": '"2026-10-01T12:00:00.25Z"'},
        {"langfuse.observation.completion_start_time": "2026-10-01T14:00:00.250+02:00"},
        {},
        {"gen_ai.response.time_to_first_chunk": 1.5},  # after the end: no first token
        {"gen_ai.response.time_to_first_chunk": "soon"},
    ]
    event = {"name": "First Token Stream Event", "timeUnixNano": str(NOON + SECOND // 4)}
    at_noon = {"startTimeUnixNano": str(NOON), "endTimeUnixNano": str(NOON + SECOND)}
    spans = [span(n, None, CHAT | each, **at_noon) for n, each in enumerate(said, start=1)]
    spans.append(span(20, None, CHAT, events=[{"name": "exception"}, event], **at_noon))
    first = datetime(2026, 10, 1, 12, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=0.25)
    times = [row["first_token_at"] for row in telemetry.attempts(record(*spans))]
    assert times == [first] * 6 + [None] * 3 + [first]


def test_the_wait_in_a_model_server_s_queue_is_told_in_milliseconds(telemetry: Telemetry) -> None:
    said = [{"gen_ai.latency.time_in_queue": it} for it in (0.0125, 3, 0, -1, 5e-05)]
    rows = telemetry.calls(*(CHAT | each for each in said), CHAT)
    assert [row["queued_ms"] for row in rows] == [12, 3000, 0, None, 0, None]


def test_a_sampled_attempt_stands_for_as_many_as_were_dropped_for_it(telemetry: Telemetry) -> None:
    rows = telemetry.attempts(
        record(
            # A threshold of c000…: three quarters are rejected. Digits left out are zeros.
            span(1, None, CHAT, traceState="ot=th:c"),
            span(2, None, CHAT, traceState="vendor=a:b,ot=rv:6e6d1a75832a2f;th:fd70a3d70a3d71"),
            span(3, None, CHAT, traceState="ot=th:0"),
            span(4, None, CHAT, traceState="vendor=th"),
            span(5, None, CHAT | {"SampleRate": 20}),
            span(6, None, CHAT | {"sampling.rate": 0.3}),
            span(7, None, CHAT | {"sampling.rate": 1}),
        )
    )
    kept = 2**56 - 0xFD70A3D70A3D71
    hundredth = Decimal((2**56 * 10**12 * 2 + kept) // (2 * kept)).scaleb(-12)
    third = Decimal("3.333333333333")
    weights = [row["sample_weight"] for row in rows]
    assert weights == [4, hundredth, None, None, 20, third, None]
    assert abs(hundredth - 100) < Decimal("1e-9")
