"""LiteLLM's spend logs. Numbers of public reports stand with the number of the report."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from litellm_rows import failed, row, said
from usage_logs import Log, tokens, without_provenance


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, "litellm_spend_logs")


def test_a_row_is_an_attempt_with_the_alias_that_was_asked_for_and_the_model_that_answered(
    log: Log,
) -> None:
    attempt = log.attempt(row(usage=said(100, 20)))
    assert attempt["attempt_id"] == "session-1:req-1"
    assert (attempt["request_model"], attempt["response_model"]) == ("sonnet", "claude-sonnet-4-6")
    assert (attempt["provider_name"], attempt["operation_name"]) == ("anthropic", "chat")
    assert attempt["started_at"] == datetime(2026, 10, 8, 10, 0, 1)
    assert attempt["first_token_at"] == datetime(2026, 10, 8, 10, 0, 1, 250_000)
    assert attempt["ended_at"] == datetime(2026, 10, 8, 10, 0, 2)
    assert tokens(attempt) == {"uncached_input": 100, "output": 20}


def test_the_gateways_estimate_of_the_cost_is_kept_nowhere(log: Log) -> None:
    attempt = log.attempt(row(usage=said(100, 20)))
    assert not any("0.0125" in str(value) for value in attempt.values())


def test_what_was_not_streamed_has_no_first_token(log: Log) -> None:
    attempt = log.attempt(row(completionStartTime="2026-10-08 10:00:02.000"))
    assert attempt["first_token_at"] is None


# --- duplicates, retries, fallbacks ---------------------------------------------------------------


def test_a_stored_response_that_is_fetched_again_is_no_request(log: Log) -> None:
    # litellm#17814: 521 tokens, twice more for being looked at, under new ids.
    made = row(1, usage=said(121, 400), call_type="aresponses")
    looked_at = [row(number, usage=said(121, 400), call_type="aget_responses") for number in (2, 3)]
    (attempt,) = log.attempts(made, *looked_at)
    assert tokens(attempt) == {"uncached_input": 121, "output": 400}
    assert log.quarantined() == []


def test_a_chat_completion_inside_a_response_is_not_a_second_request(log: Log) -> None:
    # litellm#15740: /v1/responses of Anthropic and Gemini was logged as two calls.
    outer = row(1, usage=said(121, 400), call_type="aresponses", endTime="2026-10-08 10:00:09")
    inner = row(2, usage=said(121, 400))
    beside = row(8, usage=said(121, 400), endTime="2026-10-08 10:00:10")
    found = [attempt["span_id"] for attempt in log.attempts(outer, inner, beside)]
    assert found == ["req-1", "req-8"]


def test_a_row_that_is_exported_twice_is_one_attempt(log: Log) -> None:
    assert len(log.attempts(row(1), row(1), row(2))) == 2


def test_retries_are_attempts_of_one_operation(log: Log) -> None:
    # litellm#39455: two failures and a success are one request of the user's.
    rows = [failed(1, attempted_retries=0), failed(2, attempted_retries=1)]
    rows.append(row(3, usage=said(5, 5), session_id="s", metadata={"attempted_retries": 2}))
    rows.append(row(4, usage=said(5, 5), session_id="s", metadata={"attempted_retries": 0}))
    operations = [attempt["inference_id"] for attempt in log.attempts(*rows)]
    assert operations == ["s:req-1", "s:req-1", "s:req-1", "s:req-4"]


def test_a_fallback_keeps_the_model_that_was_asked_for(log: Log) -> None:
    # litellm#38107: model_group is the group that answered in the end.
    asked = {"original_model_group": "sonnet"}
    rows = [
        failed(1, **asked, attempted_fallbacks=0),
        row(
            2,
            usage=said(5, 5),
            session_id="s",
            model_group="gpt",
            model="openai/gpt-5",
            custom_llm_provider="openai",
            metadata=asked | {"attempted_fallbacks": 1},
        ),
    ]
    first, second = log.attempts(*rows)
    assert first["inference_id"] == second["inference_id"]
    assert (second["request_model"], second["response_model"]) == ("sonnet", "gpt-5")


def test_requests_of_one_session_that_were_not_retried_are_operations_of_their_own(
    log: Log,
) -> None:
    rows = [failed(1), row(2, session_id="s"), row(3, session_id="s")]
    assert len({attempt["inference_id"] for attempt in log.attempts(*rows)}) == 3


# --- time, entities, form -------------------------------------------------------------------------


def test_the_days_of_a_range_sum_to_the_range_whatever_zone_times_are_written_in(log: Log) -> None:
    # litellm#29568: 1,831 requests of five days in India were 2,755 when asked for day by day;
    # #27780: 38 requests of a day were shown as 176.
    zone, first = timezone(timedelta(hours=5, minutes=30)), datetime(2026, 5, 29, tzinfo=UTC)
    times = [(first + timedelta(seconds=235 * number)).astimezone(zone) for number in range(1_831)]
    log.csv(
        [
            row(number, startTime=str(time), endTime=str(time), completionStartTime=str(time))
            for number, time in enumerate(times)
        ],
        "spend-logs.csv",
    )
    ends = [attempt["ended_at"] for attempt in log.attempts()]
    assert ends == [time.astimezone(UTC).replace(tzinfo=None) for time in times]
    (days,) = log.sample.index("attempts")["days"].to_list()
    assert {day["day"]: day["rows"] for day in days} == Counter(end.date() for end in ends)
    assert sum(day["rows"] for day in days) == 1_831


def test_the_requests_own_metadata_tags_and_user_say_whom_it_was_for(log: Log) -> None:
    own = {"spend_logs_metadata": {"customer.id": "acme", "app.operation.id": "op-7"}}
    tagged = row(1, metadata=own, request_tags=["feature:search"], end_user="u1", team_id="t1")
    attempt = log.attempt(tagged)
    named = ("customer_id", "feature", "team", "inference_id")
    assert [attempt[name] for name in named] == ["acme", "search", "t1", "op-7"]
    assert attempt["attribute_sources"] == (
        '{"customer":"gateway","feature":"gateway","team":"gateway"}'
    )


def test_a_source_may_say_which_fields_tell_an_entity(tmp_path: Path) -> None:
    fields = {
        "customer": ["metadata.requester_metadata.tenant", "end_user"],
        "api_key": ["model_id"],
    }
    log = Log(tmp_path, "litellm_spend_logs", entities=fields)
    first = row(
        1, metadata={"requester_metadata": {"tenant": "acme"}}, end_user="u1", model_id="m1"
    )
    customers = log.attempts(first, row(2, end_user="u2"))
    assert [attempt["customer_id"] for attempt in customers] == ["acme", "u2"]
    assert customers[0]["api_key_id"] == "m1"


def test_what_a_client_asserts_of_itself_can_be_left_unread(tmp_path: Path) -> None:
    # LiteLLM takes `user` from the request: whoever calls can name another's.
    known = {"customer": ["metadata.user_api_key_team_alias"], "feature": []}
    log = Log(tmp_path, "litellm_spend_logs", entities=known)
    own = {"user_api_key_team_alias": "acme", "spend_logs_metadata": {"customer.id": "other"}}
    attempt = log.attempt(row(metadata=own, end_user="other", request_tags=["feature:x"]))
    assert (attempt["customer_id"], attempt["feature"]) == ("acme", None)


def test_the_one_key_that_a_gateway_holds_is_a_constant(tmp_path: Path) -> None:
    held = {"api_key": ["metadata.deployment_key", "=key_gateway"], "sub_account": ["=proj_a"]}
    log = Log(tmp_path, "litellm_spend_logs", entities=held)
    first, second = log.attempts(row(1), row(2, metadata={"deployment_key": "key_2"}))
    assert (first["api_key_id"], second["api_key_id"]) == ("key_gateway", "key_2")
    assert first["sub_account_id"] == "proj_a"


def test_a_csv_as_copy_writes_it_gives_the_same_as_json_lines(tmp_path: Path) -> None:
    rows = [row(1, usage=said(10, 2), end_user="u", request_tags=["feature:a"]), failed(2)]
    as_csv, as_lines = (Log(tmp_path / name, "litellm_spend_logs") for name in ("csv", "lines"))
    as_csv.csv(rows)
    as_lines.lines(rows)
    assert without_provenance(as_csv.attempts()) == without_provenance(as_lines.attempts())


def test_a_call_that_is_not_known_is_left_out_unless_it_carries_usage(log: Log) -> None:
    assert (
        log.attempts(row(1, call_type="aspeech"), row(2, usage=said(7, 1), call_type="aspin")) == []
    )
    assert log.quarantined() == [
        ("operation_name", "aspin", "is not a known operation, yet the record carries usage")
    ]
