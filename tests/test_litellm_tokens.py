"""LiteLLM's token counts. Numbers of public reports stand with the number of the report."""

import random
from pathlib import Path

import pytest
from litellm_rows import row, said
from usage_logs import UNKNOWN, Log, Row, tokens


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, "litellm_spend_logs")


# --- cached input: counted twice, its discount lost, its detail instead of its whole --------------

# What was reported, how LiteLLM wrote it, and what was used.
REPORTED: list[tuple[str, Row, Row]] = [
    (
        "#11364: what was read and written is inside the prompt",
        said(
            98_805,
            5_120,
            prompt_tokens_details={"cached_tokens": 66_360, "cache_creation_tokens": 32_435},
            cache_read_input_tokens=66_360,
            cache_creation_input_tokens=32_435,
        ),
        {"uncached_input": 10, "cache_read": 66_360, "cache_write_5m": 32_435, "output": 5_120},
    ),
    (
        "#15056: what was written is beside the prompt",
        said(31, 467, cache_creation_input_tokens=1_253, cache_read_input_tokens=0),
        {"uncached_input": 31, "cache_write_5m": 1_253, "output": 467},
    ),
    (
        "#13207: what was read is inside the prompt, what was written is not",
        said(
            88 + 120_269,
            4_156,
            cache_read_input_tokens=120_269,
            cache_creation_input_tokens=21_002,
        ),
        {
            "uncached_input": 88,
            "cache_read": 120_269,
            "cache_write_5m": 21_002,
            "output": 4_156,
        },
    ),
    (
        "#9812: Anthropic's own answer, every part beside the others",
        {
            "input_tokens": 3,
            "cache_creation_input_tokens": 12_304,
            "cache_read_input_tokens": 0,
            "output_tokens": 550,
        },
        {"uncached_input": 3, "cache_write_5m": 12_304, "output": 550},
    ),
    (
        "#35127: an answer of the Responses API, cached inside",
        {
            "input_tokens": 172_000,
            "output_tokens": 100,
            "input_tokens_details": {"cached_tokens": 155_000, "cache_write_tokens": 3_000},
        },
        {
            "uncached_input": 14_000,
            "cache_read": 155_000,
            "cache_write_5m": 3_000,
            "output": 100,
        },
    ),
    (
        "a total that counts what was written, which the prompt does not",
        {**said(9_000, 100, cache_creation_input_tokens=4_000), "total_tokens": 13_100},
        {"uncached_input": 9_000, "cache_write_5m": 4_000, "output": 100},
    ),
    (
        "OpenAI's cached tokens are inside the prompt, its reasoning inside the completion",
        said(
            1_270,
            155,
            prompt_tokens_details={"cached_tokens": 1_152},
            completion_tokens_details={"reasoning_tokens": 64},
        ),
        {"uncached_input": 118, "cache_read": 1_152, "output": 155},
    ),
    (
        "spoken and heard tokens are inside as well",
        said(
            100,
            50,
            prompt_tokens_details={"audio_tokens": 40, "cached_tokens": 0},
            completion_tokens_details={"audio_tokens": 30},
        ),
        {"uncached_input": 60, "audio_input": 40, "output": 20, "audio_output": 30},
    ),
]


def test_cached_tokens_are_counted_once_whichever_way_they_were_written(log: Log) -> None:
    rows = [
        row(number, usage=usage, total_tokens=1) for number, (_, usage, _) in enumerate(REPORTED)
    ]
    attempts = {attempt["span_id"]: tokens(attempt) for attempt in log.attempts(*rows)}
    for number, (reported, _, used) in enumerate(REPORTED):
        assert attempts[f"req-{number}"] == used, reported


def test_a_detail_of_cache_writes_does_not_replace_their_total(tmp_path: Path) -> None:
    # litellm#42663: priced by the detail alone, what it leaves out was lost.
    detail = {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 3_000}
    usage = said(
        12_000,
        10,
        cache_creation_input_tokens=9_634,
        prompt_tokens_details={"cache_creation_token_details": detail},
    )
    undated = 9_634 - 4_000
    for lifetime, written in (("5m", (1_000 + undated, 3_000)), ("1h", (1_000, 3_000 + undated))):
        log = Log(tmp_path / lifetime, "litellm_spend_logs", cache_write=lifetime)
        assert tokens(log.attempt(row(usage=usage))) == {
            "uncached_input": 12_000 - 9_634,
            "cache_write_5m": written[0],
            "cache_write_1h": written[1],
            "output": 10,
        }


# --- what is not known, and what is 0 -------------------------------------------------------------


def test_an_explicit_0_is_0_and_a_missing_count_is_unknown(log: Log) -> None:
    # litellm#37992: a provider's 0 was taken for a missing count.
    zero, missing = log.attempts(row(1, usage=said(0, 0)), row(2))
    assert tokens(zero) == {}
    assert tokens(missing) == UNKNOWN


def test_columns_count_where_an_older_version_wrote_no_usage_object(log: Log) -> None:
    older = row(total_tokens=321, prompt_tokens=321, completion_tokens=0, call_type="aembedding")
    assert tokens(log.attempt(older)) == {"uncached_input": 321}


def test_failures_that_may_be_billed_have_unknown_tokens_not_0_and_broken_streams_what_they_used(
    log: Log,
) -> None:
    # litellm#37365: requests that failed after they reached the provider were logged with 0 tokens;
    # #30667, #30788: usage until a stream broke stands on the row of the failure.
    timeout = {"error_information": {"error_class": "Timeout", "error_code": "408"}}
    broken = {"error_information": {"error_class": "MidStreamFallbackError", "error_code": "500"}}
    first, second = log.attempts(
        row(1, status="failure", metadata=timeout),
        row(2, status="failure", usage=said(2_900, 17), metadata=broken),
    )
    assert (first["status"], first["error_type"], second["status"]) == ("error", "Timeout", "error")
    assert tokens(first) == UNKNOWN
    assert tokens(second) == {"uncached_input": 2_900, "output": 17}


def test_a_refused_request_has_no_tokens_though_its_row_carries_some(log: Log) -> None:
    error = {"error_information": {"error_class": "RateLimitError", "error_code": "429"}}
    attempt = log.attempt(row(status="failure", usage=said(0, 600), metadata=error))
    assert attempt["status"] == "rejected"
    assert tokens(attempt) == UNKNOWN


def test_an_answer_from_the_gateways_cache_used_nothing_though_its_row_repeats_the_tokens(
    log: Log,
) -> None:
    # litellm#39057: spend 0, and all tokens of the first answer again.
    first = row(1, usage=said(100, 20))
    again = row(2, usage=said(100, 20), cache_hit="True", spend=0)
    answered, cached = log.attempts(first, again)
    assert (answered["status"], cached["status"]) == ("ok", "cached")
    assert tokens(answered) == {"uncached_input": 100, "output": 20}
    assert tokens(cached) == UNKNOWN


def test_counts_that_cannot_be_are_quarantined_by_what_is_wrong(log: Log) -> None:
    rows = [
        row(1, usage=said(-1, 5)),
        row(2, usage=said(10, 5) | {"completion_tokens": 1.5}),
        row(3, usage=said(10, 5, completion_tokens_details={"reasoning_tokens": 6})),
        row(4) | {"metadata": "{'usage_object'"},
    ]
    assert log.attempts(*rows) == []
    assert log.quarantined() == [
        ("input_tokens", "-1", "is negative"),
        ("output_tokens", "1.5", "is not a whole number"),
        ("reasoning_tokens", "6", "is more than the output tokens that it is part of"),
        ("metadata", None, "is no JSON"),
    ]


def test_buckets_sum_to_what_was_said_for_any_parts(log: Log) -> None:
    draw = random.Random(42).randrange
    expected: dict[str, Row] = {}
    rows = []
    for number in range(400):
        read, short, long, rest = (draw(9) * draw(5_000) for _ in range(4))
        undated, heard, output = draw(2) * draw(900), draw(2) * draw(50), draw(4_000)
        written = short + long + undated
        usage = said(
            rest + heard + read + written,
            output,
            cache_creation_input_tokens=written,
            prompt_tokens_details={
                "cached_tokens": read,
                "audio_tokens": heard,
                "cache_creation_token_details": {
                    "ephemeral_5m_input_tokens": short,
                    "ephemeral_1h_input_tokens": long,
                },
            },
        )
        rows.append(row(number, usage=usage))
        used = {
            "uncached_input": rest,
            "audio_input": heard,
            "cache_read": read,
            "cache_write_5m": short + undated,
            "cache_write_1h": long,
            "output": output,
        }
        expected[f"req-{number}"] = {name: tokens for name, tokens in used.items() if tokens}
    for number, name in enumerate(expected):
        rows[number] |= {"startTime": "2026-10-08 10:00:00", "endTime": "2026-10-08 10:00:01"}
        assert rows[number]["request_id"] == name
    found = {attempt["span_id"]: tokens(attempt) for attempt in log.attempts(*rows)}
    assert found == expected
