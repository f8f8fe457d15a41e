import gzip
import json
import os
from pathlib import Path

import duckdb
import pytest
from otlp_spans import EXAMPLES, NOON, SECOND, TRACE, Json, Telemetry, listed, record, span

from connectors._files import _Folder

SAMPLES = Path(__file__).parents[1] / "data_samples"
DAYS = 4  # of the sample: what ends there stands in their files, or once more in a later one
SERVER = 2
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}
AGENT = {**CHAT, "gen_ai.operation.name": "invoke_agent"}


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def spans_of(rows: list[Json]) -> list[int]:
    return [int(row["span_id"], 16) for row in rows]


# --- which spans are attempts -------------------------------------------------------------------


def test_of_a_client_and_its_model_server_the_server_is_the_attempt(telemetry: Telemetry) -> None:
    client = span(1, None, CHAT | {"customer.id": "cust-7", "app.operation.id": "op-1"})
    server = span(2, 1, CHAT | {"gen_ai.request.model": "llama"}, kind=SERVER)
    rows = telemetry.attempts(record(client), record(server, resource={"k8s.pod.uid": "pod-1"}))
    assert spans_of(rows) == [2]
    assert rows[0]["attempt_id"] == f"{TRACE}:{2:016x}"
    assert rows[0]["pod_uid"] == "pod-1"
    assert rows[0]["request_model"] == "llama"
    assert (rows[0]["customer_id"], rows[0]["inference_id"]) == ("cust-7", "op-1")
    assert rows[0]["workflow_run_id"] == TRACE


def test_an_http_span_between_client_and_server_hides_neither_from_the_other(
    telemetry: Telemetry,
) -> None:
    client = span(1, None, CHAT | {"customer.id": "cust-7"})
    http = span(2, 1, {"http.request.method": "POST"})
    server = span(3, 2, CHAT, kind=SERVER)
    rows = telemetry.attempts(record(server, http, client))
    assert spans_of(rows) == [3]
    assert rows[0]["customer_id"] == "cust-7"


@pytest.mark.parametrize("operation", ["invoke_agent", "invoke_workflow", "execute_tool", "plan"])
def test_agents_and_workflows_that_repeat_usage_are_not_attempts(
    telemetry: Telemetry, operation: str
) -> None:
    root = span(1, None, CHAT | {"gen_ai.operation.name": operation})
    assert spans_of(telemetry.attempts(record(root, span(2, 1, CHAT), span(3, 1, CHAT)))) == [2, 3]
    assert telemetry.rows("quarantine") == []


def test_a_gateway_that_tries_two_models_is_two_attempts_of_one_inference(
    telemetry: Telemetry,
) -> None:
    gateway = span(1, None, CHAT | {"app.operation.id": "op-1"})
    rows = telemetry.attempts(record(gateway, span(2, 1, CHAT), span(3, 1, CHAT)))
    assert spans_of(rows) == [2, 3]
    assert {row["inference_id"] for row in rows} == {"op-1"}


def test_without_an_operation_id_every_attempt_is_an_inference(telemetry: Telemetry) -> None:
    rows = telemetry.attempts(record(span(1, None, CHAT), span(2, None, CHAT)))
    assert [row["inference_id"] for row in rows] == [row["attempt_id"] for row in rows]


def test_a_span_delivered_twice_is_one_attempt(telemetry: Telemetry) -> None:
    first, again = span(1, None, CHAT | {"customer.id": "a"}), span(1, None, CHAT)
    rows = telemetry.attempts(record(first), record(again, span(2, None, CHAT)))
    assert spans_of(rows) == [1, 2]
    assert (rows[0]["customer_id"], rows[0]["x_row"]) == ("a", 1)
    assert telemetry.lake.index().filter(table="attempts")["delivered"][0][0]["rows"] == 3


def test_the_caller_that_another_file_may_hold_is_named(telemetry: Telemetry) -> None:
    rows = telemetry.attempts(
        record(
            span(1, None, CHAT),  # nobody called it
            span(3, 2, CHAT),  # the caller ends in a later file
            span(6, 5, {}), span(7, 6, CHAT),  # its caller's caller does
            span(8, None, CHAT), span(9, 8, CHAT),  # the caller is here, and may come once more
        )
    )  # fmt: skip
    callers = {int(row["span_id"], 16): row["absent_parent_span_id"] for row in rows}
    assert callers == {1: None, 3: f"{2:016x}", 7: f"{5:016x}", 9: f"{8:016x}"}


# Spans come twice, within a file and in a later one: there without what was around them.
NOT_AS_IN_TRUTH = """
    with delivered as (select * from read_parquet($files)),
    attempts as (
        select *, coalesce(request_model, response_model) as model
        from delivered
        where (trace_id, span_id) not in (
            select (trace_id, absent_parent_span_id) from delivered
            where absent_parent_span_id is not null
        )
        qualify row_number() over (partition by attempt_id order by x_file, x_row) = 1
    ),
    truth as (
        select * from read_parquet($truth)
        where outcome <> 'untraced' and ended_at < timestamp '2026-10-01' + to_days($days)
    )
    select * from attempts full join truth on attempts.attempt_id = truth.attempt_id
    where (
        attempts.attempt_id, attempts.inference_id, attempts.customer_id, attempts.feature,
        attempts.workflow, attempts.team, attempts.environment, attempts.model,
        attempts.ended_at, attempts.status, attempts.uncached_input_tokens is not null
    ) is distinct from (
        truth.attempt_id, truth.operation_id, truth.customer_id, truth.feature,
        truth.workflow, truth.team, truth.environment, truth.model, truth.ended_at,
        case truth.outcome
            when 'failed' then 'error' when 'rejected' then 'rejected' else 'ok'
        end,
        truth.outcome in ('ok', 'failed')
    )
"""


def test_the_sample_company_s_attempts_are_those_that_truly_could_be_observed(
    telemetry: Telemetry,
) -> None:
    for file in sorted((SAMPLES / "otel").iterdir())[:DAYS]:
        (telemetry.folder / file.name).symlink_to(file)
    assert telemetry.failures() == {}
    truth = str(SAMPLES / "truth" / "attempts.parquet")
    named = {"files": telemetry.files("attempts"), "truth": truth, "days": DAYS}
    assert duckdb.execute(NOT_AS_IN_TRUTH, named).fetchall() == []


# --- who asked ----------------------------------------------------------------------------------


def test_the_span_knows_better_than_its_ancestors_and_those_better_than_resources(
    telemetry: Telemetry,
) -> None:
    root = span(
        1, None, AGENT | {"team.name": "root", "feature.name": "root", "customer.id": "root"}
    )
    middle = span(2, 1, {"squad": "middle", "feature.name": "middle"})
    leaf = span(3, 2, CHAT | {"feature.name": "leaf"})
    above = {
        "deployment.environment": "above",
        "gen_ai.workflow.name": "above",
        "team.name": "above",
    }
    own = {"deployment.environment.name": "own", "customer.id": "own", "app.operation.id": "own"}
    row = telemetry.attempts(record(root, middle, resource=above), record(leaf, resource=own))[0]
    assert row["feature"] == "leaf"
    assert row["team"] == "middle"  # the nearest, though by its second name
    assert row["customer_id"] == "root"
    assert row["environment"] == "own"
    assert row["workflow"] == "above"
    assert row["inference_id"] == row["attempt_id"]  # a process has no operation id


def test_a_client_does_not_run_where_its_model_runs(telemetry: Telemetry) -> None:
    pod = {"k8s.pod.uid": "pod-1"}
    rows = telemetry.attempts(
        record(
            span(1, None, CHAT),
            span(2, None, CHAT, kind=SERVER),
            span(3, None, CHAT, kind="SPAN_KIND_CLIENT"),
            span(4, None, CHAT | {"k8s.pod.uid": "pod-2"}),
            resource=pod,
        )
    )
    assert [row["pod_uid"] for row in rows] == [None, "pod-1", None, "pod-2"]


def test_what_nobody_says_is_null_and_so_is_an_empty_text(telemetry: Telemetry) -> None:
    row = telemetry.attempts(record(span(1, None, CHAT | {"customer.id": "", "enduser.id": "u"})))[
        0
    ]
    assert row["customer_id"] == "u"
    assert {row[name] for name in ("feature", "workflow", "team", "environment", "pod_uid")} == {
        None
    }


# --- the format ---------------------------------------------------------------------------------


def test_ids_times_and_rows_are_those_of_the_file(telemetry: Telemetry) -> None:
    late = span(2, None, CHAT, startTimeUnixNano=NOON + 1_999, endTimeUnixNano=NOON + SECOND + 999)
    upper = span(11, None, CHAT, traceId=TRACE.upper(), spanId="000000000000000B")
    rows = telemetry.attempts(record(span(1, None, {}), late), record(upper))
    assert [row["x_row"] for row in rows] == [2, 3]
    assert str(rows[0]["started_at"]) == "2026-10-01 12:00:00.000001"
    assert str(rows[0]["ended_at"]) == "2026-10-01 12:00:01"
    assert rows[1]["attempt_id"] == f"{TRACE}:{11:016x}"


def test_a_pretty_printed_object_and_snake_case_keys_are_read(telemetry: Telemetry) -> None:
    text = json.dumps(
        record(span(1, None, CHAT), resource={"deployment.environment": "p"}), indent=2
    )
    for camel, snake in (
        ("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("traceId", "trace_id"),
        ("spanId", "span_id"), ("startTimeUnixNano", "start_time_unix_nano"),
        ("endTimeUnixNano", "end_time_unix_nano"), ("stringValue", "string_value"),
        ("intValue", "int_value"),
    ):  # fmt: skip
        text = text.replace(camel, snake)
    (telemetry.folder / "one.json").write_text(text)
    rows = telemetry.attempts(record(span(1, None, CHAT), resource={"deployment.environment": "p"}))
    assert len(rows) == 2
    same = [{name: row[name] for name in row if not name.startswith("x_")} for row in rows]
    assert same[0] == same[1]
    assert same[0]["uncached_input_tokens"] == 100


def test_metrics_and_logs_in_the_same_file_are_left_alone(telemetry: Telemetry) -> None:
    rows = telemetry.attempts(
        {"resourceMetrics": []}, record(span(1, None, CHAT)), {"resourceLogs": []}
    )
    assert spans_of(rows) == [1]


def test_prompts_are_not_kept_and_a_repeated_key_is_no_error(telemetry: Telemetry) -> None:
    prompt = listed({"gen_ai.input.messages": "x" * 5_000_000, "customer.id": "a"})
    body = [*listed(CHAT), *prompt, *listed({"customer.id": "b"})]
    spans = [span(number, None, {}) | {"attributes": body} for number in range(1, 6)]
    rows = telemetry.attempts(record(*spans))  # one record of 25 MB
    assert [row["customer_id"] for row in rows] == ["a"] * 5


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the published examples are not part of a clone")
@pytest.mark.parametrize(("name", "spans"), [("trace", 1), ("metrics", 4), ("logs", 0)])
def test_the_published_examples_of_otlp_are_read(
    telemetry: Telemetry, name: str, spans: int
) -> None:
    (telemetry.folder / "example.json").write_bytes((EXAMPLES / f"{name}.json").read_bytes())
    assert telemetry.rows() == []
    delivered = telemetry.lake.index().filter(table="attempts")["delivered"][0].to_list()
    assert sum(item["rows"] for item in delivered) == spans


# --- deliveries ---------------------------------------------------------------------------------


def test_files_of_any_depth_are_slots_and_hidden_ones_are_not(telemetry: Telemetry) -> None:
    telemetry.write(record(span(1, None, CHAT)), name="a/day.jsonl")
    packed = telemetry.folder / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(record(span(2, None, CHAT))).encode()))
    telemetry.write(name=".b.jsonl.gz.part.jsonl")
    telemetry.write(name=".old/day.jsonl")
    telemetry.write(name="notes.txt")
    rows = telemetry.rows()
    assert [(row["x_file"], row["x_row"]) for row in rows] == [
        ("a/day.jsonl", 1),
        ("b.jsonl.gz", 1),
    ]
    assert spans_of(rows) == [1, 2]
    assert set(telemetry.lake.manifests("traces")) == {"a/day.jsonl", "b.jsonl.gz"}


def test_a_known_file_is_not_read_again(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.attempts(record(span(1, None, CHAT)))
    monkeypatch.delattr(_Folder, "fingerprint")
    assert telemetry.land().known == 1


def test_a_touched_file_is_no_new_delivery_and_a_longer_one_replaces_it(
    telemetry: Telemetry,
) -> None:
    file = telemetry.write(record(span(1, None, CHAT)))
    telemetry.land()
    os.utime(file, ns=(NOON, NOON))
    report = telemetry.land()
    assert (report.landed, report.known) == ([], 1)
    rows = telemetry.attempts(record(span(1, None, CHAT)), record(span(2, None, CHAT)))
    assert spans_of(rows) == [1, 2]
