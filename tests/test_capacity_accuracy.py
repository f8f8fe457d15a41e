"""Shares of GPU time against brute force in exact fractions, on hundreds of random hours."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from capacity_brute_force import Key, share
from capacity_model import DAY, Capacity, capacity
from capacity_scene import HOUR, Attempt, Charge, Gain, Gauge, Scene, State

MIDNIGHT = int(datetime.fromisoformat(DAY).replace(tzinfo=UTC).timestamp()) * 1000
FIRST, HOURS = MIDNIGHT + 10 * HOUR, 3
NANO = Decimal("0.000000001")
Rows = list[dict[str, Any]]


def at(milliseconds: int) -> str:
    time = datetime.fromisoformat(DAY) + timedelta(milliseconds=milliseconds - MIDNIGHT)
    return time.isoformat(sep=" ", timespec="milliseconds")


def spans(draw: random.Random, pieces: int, first: int = FIRST) -> Iterator[tuple[int, int]]:
    """Cut the hours at random, to whole tenths of a minute so that ties are common."""
    cuts = sorted(draw.randrange(0, HOURS * HOUR, 6000) for _ in range(2 * pieces))
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        if end > start:
            yield first + start, first + end


class Company:
    """A random cluster: machines of every kind, their pods, and what runs on them."""

    def __init__(self, seed: int) -> None:
        self.draw, self.scene = random.Random(seed), Scene()
        for number in range(70):
            self._machine(f"node-{number}")

    def _machine(self, name: str) -> None:
        draw = self.draw
        kind = draw.choice(("whole", "whole", "pair", "slices", "slices", "cores", "bare"))
        gpus = {"pair": 2, "cores": None}.get(kind, 1)
        for hour in range(HOURS):
            billed = draw.choice((HOUR, HOUR, HOUR, HOUR // 2, None))
            cost = f"{draw.randrange(1000)}.{draw.randrange(10**12):012d}"
            start = FIRST + hour * HOUR
            self.scene.charges.append(Charge(f"{name}-{hour}", name, start, gpus, billed, cost))
        if kind == "bare":
            self._traffic(name)
            return
        for state in ("provisioning", "node_ready", "node_ready", "terminating"):
            for start, end in spans(draw, 1):
                short = min(end, start + HOUR // 10) if state != "node_ready" else end
                self.scene.states.append(State(name, None, None, None, None, state, start, short))
        for number in range(draw.randrange(1, 4)):
            self._pod(name, f"{name}-pod-{number}", kind)

    def _pod(self, node: str, pod: str, kind: str) -> None:
        draw = self.draw
        gpu = draw.choice((0, 1, None)) if kind == "pair" else draw.choice((0, None))
        slots, of = None, None
        if kind in ("slices", "cores") and draw.random() < 0.9:
            of = 7 if kind == "slices" else 4000
            slots = draw.choice((1, 2, 3)) if kind == "slices" else draw.choice((250, 1000, 1500))
        for state in ("starting", "ready", "ready", "terminating"):
            for start, end in spans(draw, 1):
                short = end if state == "ready" else min(end, start + HOUR // 20)
                self.scene.states.append(State(node, gpu, pod, slots, of, state, start, short))
        self._traffic(pod)

    def _traffic(self, pod: str) -> None:
        draw = self.draw
        for number in range(draw.choice((0, 1, 4, 12))):
            for start, end in spans(draw, 1):
                end = min(end, start + draw.choice((60_000, 600_000, 2 * HOUR)))
                counts = tuple(draw.randrange(5000) for _ in range(3))
                tokens = counts if draw.random() < 0.8 else None
                queued = draw.choice((0, 0, 0, 1500))
                attempt = Attempt(f"{pod}:{number}", pod, start, end, queued, tokens)  # type: ignore[arg-type]
                self.scene.attempts.append(attempt)
        kinds = draw.choice(((), (), ("input_tokens", "output_tokens", "cache_read_tokens")))
        for counter in kinds or draw.choice(((), ("input_tokens", "output_tokens"))):
            for start, end in spans(draw, 3):
                quantity = draw.randrange(1, 20_000)
                self.scene.gains.append(Gain(pod, counter, quantity, start, end))
        if draw.random() < 0.4:
            for start, end in spans(draw, 3):
                self.scene.gauges.append(Gauge(pod, start, min(end, start + 300_000)))


def load(model: Capacity, scene: Scene) -> None:
    model.add("int_charge_groups", [_charge(charge) for charge in scene.charges])
    model.add("stg_lake__resource_states", [_state(state) for state in scene.states])
    model.add("stg_lake__attempts", [_attempt(attempt) for attempt in scene.attempts])
    model.add("stg_lake__counter_deltas", [_gain(gain) for gain in scene.gains])
    model.add("stg_lake__gauge_samples", [_gauge(gauge) for gauge in scene.gauges])


def _charge(charge: Charge) -> dict[str, Any]:
    return {
        "charge_group_id": charge.group,
        "treatment": "capacity",
        "resource_id": charge.resource,
        "charge_date": DAY,
        "charge_period_start": at(charge.hour),
        "charge_period_end": at(charge.hour + HOUR),
        "effective_cost": charge.cost,
        "billed_milliseconds": charge.billed,
        "gpu_count": charge.gpus,
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "resource_id": state.resource,
        "gpu_index": state.gpu,
        "pod_uid": state.pod,
        "slots": state.slots,
        "slots_of": state.slots_of,
        "state": state.name,
        "started_at": at(state.start),
        "ended_at": at(state.end),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    names = ("uncached_input_tokens", "cache_read_tokens", "output_tokens")
    return {
        "attempt_id": attempt.key,
        "inference_id": attempt.key,
        "trace_id": attempt.key,
        "status": "ok",
        "pod_uid": attempt.pod,
        "started_at": at(attempt.start),
        "ended_at": at(attempt.end),
        "queued_ms": attempt.queued or None,
        **dict(zip(names, attempt.tokens or (None,) * 3, strict=True)),
    }


def _gain(gain: Gain) -> dict[str, Any]:
    return {
        "counted_from": at(gain.start),
        "counted_to": at(gain.end),
        "counted_by": "engine",
        "counter": gain.counter,
        "quantity": gain.quantity,
        "pod_uid": gain.pod,
    }


def _gauge(gauge: Gauge) -> dict[str, Any]:
    return {
        "sampled_at": at(gauge.start),
        "believed_until": at(gauge.end),
        "gauge": "requests_running",
        "value": 1,
        "pod_uid": gauge.pod,
    }


def found_shares(model: Capacity) -> dict[str, dict[Key, dict[str, Any]]]:
    found: dict[str, dict[Key, dict[str, Any]]] = defaultdict(dict)
    for row in model.shares():
        found[row["charge_group_id"]][row["attempt_id"], row["state"], row["is_ghost"]] = row
    return found


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3, 4)])
def test_every_share_is_that_of_brute_force_within_a_nanosecond_and_the_sums_are_exact(
    seed: int,
) -> None:
    scene = Company(seed).scene
    model = capacity()
    load(model, scene)
    found = found_shares(model)

    kinds: dict[str, int] = defaultdict(int)
    for charge in scene.charges:
        rows = found[charge.group]
        cost, billed = Decimal(charge.cost), next(iter(rows.values()))["billed_nanoseconds"]
        for expected, nanoseconds, money in zip(
            share(scene, charge),
            ("nanoseconds", "equal_nanoseconds"),
            ("effective_cost", "equal_weight_cost"),
            strict=True,
        ):
            whole = sum(expected.values())
            assert abs(whole - billed) < 1
            assert sum(row[nanoseconds] for row in rows.values()) == billed
            assert sum(row[money] for row in rows.values()) == cost
            for key in expected.keys() | rows.keys():
                row = rows.get(key, {nanoseconds: 0, money: Decimal(0)})
                off = row[nanoseconds] - expected.get(key, Fraction(0)) * billed / whole
                assert abs(off) <= 1 + Fraction(1, 100), (charge, key)
                fair = Fraction(charge.cost) * expected.get(key, Fraction(0)) / whole
                assert abs(Fraction(row[money]) - fair) <= Fraction(NANO) * 2 + fair / 10**12
                kinds[key[1] + (" ghost" if key[2] else " own" if key[0] else "")] += 1
    assert len(scene.charges) == 210
    assert min(kinds.values()) >= 4, kinds
    assert {"busy own", "busy", "busy ghost", "unknown", "warm_idle", "unrequested"} <= set(kinds)
