"""The sample company's cluster as a real Prometheus scrapes it, once a minute, on two days.

`Scraped` says what its samples can tell and what truly happened, from the generator alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from capacity_scene import Attempt, Charge, Gain, Gauge, Scene, State
from prometheus_server import Samples

import benchmarks  # noqa: F401  # makes larkspur known
from larkspur.aws_bill import production_executions
from larkspur.bills.prometheus import ANSWERS, REGISTERED
from larkspur.busy import ResourceHour, aws_resource_hours
from larkspur.company import DAY, HOUR, MINUTE, SAMPLE, SEED, to_datetime
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod
from larkspur.scraped import DAYS, Cluster, Engine, Request, cluster
from larkspur.truth import exact_decimal, final

SCRAPE = MINUTE  # Prometheus' own default
START, END = SAMPLE.day(min(DAYS)), SAMPLE.day(max(DAYS)) + DAY
# Each exporter is scraped at a moment of its own within the minute.
OFFSETS = {"kube": 5_150, "vllm": 10_350, "dcgm": 20_700}


def grid(query: str) -> range:
    return range(START - HOUR + OFFSETS[query.split("_")[0]], END + HOUR, SCRAPE)


def planted(seen: Cluster) -> Samples:
    """What is planted in Prometheus: each series, sample by sample."""
    samples = Samples()
    for query, series, _ in ANSWERS:
        for labels, value in series(seen):
            points = [(at, value(at)) for at in grid(query)]
            samples.add_at(
                labels["__name__"],
                {key: text for key, text in labels.items() if key != "__name__"},
                [(at, text) for at, text in points if text is not None],
            )
    return samples


def first_from(moment: int, query: str = "kube") -> int:
    """The first scrape that is not before a moment."""
    start = grid(query).start
    return start - (start - moment) // SCRAPE * SCRAPE


class Planted(Scene):
    """A scene that remembers what it has counted."""

    def untraced(self, pod: str) -> dict[int, int]:
        if pod not in self._counted:
            self._counted[pod] = super().untraced(pod)
        return self._counted[pod]

    @cached_property
    def _counted(self) -> dict[str, dict[int, int]]:
        return {}


def _touching(requests: list[Request], start: int, end: int) -> list[Request]:
    return [one for one in requests if one.ended > start and one.started < end]


@dataclass(frozen=True)
class Scraped:
    """The cluster, where the spans of some traces are lost."""

    seen: Cluster
    lost: frozenset[str] = frozenset()
    # Whether the nightly check left spans too: then nothing is missing.
    is_checked: bool = False

    @cached_property
    def charges(self) -> list[ResourceHour]:
        """The machine-hours of the bill, on the two days."""
        machines = {node.resource_id for node in self.seen.nodes}
        return [
            charge
            for execution in final(production_executions(SAMPLE, self.seen.draws))
            for charge in aws_resource_hours("aws_prod", execution)
            if charge.resource_id in machines and START <= charge.hour < END
        ]

    def is_lost(self, request: Request) -> bool:
        if not request.trace_id:
            return not self.is_checked
        return request.trace_id in self.lost

    def untraced(self, pod: Pod, day: int) -> list[Request]:
        """What ran on a day and left no span."""
        requests = self.seen.requests.get(pod.uid, [])
        return [one for one in _touching(requests, day, day + DAY) if self.is_lost(one)]

    def is_quiet_at(self, pod: Pod, moment: int) -> bool:
        """Nothing runs within a scrape of the moment."""
        requests = self.seen.requests.get(pod.uid, [])
        return not _touching(requests, moment - SCRAPE, moment + SCRAPE)

    def scene(self, day: int) -> Scene:
        """All that the samples, the spans that are left and the bill tell of a day."""
        scene = Planted()
        for charge in self.charges:
            if day <= charge.hour < day + DAY:
                what = (charge.resource_id, charge.hour, 1, charge.billed_ms)
                cost = str(exact_decimal(charge.amount))
                scene.charges.append(Charge(f"{charge.resource_id}@{charge.hour}", *what, cost))
        for node in self.seen.nodes:
            scene.states += _clipped(_node_states(node), day)
            for pod in node.pods:
                scene.states += _clipped(_pod_states(node, pod), day)
                self._add_pod(scene, pod, day)
        return scene

    def _add_pod(self, scene: Scene, pod: Pod, day: int) -> None:
        requests = self.seen.requests.get(pod.uid, [])
        engine = Engine(requests)
        scene.attempts += [
            Attempt(name_of(one), pod.uid, one.started, one.ended, 0, tokens_of(one))
            for one in _touching(requests, day, day + DAY)
            if not self.is_lost(one)
        ]
        scene.gains += _gains(pod, engine, day)
        times = [at for at in grid("vllm") if pod.ready <= at < pod.stops and day <= at < day + DAY]
        # What does not change is one row an hour.
        for (_, running), same in groupby(times, lambda at: (at // HOUR, engine.running(at))):
            first, *others = same
            if running:
                until = max([first, *others]) + SCRAPE
                scene.gauges.append(Gauge(pod.uid, first, until, running))


def _gains(pod: Pod, engine: Engine, day: int) -> Iterator[Gain]:
    """What counters gain from scrape to scrape, within the day."""
    times = [at for at in grid("vllm") if pod.ready <= at < pod.stops]
    for counter, count in (
        ("input_tokens", engine.input_tokens),
        ("output_tokens", engine.output_tokens),
    ):
        known = [(at, count(at)) for at in times]
        if times and pod.bound > START - HOUR:  # it counts from nothing
            known.insert(0, (pod.bound, 0))
        for (start, was), (end, now) in pairwise(known):
            if day <= start and end <= day + DAY:
                yield Gain(pod.uid, counter, now - was, start, end)


def _node_states(node: Node) -> Iterator[State]:
    """A node is known since it registers; a state shows with the next scrape."""
    begins, ready = node.begins + REGISTERED, first_from(node.begins + node.provisioning)
    leaves, gone = node.ends - node.terminating, node.ends
    shown = (
        ("provisioning", begins, ready),
        # It may have gone at once after its last sample.
        ("node_ready", ready, first_from(leaves) - SCRAPE),
        ("terminating", first_from(leaves), first_from(gone) - SCRAPE),
    )
    for name, start, end in shown:
        yield State(node.resource_id, None, None, None, None, name, start, end)


def _pod_states(node: Node, pod: Pod) -> Iterator[State]:
    """When a pod was bound and ready Kubernetes says itself, to the second."""
    shown = (
        ("starting", pod.bound, pod.ready),
        ("ready", pod.ready, first_from(pod.stops)),
        ("terminating", first_from(pod.stops), first_from(pod.gone)),
    )
    for name, start, end in shown:
        yield State(node.resource_id, pod.gpus[0], pod.uid, None, None, name, start, end)


def _clipped(states: Iterator[State], day: int) -> Iterator[State]:
    for state in states:
        start, end = max(state.start, day), min(state.end, day + DAY)
        if start < end:
            yield state._replace(start=start, end=end)


def name_of(request: Request) -> str:
    if not request.trace_id:
        return f"check:{request.started}"
    return f"{request.trace_id}:{request.span_id}"


def tokens_of(request: Request) -> tuple[int, int, int]:
    """Uncached, cached and output tokens: none of these models caches."""
    return request.input_tokens, 0, request.output_tokens


def date_of(moment: int) -> str:
    return to_datetime(moment).strftime("%Y-%m-%d")


def company_cluster() -> Cluster:
    return cluster(SAMPLE, Draws(SEED))
