"""Counters of model calls in OTLP/JSON, and what they gained."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from otlp_spans import (
    NOON,
    SECOND,
    Json,
    Telemetry,
    bucketed,
    counter,
    gains,
    histogram,
    metrics,
    point,
    record,
    span,
)  # fmt: skip

TOKENS = "gen_ai.client.inference.usage.input_tokens"
USAGE = "gen_ai.client.token.usage"
DURATION = "gen_ai.client.operation.duration"
READ, WRITE = (f"gen_ai.client.inference.usage.cache_{it}.input_tokens" for it in ("read", "write"))
LATER = {"startTimeUnixNano": str(NOON + 100 * SECOND)}


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def test_a_delta_is_what_was_gained_and_a_cumulative_point_gains_the_difference(
    telemetry: Telemetry,
) -> None:
    rows = telemetry.counters(
        metrics(
            counter(TOKENS, point(60, 5), point(60, 7, {"a": "b"}), temporality=1),
            counter(READ, point(60, 5), point(120, 5), temporality="AGGREGATION_TEMPORALITY_DELTA"),
            counter(WRITE, point(60, 50), point(120, 80.5), point(180, 80.5)),
        )
    )
    assert gains(rows) == [
        (0, 60, "input_tokens", 5, False),
        (0, 60, "input_tokens", 7, False),
        (0, 60, "cache_read_tokens", 5, False),
        (0, 120, "cache_read_tokens", 5, False),
        (0, 60, "cache_write_tokens", 50, False),
        (60, 120, "cache_write_tokens", Decimal("30.5"), False),
        (120, 180, "cache_write_tokens", 0, False),
    ]
    assert {row["counted_by"] for row in rows} == {"client"}


def test_a_counter_that_began_again_gained_all_that_it_says(telemetry: Telemetry) -> None:
    rows = telemetry.counters(
        metrics(
            counter(TOKENS, point(60, 90), point(120, 100), point(180, 30), point(240, 40)),
            # It restarted and has passed the old value already: only the start time tells.
            counter(READ, point(60, 90), point(120, 100), point(180, 500, **LATER)),
        )
    )
    assert gains(rows) == [
        (0, 60, "input_tokens", 90, False),
        (60, 120, "input_tokens", 10, False),
        (120, 180, "input_tokens", 30, True),
        (180, 240, "input_tokens", 10, False),
        (0, 60, "cache_read_tokens", 90, False),
        (60, 120, "cache_read_tokens", 10, False),
        (120, 180, "cache_read_tokens", 500, True),
    ]


def test_points_of_every_series_are_told_apart_by_process_scope_and_all_attributes(
    telemetry: Telemetry,
) -> None:
    def both(first: int, second: int, **attributes: str) -> Json:
        return counter(TOKENS, point(60, first, attributes), point(120, second, attributes))

    rows = telemetry.counters(
        metrics(both(10, 11, model="a"), both(20, 22, model="b")),
        metrics(both(30, 33, model="a"), resource={"service.instance.id": "2"}),
        metrics(both(40, 44, model="a"), scope="other"),
        # The same once more, its attributes in another order: nothing is gained twice.
        metrics(both(10, 11, model="a")),
    )
    assert sorted(row["quantity"] for row in rows) == [1, 2, 3, 4, 10, 20, 30, 40]


def test_of_a_histogram_the_sum_is_tokens_and_the_count_is_requests(telemetry: Telemetry) -> None:
    kinds = [
        {"gen_ai.token.type": kind, "gen_ai.request.model": "m"} for kind in ("input", "output")
    ]
    points = [bucketed(60, 4, 1_000, kinds[0]), bucketed(60, 4, 80.0, kinds[1])]
    rows = telemetry.counters(metrics(histogram(USAGE, *points, temporality=1)))
    assert [(row["counter"], row["quantity"], row["model"]) for row in rows] == [
        ("input_tokens", 1_000, "m"),
        ("requests", 4, "m"),
        ("output_tokens", 80, "m"),
    ]


def test_requests_are_counted_once_whatever_metrics_count_them(telemetry: Telemetry) -> None:
    """Durations count failed requests too, histograms of tokens only those that told some."""
    kind = {"gen_ai.token.type": "input"}
    rows = telemetry.counters(
        metrics(
            histogram(USAGE, bucketed(60, 4, 1_000, kind), temporality=1),
            histogram(
                DURATION,
                bucketed(60, 4, 8.5, {}),
                bucketed(60, 2, 0.5, {"error.type": "timeout"}),
                temporality=1,
            ),
            # The newer name of the same tokens.
            counter("gen_ai.client.inference.tokens", point(60, 1_000, kind), temporality=1),
        )
    )
    counted: dict[str, Decimal] = {}
    for row in rows:
        counted[row["counter"]] = counted.get(row["counter"], Decimal(0)) + row["quantity"]
    assert counted == {"input_tokens": 1_000, "requests": 6, "failed_requests": 2}


def test_the_newer_counters_tell_cached_and_reasoning_tokens(telemetry: Telemetry) -> None:
    cache, phase = "gen_ai.token.cache", "gen_ai.token.phase"
    by_cache = [point(60, 5, {cache: it}) for it in ("none", "read", "creation")]
    by_phase = [point(60, 7, {phase: it}) for it in ("reasoning", "response")]
    rows = telemetry.counters(
        metrics(
            counter("gen_ai.client.inference.input_tokens_by_cache", *by_cache, temporality=1),
            counter("gen_ai.client.inference.output_tokens_by_phase", *by_phase, temporality=1),
        )
    )
    assert {(row["counter"], row["quantity"]) for row in rows} == {
        ("cache_read_tokens", 5),
        ("cache_write_tokens", 5),
        ("reasoning_tokens", 7),
    }


@pytest.mark.parametrize("prefix", ["vllm:", "ray_vllm_", "kserve_vllm:"])
def test_a_model_server_counts_for_its_own_pod(telemetry: Telemetry, prefix: str) -> None:
    done = [point(60, 3, {"finished_reason": it, "model_name": "m"}) for it in ("stop", "error")]
    rows = telemetry.counters(
        metrics(
            counter(f"{prefix}prompt_tokens_total", point(60, 900.0, {"model_name": "m"})),
            counter(f"{prefix}request_success_total", *done, temporality=1),
            resource={"k8s.pod.uid": "pod-1", "k8s.pod.name": "chat-0", "host.id": "i-1"},
        ),
        metrics(counter(TOKENS, point(60, 1), temporality=1), resource={"k8s.pod.uid": "web-1"}),
    )
    # The first point of a counter alone in its file came from who knows when: it only opens.
    assert [(row["counter"], row["quantity"], row["pod_uid"]) for row in rows] == [
        ("requests", 3, "pod-1"),
        ("failed_requests", 3, "pod-1"),
        ("requests", 3, "pod-1"),
        ("input_tokens", 1, None),
    ]
    assert [(row["pod"], row["resource_id"], row["counted_by"]) for row in rows] == [
        ("chat-0", "i-1", "engine")
    ] * 3 + [(None, None, "client")]


def test_entities_come_from_the_point_or_from_its_process(telemetry: Telemetry) -> None:
    said = {"customer.id": "acme", "squad": "search"}
    process = {"deployment.environment.name": "production", "team.name": "other"}
    (row,) = telemetry.counters(
        metrics(counter(TOKENS, point(60, 1, said), temporality=1), resource=process)
    )
    entities = (row["customer_id"], row["team"], row["environment"], row["feature"])
    assert entities == ("acme", "search", "production", None)


# --- what does not count ------------------------------------------------------------------------


def test_what_is_no_counter_is_quarantined_with_its_reason(telemetry: Telemetry) -> None:
    sent = metrics(
        counter(TOKENS, point(60, -1), temporality=1),
        counter(TOKENS, point(60, 5, {"n": 1}), temporality=0),
        counter(TOKENS, point(60, 5, {"n": 2}), isMonotonic=False),
        counter(TOKENS, point(60, 5, {"n": 3}, timeUnixNano="5"), temporality=1),
        {"name": TOKENS, "gauge": {"dataPoints": [point(60, 5, {"n": 4})]}},
        counter(TOKENS, point(60, 5, {"n": 5}, asInt="many"), temporality=1),
        # Its series ended: nothing was recorded.
        counter(TOKENS, point(60, 5, {"n": 6}, flags=1), temporality=1),
        counter("my.counter", point(60, 5)),
    )
    assert telemetry.counters(sent) == []
    rows = telemetry.rows("quarantine")
    assert {row["column_name"] for row in rows} == {TOKENS}
    assert [(row["x_row"], row["value"], row["reason"]) for row in rows] == [
        (1, "-1", "is negative"),
        (2, "5", "has no aggregation temporality: 1 (delta) or 2 (cumulative)"),
        (3, "5", "is no counter: a monotonic sum or a histogram is"),
        (4, "5", "has a time that is not between 2000 and 2099"),
        (5, "5", "is no counter: a monotonic sum or a histogram is"),
        (6, "many", "is not a number"),
    ]


def test_spans_and_metrics_of_one_file_are_both_read_also_with_snake_case_keys(
    telemetry: Telemetry,
) -> None:
    chat = {"gen_ai.operation.name": "chat"}
    sent = counter(TOKENS, point(60, 5), temporality=1)
    telemetry.write(metrics(sent), record(span(1, None, chat)), name="a.jsonl")
    text = json.dumps(metrics(sent))
    for camel, snake in (
        ("resourceMetrics", "resource_metrics"), ("scopeMetrics", "scope_metrics"),
        ("dataPoints", "data_points"), ("aggregationTemporality", "aggregation_temporality"),
        ("isMonotonic", "is_monotonic"), ("startTimeUnixNano", "start_time_unix_nano"),
        ("timeUnixNano", "time_unix_nano"), ("asInt", "as_int"),
    ):  # fmt: skip
        text = text.replace(f'"{camel}"', f'"{snake}"')
    (telemetry.folder / "b.jsonl").write_text(text)
    assert gains(telemetry.rows("counter_deltas")) == [(0, 60, "input_tokens", 5, False)] * 2
    assert len(telemetry.rows()) == 1
    delivered = telemetry.lake.index().filter(table="attempts")["delivered"].to_list()
    assert [sum(total["rows"] for total in totals) for totals in delivered] == [2, 1]
