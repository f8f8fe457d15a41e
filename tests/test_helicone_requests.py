"""Helicone's requests, as its export tool and its API give them."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from usage_logs import UNKNOWN, Log, Row, tokens, without_provenance


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, "helicone_requests")


def request(number: int = 1, counts: Row | None = None, **fields: object) -> Row:
    counted = {"prompt_tokens": 0, "completion_tokens": 0} | (counts or {})
    return (
        {
            "request_id": f"req-{number}",
            "request_created_at": f"2026-10-08T10:00:{number:02d}.000Z",
            "response_created_at": f"2026-10-08T10:00:{number + 1:02d}.500Z",
            "response_status": 200,
            "request_path": "/v1/chat/completions",
            "request_model": "gpt-5",
            "response_model": "gpt-5-2025-08-07",
            "model": "gpt-5",
            "provider": "OPENAI",
            "target_url": "https://api.openai.com/v1/chat/completions",
            "delay_ms": 1500,
            "time_to_first_token": 250,
            "request_user_id": None,
            "request_properties": {},
            "cache_reference_id": "00000000-0000-0000-0000-000000000000",
        }
        | counted
        | fields
    )


def test_a_request_is_an_attempt_with_its_properties(log: Log) -> None:
    said = {"Helicone-Session-Id": "s-1", "customer.id": "acme", "feature": "search"}
    said |= {"app.operation.id": "op-1", "environment": "production"}
    counts = {"prompt_tokens": 10, "completion_tokens": 4}
    attempt = log.attempt(request(counts=counts, request_properties=said, request_user_id="u-9"))
    assert (attempt["attempt_id"], attempt["inference_id"]) == ("s-1:req-1", "op-1")
    assert (attempt["customer_id"], attempt["feature"]) == ("acme", "search")
    assert attempt["environment"] == "production"
    assert attempt["first_token_at"] == datetime(2026, 10, 8, 10, 0, 1, 250_000)
    assert attempt["ended_at"] == datetime(2026, 10, 8, 10, 0, 2, 500_000)
    assert (attempt["provider_name"], attempt["response_model"]) == ("openai", "gpt-5-2025-08-07")
    assert tokens(attempt) == {"uncached_input": 10, "output": 4}


def test_cached_input_is_beside_the_prompt_and_reasoning_beside_the_completion(log: Log) -> None:
    counts = {"prompt_tokens": 3, "prompt_cache_read_tokens": 1_152, "completion_tokens": 20}
    counts |= {"prompt_cache_write_tokens": 2_000, "reasoning_tokens": 64, "prompt_audio_tokens": 2}
    attempt = log.attempt(request(counts=counts))
    assert attempt["reasoning_tokens"] == 64
    assert tokens(attempt) == {
        "uncached_input": 1,
        "audio_input": 2,
        "cache_read": 1_152,
        "cache_write_5m": 2_000,
        "output": 84,
    }


def test_statuses_tell_refusals_failures_and_answers_from_the_cache(log: Log) -> None:
    counts = {"prompt_tokens": 10, "completion_tokens": 4}
    cached = {"cache_reference_id": "0b3bd6a8-0000-4000-8000-000000000001"}
    attempts = log.attempts(
        request(1, counts=counts),
        request(2, counts=counts, **cached),
        request(3, counts=counts, response_status=429),
        request(4, response_status=500),
        request(5, response_status=-3),
        request(6, response_status=-4),
        request(7, response_status=None),
    )
    assert [attempt["status"] for attempt in attempts] == [
        "ok", "cached", "rejected", "error", "error", "rejected", "error",
    ]  # fmt: skip
    assert [tokens(attempt) == UNKNOWN for attempt in attempts] == [False, *[True] * 6]


def test_a_request_that_comes_again_on_the_next_page_is_one_attempt(log: Log) -> None:
    counts = {"prompt_tokens": 10, "completion_tokens": 4}
    pages = [
        [request(1), request(2)],
        [request(2, counts=counts, updated_at="2026-10-09"), request(3)],
    ]
    for number, page in enumerate(pages):
        text = json.dumps({"data": page, "error": None})
        log.text(text, f"2026-10-08/page-{number}.json")
    attempts = log.attempts()
    assert [attempt["span_id"] for attempt in attempts] == ["req-1", "req-2", "req-3"]
    assert tokens(attempts[1]) == {"uncached_input": 10, "output": 4}


def test_answers_of_the_api_give_the_same_as_the_export_tools_lines(tmp_path: Path) -> None:
    row = request(counts={"prompt_tokens": 10}, request_properties={"customer.id": "acme"})
    api, lines = (Log(tmp_path / name, "helicone_requests") for name in ("api", "lines"))
    api.text(json.dumps({"data": [row], "error": None}), "2026-10-08.json")
    lines.lines([row])
    assert without_provenance(api.attempts()) == without_provenance(lines.attempts())


def test_a_gateway_that_is_not_named_is_told_by_the_address_that_was_called(log: Log) -> None:
    addresses = {
        "https://api.anthropic.com/v1/messages": "anthropic",
        "https://x.openai.azure.com/openai/deployments/d/chat/completions": "azure.ai.openai",
        "https://llm.example/v1/chat/completions": None,
    }
    rows = [
        request(number, provider="CUSTOM", target_url=url) for number, url in enumerate(addresses)
    ]
    found = [attempt["provider_name"] for attempt in log.attempts(*rows)]
    assert found == list(addresses.values())


def test_the_export_tools_csv_lacks_what_is_needed_and_is_refused(log: Log) -> None:
    log.text("response_id,response_status,prompt_tokens\nr,200,5\n", "2026-10-08.csv")
    (sentence,) = log.sample.run().values()
    assert "2026-10-08.csv: column " in sentence
    assert "is missing; found response_id, response_status, prompt_tokens" in sentence
