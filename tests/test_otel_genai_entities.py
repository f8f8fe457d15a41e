"""Where an attempt's entities were read, in which order, and who may say them."""

import json
from pathlib import Path

import pytest
from otlp_spans import Json, Telemetry, record, span
from pydantic import ValidationError

from otlp_spans import OTEL  # isort: skip

CHAT = {"gen_ai.operation.name": "chat"}
AGENT = {"gen_ai.operation.name": "invoke_agent"}
KEY = {"metadata.user_api_key_hash": "88dc28d0"}


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def sources(attempt: Json) -> Json:
    return json.loads(attempt["attribute_sources"] or "{}")


def test_span_goes_before_ancestor_baggage_gateway_and_resource_and_the_attempt_says_which(
    tmp_path: Path,
) -> None:
    telemetry = Telemetry(tmp_path, gateway={"keys": {"88dc28d0": {"feature": "key"}}})
    process = {
        "customer.id": "r", "feature.name": "r", "gen_ai.workflow.name": "r", "team.name": "r",
        "deployment.environment.name": "r",
    }  # fmt: skip
    root = AGENT | {
        "customer.id": "a", "gen_ai.workflow.name": "a", "baggage.customer.id": "b",
        "baggage.gen_ai.workflow.name": "b", "baggage.team.name": "b",
    }  # fmt: skip
    leaf = CHAT | KEY | {
        "customer.id": "s", "metadata.user_api_key_team_id": "g", "baggage.customer.id": "b",
    }  # fmt: skip
    (row,) = telemetry.attempts(record(span(1, None, root), span(2, 1, leaf), resource=process))
    columns = ("customer_id", "workflow", "team", "feature", "environment")
    assert [row[column] for column in columns] == ["s", "a", "b", "key", "r"]
    assert sources(row) == {
        "customer": "span", "workflow": "ancestor", "team": "baggage", "feature": "gateway",
        "environment": "resource",
    }  # fmt: skip


def test_an_attempt_of_which_nothing_is_known_names_no_sources(telemetry: Telemetry) -> None:
    (row,) = telemetry.calls(CHAT)
    assert row["attribute_sources"] is None


def test_what_a_request_s_body_says_of_its_team_is_not_what_the_gateway_found(
    telemetry: Telemetry,
) -> None:
    """LiteLLM copies `metadata.team_id` from the body; the key tells `user_api_key_team_id`."""
    said = {"metadata.team_id": "claimed", "metadata.user_api_key_team_id": "authenticated"}
    (row,) = telemetry.calls(CHAT | said)
    assert (row["team"], sources(row)) == ("authenticated", {"team": "gateway"})


def test_the_prefix_of_baggage_can_be_another(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path, baggage_prefix="ctx.")
    (row,) = telemetry.calls(CHAT | {"ctx.customer.id": "acme", "baggage.team.name": "no"})
    assert (row["customer_id"], row["team"]) == ("acme", None)


CARRIED = [
    {"traceloop.association.properties.customer_id": "acme"},
    {"langfuse.trace.metadata.customer.id": "acme"},
    {"langfuse.observation.metadata.customerId": "acme"},
    {"ai.telemetry.metadata.customerId": "acme"},
    {"metadata": json.dumps({"customer_id": "acme", "text": "x" * 2_000})},
    {"langfuse.trace.metadata": json.dumps({"customer.id": "acme"})},
    {"langfuse.user.id": "acme"},
    {"user.id": "acme"},
]


def test_names_that_instrumentations_carry_inside_their_own_mean_the_same(
    telemetry: Telemetry,
) -> None:
    spans = [span(n, None, CHAT | each) for n, each in enumerate(CARRIED, start=1)]
    for tags in ("tag.tags", "langfuse.trace.tags"):
        listed = {
            "arrayValue": {"values": [{"stringValue": "beta"}, {"stringValue": "customer.id:acme"}]}
        }
        body = span(len(spans) + 1, None, CHAT)
        body["attributes"].append({"key": tags, "value": listed})
        spans.append(body)
    rows = telemetry.attempts(record(*spans))
    assert [row["customer_id"] for row in rows] == ["acme"] * len(spans)
    assert {json.dumps(sources(row)) for row in rows} == {'{"customer": "span"}'}


def test_a_span_s_own_attribute_goes_before_one_that_is_carried_and_broken_json_is_none(
    telemetry: Telemetry,
) -> None:
    carried = {"metadata": json.dumps({"customer.id": "no", "feature_name": "search"})}
    rows = telemetry.calls(CHAT | carried | {"customer.id": "acme"}, CHAT | {"metadata": "{no"})
    assert [(row["customer_id"], row["feature"]) for row in rows] == [
        ("acme", "search"),
        (None, None),
    ]


def test_workflows_environments_and_conversations_have_other_names_too(
    telemetry: Telemetry,
) -> None:
    (row,) = telemetry.calls(
        CHAT | {"traceloop.workflow.name": "w", "langfuse.environment": "e", "session.id": "s"}
    )
    assert (row["workflow"], row["environment"], row["conversation_id"]) == ("w", "e", "s")


# --- who may say so -----------------------------------------------------------------------------


def test_what_a_service_says_that_is_not_trusted_goes_unread_and_is_told_once_a_value(
    tmp_path: Path,
) -> None:
    telemetry = Telemetry(tmp_path, trusted_services=("gateway", "billing-*"))
    outside = [
        span(number, None, CHAT | {"customer.id": "victim", "baggage.team.name": team})
        for number, team in ((1, "red"), (2, "red"), (3, "blue"))
    ]
    trusted = span(4, None, AGENT | {"customer.id": "acme"})
    below = span(5, 4, CHAT | {"customer.id": "victim", "app.operation.id": "op-1"})
    rows = telemetry.attempts(
        record(*outside, below, resource={"service.name": "app", "deployment.environment": "p"}),
        record(trusted, resource={"service.name": "billing-gate"}),
    )
    assert [(row["customer_id"], row["team"]) for row in rows] == [(None, None)] * 3 + [
        ("acme", None)
    ]
    # What the process says was written by who runs it, not by who asks.
    assert {row["environment"] for row in rows} == {"p"}
    assert rows[3]["inference_id"] == "op-1"
    refused = "is said by the service app, which trusted_services does not list; spans: "
    quarantined = telemetry.rows("quarantine")
    assert sorted((row["column_name"], row["value"], row["reason"]) for row in quarantined) == [
        ("customer.id", "victim", f"{refused}4"),
        ("team.name", "blue", f"{refused}1"),
        ("team.name", "red", f"{refused}2"),
    ]
    assert {str(row["quarantined_day"]) for row in quarantined} == {"2026-10-01"}


def test_an_entity_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"gateway\.keys"):
        OTEL.options(gateway={"keys": {"sk-1": {"costumer": "acme"}}})


def test_a_captured_baggage_header_is_as_good_as_copies_of_its_members(
    telemetry: Telemetry,
) -> None:
    header = "customer.id=acme%20corp,team.name = red;ttl=5, other=x"
    body = span(1, None, CHAT)
    listed = {"arrayValue": {"values": [{"stringValue": header}]}}
    body["attributes"].append({"key": "http.request.header.baggage", "value": listed})
    (row,) = telemetry.attempts(record(body))
    assert (row["customer_id"], row["team"]) == ("acme corp", "red")
    assert sources(row) == {"customer": "baggage", "team": "baggage"}
