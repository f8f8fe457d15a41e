"""What the planted episodes truly cost, from the times and prices they were planted with."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from larkspur.aws_lines import INSTANCES
from larkspur.busy import ResourceHour, observe, share_hour
from larkspur.calls.machines import NANO_A_MS, POOL, machines
from larkspur.calls.requests import ANOMALY_DAY, SUMMARY, TRANSCRIPTS, Row
from larkspur.company import DAY, HOUR, TOKEN_PRICES, Period, iso, month_of, to_date
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod, fleet
from larkspur.writing import write_rows

COLUMNS = (
    "kind", "entity", "value", "resource_id", "started_at", "ended_at", "cost", "currency",
    "quantity", "unit",
)  # fmt: skip
TARGET_MS = 2_000  # of the time to the first token of a transcript
WORTH = Decimal("0.40")  # of a transcript, in dollars
LEAVING, GRACE = Decimal("0.02"), 3_000  # how many of those who wait leave a second, and after what
NANO = Decimal("1e-9")


@dataclass(frozen=True)
class Episode:
    """One line of the truth; without a cost it is only counted."""

    kind: str
    entity: str
    value: str
    resource_id: str
    started: int
    ended: int
    cost: Decimal | None
    quantity: Decimal | int
    unit: str

    def line(self) -> list[object]:
        cost = "" if self.cost is None else f"{self.cost:f}"
        times = (iso(self.started), iso(self.ended))
        return [
            self.kind, self.entity, self.value, self.resource_id, *times, cost, "USD",
            f"{self.quantity:f}" if isinstance(self.quantity, Decimal) else self.quantity,
            self.unit,
        ]  # fmt: skip


def write_episodes(rows: list[Row], period: Period, draws: Draws, folder: Path) -> None:
    made = machines(period, draws)
    found = [
        *_overshoots(made.get("overshoot", ()), rows),
        *_lags(made.get("lag", ()), rows),
        *_thrash(made.get("thrash", ())),
        *_swaps(made.get("swap", ())),
        *_unasked(made.get("unused_model", ())),
        *_storms(rows),
        *_anomalies(rows, period),
        *_large_machines(period, draws),
    ]
    write_rows(COLUMNS, [episode.line() for episode in found], folder / "episodes.csv")


def machine_cost(node: Node, milliseconds: int) -> Decimal:
    return NANO_A_MS[node.gpus] * milliseconds * NANO


def token_cost(row: Row) -> Decimal:
    prices = TOKEN_PRICES[row["model"]]
    nano: int = prices["input"] * row["input_tokens"] + prices["output"] * row["output_tokens"]
    return nano * NANO


def _of(pod: Pod, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["pod_uid"] == pod.uid]


def _overshoots(nodes: Iterable[Node], rows: list[Row]) -> Iterator[Episode]:
    for node in nodes:
        (pod,) = node.pods
        used = min(row["started_ms"] for row in _of(pod, rows))
        gap = used - pod.ready
        cost = machine_cost(node, gap)
        yield Episode(
            "overshoot", "pool", POOL, node.resource_id, pod.ready, used, cost, gap, "ms unused"
        )


def _lags(nodes: Iterable[Node], rows: list[Row]) -> Iterator[Episode]:
    """From the first request that waits to the new machine's readiness."""
    if not nodes:
        return
    (first,), (late,) = (node.pods for node in nodes)
    waited = [row for row in _of(first, rows) if row["queued_ms"]]
    lost = [row for row in waited if row["outcome"] == "failed"]
    over = [row["first_token_ms"] - TARGET_MS for row in waited if row not in lost]
    begins = min(row["started_ms"] for row in waited)
    modelled = sum((_left(row["queued_ms"]) for row in waited), Decimal(0))
    told: list[tuple[Decimal | None, int, str]] = [
        (WORTH * len(lost), len(lost), "lost operations"),
        (modelled, len(waited), "waiting operations"),
        (None, sum(ms > 0 for ms in over), "breaches"),
        (None, sum(max(0, ms) for ms in over), "ms over target"),
        (None, late.ready - begins, "ms of lag"),
    ]
    for cost, quantity, unit in told:
        yield Episode("lag", "pool", POOL, "", begins, late.ready, cost, quantity, unit)


def _left(queued_ms: int) -> Decimal:
    """What an operation is worth, times how likely its user left while it waited."""
    waited = Decimal(max(0, queued_ms - GRACE)) / 1_000
    return (WORTH * (1 - (-LEAVING * waited).exp())).quantize(Decimal("1e-12"))


def _thrash(nodes: Iterable[Node]) -> Iterator[Episode]:
    """Draining, provisioning and starting, less what the machine would have cost meanwhile."""
    for gone, back in pairwise(nodes):
        gap = back.begins - gone.ends
        overhead = gone.ends - gone.pods[-1].stops + back.pods[0].ready - back.begins
        yield Episode(
            "thrash", "pool", POOL, gone.resource_id, gone.ends, back.begins,
            machine_cost(gone, overhead - gap), gap, "ms of gap",
        )  # fmt: skip


def _swaps(nodes: Iterable[Node]) -> Iterator[Episode]:
    """Each comeback of a model: its draining and its new start, on a machine billed all along."""
    for node in nodes:
        for gone, back in zip(node.pods, node.pods[2:], strict=False):
            took = gone.gone - gone.stops + back.ready - back.bound
            yield Episode(
                "swap", "model", gone.model, node.resource_id, gone.gone, back.bound,
                machine_cost(node, took), took, "ms of loading",
            )  # fmt: skip


def _unasked(nodes: Iterable[Node]) -> Iterator[Episode]:
    for node in nodes:
        yield Episode(
            "unused_model", "model", node.pods[0].model, node.resource_id, node.begins, node.ends,
            machine_cost(node, node.ends - node.begins), 0, "requests",
        )  # fmt: skip


def _storms(rows: list[Row]) -> Iterator[Episode]:
    """Attempts by tokens that failed and were tried again."""
    storm = [row for row in rows if row["pod_uid"] is None and row["feature"] == TRANSCRIPTS]
    failed = [row for row in storm if row["outcome"] == "failed"]
    if failed:
        begins, ends = min(r["started_ms"] for r in storm), max(r["ended_ms"] for r in storm)
        cost = sum(map(token_cost, failed), Decimal(0))
        yield Episode(
            "retry_storm", "feature", TRANSCRIPTS, "", begins, ends, cost, len(failed),
            "retried attempts",
        )  # fmt: skip


def _anomalies(rows: list[Row], period: Period) -> Iterator[Episode]:
    """What the day cost above the mean of the weekdays before it; its quantity is all of it."""
    if period.days <= ANOMALY_DAY:
        return
    days: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["feature"] == SUMMARY:
            days[row["ended_ms"] // DAY] += token_cost(row)
    day = period.day(ANOMALY_DAY)
    before = [
        cost
        for index, cost in days.items()
        if index < day // DAY and to_date(index * DAY).weekday() < 5
    ]
    usual, found = sum(before, Decimal(0)) / len(before), days[day // DAY]
    yield Episode(
        "anomaly", "feature", SUMMARY, "", day, day + DAY, (found - usual).quantize(NANO), found,
        "dollars of the day",
    )  # fmt: skip


def _large_machines(period: Period, draws: Draws) -> Iterator[Episode]:
    """No part of the beta: the days on which the assistant's pool had eight GPUs more."""
    for node in fleet(period, draws):
        if node.gpus == 8:
            hours = Decimal(node.ends - node.begins) / HOUR
            cost = (INSTANCES[node.instance][0] * hours).quantize(NANO)
            yield Episode(
                "large_machine", "pool", node.pool, node.resource_id, node.begins, node.ends, cost,
                node.gpus, "GPUs",
            )  # fmt: skip


def write_components(rows: list[Row], period: Period, draws: Draws, folder: Path) -> None:
    """The machines' cost by day and component, found as that of all other machines."""
    nodes = [node for made in machines(period, draws).values() for node in made]
    seen = observe(nodes, _frame(rows), period)
    sums: dict[tuple[int, str], Fraction] = defaultdict(Fraction)
    for node in nodes:
        for charge in _hours(node):
            shares = share_hour(charge, seen, defaultdict(Fraction))
            day = charge.hour // DAY * DAY
            sums[day, "direct"] += sum(shares.direct.values(), Fraction(0))
            for name in ("idle", "scaling", "unmatched"):
                sums[day, name] += getattr(shares, name)
    lines = [
        [to_date(day), name, f"{Decimal(round(cost * 10**18)).scaleb(-18):f}"]
        for (day, name), cost in sorted(sums.items())
    ]
    write_rows(("charge_date", "component", "cost"), lines, folder / "calls.csv")


def _hours(node: Node) -> Iterator[ResourceHour]:
    for hour in range(node.begins // HOUR * HOUR, node.ends, HOUR):
        billed = min(node.ends, hour + HOUR) - max(node.begins, hour)
        cost = Fraction(NANO_A_MS[node.gpus] * billed, 10**9)
        yield ResourceHour(
            "calls_runpod", month_of(hour), node.resource_id, hour, cost, billed, POOL
        )


def _frame(rows: list[Row]) -> pl.DataFrame:
    """A request that waits in a queue does not run yet."""
    running: list[dict[str, Any]] = [
        row | {"started_ms": row["started_ms"] + (row["queued_ms"] or 0)} for row in rows
    ]
    return pl.DataFrame(running, infer_schema_length=None)
