"""What the cluster's Prometheus could see on two days: nodes, pods, requests and their tokens."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from .company import CHAT, DAY, HOUR, MINUTE, SAMPLE_ATTEMPTS, SECOND, Period
from .draws import Draws
from .fleet import DRAIN, Node, Pod, fleet
from .traffic import day_attempts, pod_slots, runs_by_day

DAYS = (5, 6)  # of the period; a node comes, and a pod is replaced
AROUND = 15 * MINUTE  # what is saved of the day before and the day after
CHECKS = 40  # requests of the nightly check, of so many tokens each
CHECK_INPUT, CHECK_OUTPUT = 210, 48

Labels = dict[str, str]
Value = Callable[[int], str | None]


@dataclass(frozen=True)
class Request:
    """What a server answered; without a trace, nobody told of it."""

    started: int
    ended: int
    input_tokens: int
    output_tokens: int
    trace_id: str = ""
    span_id: str = ""


_TOLD = ("started_ms", "ended_ms", "input_tokens", "output_tokens", "trace_id", "span_id")


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

    def untraced(self, pod: Pod, day: int) -> list[Request]:
        """What a server answered on a day and nobody wrote a span for."""
        requests = self.requests.get(pod.uid, [])
        return [one for one in requests if not one.trace_id and day <= one.started < day + DAY]


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
        found.setdefault(row["pod_uid"], []).append(Request(*(row[name] for name in _TOLD)))
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


class Engine:
    """What a server counts: input when a request starts, output evenly while it runs."""

    def __init__(self, requests: list[Request]) -> None:
        by_start = sorted(requests, key=lambda one: (one.started, one.ended))
        by_end = sorted(requests, key=lambda one: one.ended)
        self._requests = by_start
        self._starts = [one.started for one in by_start]
        self._ends = [one.ended for one in by_end]
        self._given = list(accumulate((one.input_tokens for one in by_start), initial=0))
        self._made = list(accumulate((one.output_tokens for one in by_end), initial=0))

    def within(self, start: int, end: int) -> list[Request]:
        """Return those that ran between two moments, by their start."""
        first = bisect_right(self._starts, start - DRAIN)
        begun = self._requests[first : bisect_right(self._starts, end)]
        return [one for one in begun if one.ended > start]

    def input_tokens(self, moment: int) -> int:
        return self._given[bisect_right(self._starts, moment)]

    def output_tokens(self, moment: int) -> int:
        running = sum(_so_far(one, moment) for one in self.within(moment, moment))
        return self._made[bisect_right(self._ends, moment)] + running

    def running(self, moment: int) -> int:
        return len(self.within(moment, moment))

    def busy_share(self, moment: int) -> str:
        """The share of the last thirty seconds in which it worked, in thousandths."""
        begins, worked = moment - 30 * SECOND, 0
        for one in self.within(begins, moment):
            start, end = max(begins, one.started), min(moment, one.ended)
            if start < end:
                worked, begins = worked + end - start, end
        return f"{worked / 30_000:.3f}".rstrip("0").rstrip(".")


def _so_far(request: Request, moment: int) -> int:
    lasted = moment - request.started
    return request.output_tokens * lasted // max(1, request.ended - request.started)


def while_up(start: int, end: int, value: Callable[[int], object]) -> Value:
    return lambda moment: str(value(moment)) if start <= moment < end else None


def always(start: int, end: int, value: object) -> Value:
    return while_up(start, end, lambda at: value)


def since(start: int, end: int, moment: int) -> Value:
    """1 from a moment on, 0 before it."""
    return while_up(start, end, lambda at: int(at >= moment))


def until(start: int, end: int, moment: int) -> Value:
    """1 before a moment, 0 from it on."""
    return while_up(start, end, lambda at: int(at < moment))
