"""What the cluster's Prometheus could see on two days: nodes, pods, requests and their tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from .company import CHAT, DAY, HOUR, MINUTE, SAMPLE_ATTEMPTS, SECOND, Period
from .draws import Draws
from .fleet import Node, Pod, fleet
from .traffic import day_attempts, pod_slots, runs_by_day

DAYS = (5, 6)  # of the period; a node comes, and a pod is replaced
AROUND = 15 * MINUTE  # what is saved of the day before and the day after
CHECKS = 40  # requests of the nightly check, of so many tokens each
CHECK_INPUT, CHECK_OUTPUT = 210, 48

Labels = dict[str, str]
Value = Callable[[int], str | None]


@dataclass(frozen=True)
class Request:
    started: int
    ended: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Cluster:
    """What Prometheus could see: nodes with GPUs, and each pod's requests."""

    first: int
    nodes: list[Node]
    requests: dict[str, list[Request]]
    draws: Draws

    def address(self, *name: object) -> str:
        number = self.draws.number("address", *name)
        return f"10.40.{number % 200 + 10}.{number // 200 % 240 + 10}"

    def node_name(self, node: Node) -> str:
        return f"ip-{self.address(node.resource_id).replace('.', '-')}.us-west-2.compute.internal"

    def pods(self) -> Iterator[tuple[Node, Pod]]:
        for node in self.nodes:
            for pod in node.pods:
                yield node, pod


def pod_name(pod: Pod) -> str:
    server = "chat" if pod.model == CHAT else "light"
    return f"{server}-vllm-{pod.uid[:8]}-{pod.uid[-5:]}"


def _requests(period: Period, draws: Draws) -> dict[str, list[Request]]:
    runs = runs_by_day(SAMPLE_ATTEMPTS, period)
    before = list(accumulate([0, *runs]))
    slots = pod_slots(fleet(period, draws))
    wanted = [day for day in range(min(DAYS) - 1, max(DAYS) + 2) if day < len(runs)]
    frames = [day_attempts(period, day, before[day], runs[day], draws, slots) for day in wanted]
    found: dict[str, list[Request]] = {}
    rows = pl.concat(frames).filter(pl.col("pod_uid").is_not_null())
    for row in rows.sort("started_ms", "attempt").iter_rows(named=True):
        request = Request(
            row["started_ms"], row["ended_ms"], row["input_tokens"], row["output_tokens"]
        )
        found.setdefault(row["pod_uid"], []).append(request)
    return found


def _checks(period: Period, nodes: list[Node]) -> Iterator[tuple[str, Request]]:
    """Soon after three, one request after the other, on the server that is always there."""
    for day in DAYS:
        begins = period.day(day) + 3 * HOUR + 12 * MINUTE
        for node in nodes:
            for pod in node.pods:
                if node.pool == "light-gpu" and pod.ready < begins < pod.stops - HOUR:
                    for number in range(CHECKS):
                        at = begins + number * 2 * SECOND
                        yield pod.uid, Request(at, at + 1_900, CHECK_INPUT, CHECK_OUTPUT)


def cluster(period: Period, draws: Draws) -> Cluster:
    first, last = period.day(min(DAYS)) - AROUND, period.day(max(DAYS)) + DAY + AROUND
    nodes = [
        node
        for node in fleet(period, draws)
        if node.purchase != "runpod" and node.begins < last and node.ends > first
    ]
    requests = _requests(period, draws)
    for uid, request in _checks(period, nodes):
        requests.setdefault(uid, []).append(request)
    return Cluster(first, nodes, requests, draws)


def output_so_far(request: Request, moment: int) -> int:
    """Output tokens so far: they come evenly."""
    if moment >= request.ended:
        return request.output_tokens
    lasted = max(0, moment - request.started)
    return request.output_tokens * lasted // max(1, request.ended - request.started)


def while_up(start: int, end: int, value: Callable[[int], object]) -> Value:
    return lambda moment: str(value(moment)) if start <= moment < end else None


def always(start: int, end: int, value: object) -> Value:
    return while_up(start, end, lambda at: value)


def since(start: int, end: int, moment: int) -> Value:
    """1 from a moment on, 0 before it."""
    return while_up(start, end, lambda at: int(at >= moment))


def busy_share(requests: list[Request], moment: int) -> str:
    """The share of the last thirty seconds in which the engine worked, in thousandths."""
    begins, worked = moment - 30 * SECOND, 0
    for one in sorted(requests, key=lambda one: (one.started, one.ended)):
        start, end = max(begins, one.started), min(moment, one.ended)
        if start < end:
            worked, begins = worked + end - start, end
    return f"{worked / 30_000:.3f}".rstrip("0").rstrip(".")
