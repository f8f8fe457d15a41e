"""GPU time by brute force: each GPU-hour is cut at every edge, each piece given to whoever ran.

Slow and obvious on purpose: it is what faster code is compared with. Time in milliseconds,
money in exact fractions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl

from .api_bills import PodHour
from .aws_bill import Execution, effective_cost, start_of
from .company import HOUR, NONE, Period, month_of
from .fleet import Node
from .lifecycle import Interval, recorded

Row = dict[str, Any]
IDLE, SCALING = ("warm_idle", "unrequested"), ("provisioning", "starting", "terminating")


@dataclass(frozen=True)
class ResourceHour:
    """What one machine cost in one hour, all its charge lines together; `billed_ms` is a GPU's."""

    source: str
    month: str
    resource_id: str
    hour: int
    amount: Fraction
    billed_ms: int
    pool: str


@dataclass
class Shares:
    """How the cost of one resource-hour divides: by customer, and by what else the machine did."""

    of: ResourceHour
    direct: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    unmatched: Fraction = Fraction(0)
    idle: Fraction = Fraction(0)
    scaling: Fraction = Fraction(0)
    states: dict[tuple[int, str], int] = field(default_factory=dict)


def aws_resource_hours(source: str, execution: Execution) -> list[ResourceHour]:
    """Machines of one month's final lines; refunds are no part of the hour that they correct."""
    amounts: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    hours: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    pools: dict[str, str] = {}
    for line in execution.lines:
        resource, quantity = line.get("line_item_resource_id"), line.get("line_item_usage_amount")
        is_usage = line["line_item_line_item_type"] in ("Usage", "SavingsPlanCoveredUsage")
        if not is_usage or not isinstance(resource, str) or not resource.startswith("i-"):
            continue
        assert isinstance(quantity, Decimal)
        key = (resource, start_of(line))
        amounts[key] += Fraction(effective_cost(line))
        hours[key] += quantity
        tags = line.get("resource_tags")
        pools[resource] = tags.get("user_pool", "") if isinstance(tags, dict) else ""
    return [
        ResourceHour(
            source, execution.month, *key, amounts[key], round(hours[key] * HOUR), pools[key[0]]
        )
        for key in amounts
    ]


def runpod_resource_hours(hours: Iterable[PodHour], nodes: dict[str, Node]) -> list[ResourceHour]:
    return [
        ResourceHour(
            "runpod",
            month_of(row.hour),
            row.pod_id,
            row.hour,
            Fraction(row.amount),
            row.billed_ms,
            nodes[row.pod_id].pool,
        )
        for row in hours
    ]


@dataclass(frozen=True)
class Observations:
    """What telemetry knows of each machine and each pod, by hour."""

    nodes: dict[str, Node]
    known: dict[tuple[str, int], list[Interval]]
    running: dict[tuple[str, int], list[Row]]


def observe(nodes: list[Node], attempts: pl.DataFrame, period: Period) -> Observations:
    known: dict[tuple[str, int], list[Interval]] = defaultdict(list)
    for node in nodes:
        for interval in recorded(node, period):
            for hour in _hours(interval.start, interval.end):
                known[node.resource_id, hour].append(interval)
    running: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in attempts.filter(pl.col("pod_uid").is_not_null()).iter_rows(named=True):
        for hour in _hours(row["started_ms"], row["ended_ms"]):
            running[row["pod_uid"], hour].append(row)
    return Observations({node.resource_id: node for node in nodes}, known, running)


def _hours(start: int, end: int) -> range:
    return range(start // HOUR * HOUR, end, HOUR)


def share_hour(charge: ResourceHour, seen: Observations, costs: dict[int, Fraction]) -> Shares:
    """Divides one resource-hour; adds each attempt's part to `costs`, by the attempt's key."""
    shares, node = Shares(charge), seen.nodes.get(charge.resource_id)
    if node is None:
        shares.unmatched = charge.amount
        return shares
    for gpu in range(node.gpus):
        observed = 0
        rate = charge.amount / node.gpus / charge.billed_ms
        for state, start, end, active in _pieces(charge, node, gpu, seen):
            observed += end - start
            shares.states[gpu, state] = shares.states.get((gpu, state), 0) + end - start
            cost = rate * (end - start)
            shares.idle += cost if state in IDLE else 0
            shares.scaling += cost if state in SCALING else 0
            rates = [_rate(row) for row in active]
            for row, rate_of_it in zip(active, rates, strict=True) if state == "busy" else ():
                part = cost * Fraction(rate_of_it, sum(rates))
                costs[row["attempt"]] += part
                shares.direct[row["customer_id"] or NONE] += part
        unknown = charge.billed_ms - observed
        assert unknown >= 0, "telemetry saw more of a machine than was billed"
        shares.states[gpu, "unknown"] = unknown
        shares.unmatched += rate * unknown
    return shares


def _rate(row: Row) -> int:
    """Weighted tokens a millisecond, in whole billionths: cached ones weigh 0, output ones 2."""
    tokens = row["input_tokens"] - row["cached_tokens"] + 2 * row["output_tokens"]
    milliseconds = row["ended_ms"] - row["started_ms"]
    rate: int = (max(1, tokens) * 10**9 + milliseconds // 2) // milliseconds
    return max(1, rate)


def _pieces(
    charge: ResourceHour, node: Node, gpu: int, seen: Observations
) -> Iterator[tuple[str, int, int, list[Row]]]:
    """State, start, end and running attempts between two edges, where anything is known."""
    first, last = charge.hour, charge.hour + HOUR
    known = [i for i in seen.known[charge.resource_id, first] if i.gpu_index in (None, gpu)]
    pods = [pod.uid for pod in node.pods if gpu in pod.gpus]
    running = [row for uid in pods for row in seen.running[uid, first]]
    spans = [(i.start, i.end) for i in known] + [
        (row["started_ms"], row["ended_ms"]) for row in running
    ]
    edges = sorted({min(max(edge, first), last) for span in spans for edge in span})
    for start, end in pairwise(edges):
        names = {i.state for i in known if i.start <= start and end <= i.end}
        active = [row for row in running if row["started_ms"] <= start and end <= row["ended_ms"]]
        state = _state(names, bool(active))
        if state:
            yield state, start, end, active


def _state(names: set[str], is_busy: bool) -> str | None:
    """The one state of a GPU: the first that matches."""
    for name in ("terminating", "provisioning", "starting"):
        if name in names:
            return name
    if is_busy:
        return "busy"
    if not names:
        return None
    return "warm_idle" if "ready" in names else "unrequested"
