"""Who runs on capacity, and who does not: cases that random hours do not single out."""

import random
from decimal import Decimal
from typing import Any

import pytest
from capacity_model import DAY, Capacity, capacity

SECOND = 10**9
Row = dict[str, Any]


def charge(**changes: Any) -> Row:
    return {
        "charge_group_id": "gpu",
        "treatment": "capacity",
        "resource_id": "node",
        "service_provider_name": "Microsoft",
        "charge_date": DAY,
        "charge_period_start": f"{DAY} 00:00",
        "charge_period_end": f"{DAY} 01:00",
        "effective_cost": "3.6",
        "billed_milliseconds": 3_600_000,
        "gpu_count": 1,
    } | changes


def attempt(key: str, start: str, end: str, **changes: Any) -> Row:
    return {
        "attempt_id": key,
        "inference_id": key,
        "status": "ok",
        "pod_uid": "pod",
        "started_at": start if "-" in start else f"{DAY} {start}",
        "ended_at": end if "-" in end else f"{DAY} {end}",
        "uncached_input_tokens": 600,
        "output_tokens": 300,
    } | changes


def ready(**changes: Any) -> Row:
    times = {"started_at": f"{DAY} 00:00", "ended_at": f"{DAY} 04:00"}
    return {"resource_id": "node", "pod_uid": "pod", "state": "ready"} | times | changes


def seconds(model: Capacity) -> dict[tuple[str | None, str], float]:
    found: dict[tuple[str | None, str], float] = {}
    for row in model.shares():
        key = (row["attempt_id"], row["state"])
        found[key] = found.get(key, 0) + row["nanoseconds"] / SECOND
    return found


def one_gpu(*attempts: Row, **changes: Any) -> Capacity:
    model = capacity()
    model.add("int_charge_groups", [charge(**changes)])
    model.add("stg_lake__resource_states", [ready()])
    model.add("stg_lake__attempts", attempts)
    return model


@pytest.mark.slow
def test_an_attempt_is_cut_at_midnight_and_keeps_its_rate() -> None:
    # Half of it ran on the day before; beside it one that makes as many tokens in half the time.
    model = one_gpu(
        attempt("late", "2026-09-30 23:50", "00:10"), attempt("short", "00:00", "00:10")
    )

    assert seconds(model) == {
        ("late", "busy"): 200,
        ("short", "busy"): 400,
        (None, "warm_idle"): 3000,
    }


def test_what_waits_in_the_queue_of_the_server_does_not_run() -> None:
    model = one_gpu(attempt("a", "00:00", "00:10", queued_ms=240_000))

    assert seconds(model) == {("a", "busy"): 360, (None, "warm_idle"): 3240}


def test_answers_from_a_cache_and_rejected_requests_take_no_time_of_a_gpu() -> None:
    model = one_gpu(
        attempt("a", "00:00", "00:10"),
        attempt("b", "00:00", "00:20", status="cached"),
        attempt("c", "00:00", "00:30", status="rejected"),
        attempt("d", "00:30", "00:40", status="error"),
    )

    assert seconds(model) == {
        ("a", "busy"): 600,
        ("d", "busy"): 600,
        (None, "warm_idle"): 2400,
    }


def test_counters_and_gauges_change_nothing_where_every_request_is_traced() -> None:
    """A request runs past the hour: the engine counts all its tokens in the second."""
    attempts = [attempt("a", "00:20", "00:40"), attempt("b", "00:50", "01:30")]
    charges = [
        charge(),
        charge(
            charge_group_id="next",
            charge_period_start=f"{DAY} 01:00",
            charge_period_end=f"{DAY} 02:00",
        ),
    ]
    silent, telling = capacity(), capacity()
    for model in (silent, telling):
        model.add("int_charge_groups", charges)
        model.add("stg_lake__resource_states", [ready()])
        model.add("stg_lake__attempts", attempts)
    for counter, quantity in (("input_tokens", 600), ("output_tokens", 300)):
        for hour in (0, 1):
            telling.add("stg_lake__counter_deltas", [_gain(counter, quantity, hour)])
    telling.add("stg_lake__gauge_samples", [_gauge("00:39:50", "00:44:50")])

    assert telling.shares() == silent.shares()
    assert seconds(silent)["b", "busy"] == 2400


def _gain(counter: str, quantity: int, hour: int) -> Row:
    return {
        "counted_from": f"{DAY} {hour:02}:30",
        "counted_to": f"{DAY} {hour:02}:45",
        "counted_by": "engine",
        "counter": counter,
        "quantity": quantity,
        "pod_uid": "pod",
    }


def _gauge(start: str, end: str) -> Row:
    return {
        "sampled_at": f"{DAY} {start}",
        "believed_until": f"{DAY} {end}",
        "gauge": "requests_running",
        "value": 1,
        "pod_uid": "pod",
    }


def test_a_model_that_is_billed_by_tokens_too_has_only_its_provisioned_requests_on_the_units() -> (
    None
):
    model = capacity()
    units = {"billed_milliseconds": None, "gpu_count": None, "model": "gpt-5"}
    tokens = {"charge_group_id": "tokens", "treatment": "tokens", "model": "gpt-5"}
    model.add("int_charge_groups", [charge(**units), charge(**tokens)])
    model.add(
        "stg_lake__attempts",
        [
            attempt("a", "00:00", "00:10", pod_uid=None, response_model="gpt-5"),
            attempt(
                "b",
                "00:30",
                "00:40",
                pod_uid=None,
                response_model="gpt-5",
                service_tier="provisioned",
            ),
        ],
    )

    assert seconds(model) == {("b", "busy"): 600, (None, "warm_idle"): 3000}


def test_units_that_no_request_names_are_unknown_and_not_idle() -> None:
    model = capacity()
    model.add("int_charge_groups", [charge(billed_milliseconds=None, gpu_count=None, model="m")])

    assert seconds(model) == {(None, "unknown"): 3600}


def test_the_order_in_which_rows_arrive_changes_nothing() -> None:
    draw, found = random.Random(4), []
    attempts = [
        attempt(f"a{n}", f"00:{n % 20:02}", f"00:{20 + n % 39:02}", output_tokens=n)
        for n in range(200)
    ]
    for _ in range(2):
        draw.shuffle(attempts)
        found.append(one_gpu(*attempts, effective_cost="0.000000123457").shares())

    assert found[0] == found[1]
    assert sum(row["effective_cost"] for row in found[0]) == Decimal("0.000000123457")
    assert min(row["effective_cost"] for row in found[0]) >= 0
    assert sum(row["nanoseconds"] for row in found[0]) == 3600 * SECOND
