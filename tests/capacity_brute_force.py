"""Shares of capacity by brute force: every GPU is cut at every edge, in exact fractions.

Slow and obvious on purpose, and written from the method, not from the model: no GPU stands for
another, nothing is summed before it is shared.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import NamedTuple

HOUR = 3_600_000
TOKEN = 10**9  # weights are billionths
SCALING = ("terminating", "provisioning", "starting")


class State(NamedTuple):
    resource: str
    gpu: int | None
    pod: str | None
    slots: int | None
    slots_of: int | None
    name: str
    start: int
    end: int

    def is_on(self, resource: str, gpu: int) -> bool:
        return self.resource == resource and self.gpu in (None, gpu)


class Attempt(NamedTuple):
    key: str
    pod: str
    start: int
    end: int
    queued: int
    tokens: tuple[int, int, int] | None  # uncached, cached, output

    @property
    def begins(self) -> int:
        return self.start + self.queued

    def weight(self, cached: int = 0) -> int:
        uncached, cache_read, output = self.tokens or (0, 0, 0)
        return (uncached + cached * cache_read + 2 * output) * TOKEN

    def rate(self, cached: int = 0) -> int:
        duration = self.end - self.begins
        return max(1, (max(TOKEN, self.weight(cached)) + duration // 2) // duration)

    def within(self, hour: int) -> int:
        return max(0, min(self.end, hour + HOUR) - max(self.begins, hour))


class Gain(NamedTuple):
    pod: str
    counter: str
    quantity: int
    start: int
    end: int

    def within(self, hour: int) -> int:
        def until(time: int) -> int:
            return (
                self.quantity
                * (min(max(time, self.start), self.end) - self.start)
                // (self.end - self.start)
            )

        return until(hour + HOUR) - until(hour)


class Gauge(NamedTuple):
    pod: str
    start: int
    end: int


class Charge(NamedTuple):
    group: str
    resource: str
    hour: int
    gpus: int | None
    billed: int | None
    cost: str


@dataclass
class Scene:
    charges: list[Charge] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)

    @cached_property
    def by_pod(self) -> dict[str, list[Attempt]]:
        found: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            if attempt.end > attempt.begins:
                found[attempt.pod].append(attempt)
        return found

    def mean_rate(self, pod: str, hour: int, cached: int = 0) -> int | None:
        counted = [a for a in self.by_pod[pod] if a.tokens and a.within(hour)]
        if not counted:
            return None
        total = sum(a.rate(cached) * a.within(hour) for a in counted)
        return total // sum(a.within(hour) for a in counted)

    def rate(self, attempt: Attempt, hour: int) -> int:
        return attempt.rate() if attempt.tokens else self.mean_rate(attempt.pod, hour) or 1

    def untraced(self, pod: str) -> dict[int, int]:
        """Weighted tokens that the engine counted beyond the traced ones, by hour."""
        gains = [gain for gain in self.gains if gain.pod == pod]
        hours = sorted({h for g in gains for h in range(g.start // HOUR * HOUR, g.end, HOUR)})
        cached = 0 if any(gain.counter == "cache_read_tokens" for gain in gains) else 1
        weigh = {"input_tokens": TOKEN, "output_tokens": 2 * TOKEN, "cache_read_tokens": -TOKEN}
        counted = {h: sum(g.within(h) * weigh[g.counter] for g in gains) for h in hours}
        traced = {h: self._traced(pod, h, cached) for h in hours}
        guessed = sum(self._guessed(pod, h) for h in self._hours(pod))
        on_day = guessed + sum(a.weight(cached) for a in self.by_pod[pod])
        weighing = guessed + sum(a.weight() for a in self.by_pod[pod])
        part = (weighing, on_day) if cached and on_day else (1, 1)
        missing = max(0, sum(counted.values()) - on_day)
        beyond = {h: max(0, counted[h] - traced[h]) for h in hours}
        everything = sum(beyond.values())
        return {
            h: missing * beyond[h] // everything * part[0] // part[1] if everything else 0
            for h in hours
        }

    def _hours(self, pod: str) -> list[int]:
        return sorted(
            {hour for a in self.by_pod[pod] for hour in range(a.begins // HOUR * HOUR, a.end, HOUR)}
        )

    def _guessed(self, pod: str, hour: int) -> int:
        unknown = sum(a.within(hour) for a in self.by_pod[pod] if not a.tokens)
        return (self.mean_rate(pod, hour) or 0) * unknown

    def _traced(self, pod: str, hour: int, cached: int) -> int:
        known = sum(a.rate(cached) * a.within(hour) for a in self.by_pod[pod] if a.tokens)
        return known + self._guessed(pod, hour)


Key = tuple[str | None, str, bool]  # attempt, state, is a ghost's


def share(scene: Scene, charge: Charge) -> tuple[dict[Key, Fraction], dict[Key, Fraction]]:
    """Return the nanoseconds of a charge, by weighted tokens and with equal weights."""
    known = [state for state in scene.states if state.resource == charge.resource]
    gpus = charge.gpus or 1
    weighted: dict[Key, Fraction] = defaultdict(Fraction)
    equal: dict[Key, Fraction] = defaultdict(Fraction)
    for gpu in range(gpus):
        hour = GpuHour(scene, charge, gpu, [s for s in known if s.is_on(charge.resource, gpu)])
        for total, found in ((weighted, hour.shares(False)), (equal, hour.shares(True))):
            observed = sum(found.values(), Fraction(0))
            billed = Fraction(charge.billed or observed or HOUR)
            scale = billed / observed if observed > billed else Fraction(1)
            for key, milliseconds in found.items():
                total[key] += milliseconds * scale * 10**6
            total[None, "unknown", False] += max(Fraction(0), billed - observed) * 10**6
    return weighted, equal


@dataclass
class GpuHour:
    scene: Scene
    charge: Charge
    gpu: int
    known: list[State]

    @cached_property
    def lives(self) -> dict[str, tuple[int, int]]:
        """From each pod's first state to its last."""
        pods = {state.pod for state in self.known if state.pod}
        return {
            pod: (
                min(s.start for s in self.known if s.pod == pod),
                max(s.end for s in self.known if s.pod == pod),
            )
            for pod in pods
        }

    @cached_property
    def parts(self) -> int:
        return lcm(1, *(state.slots_of for state in self.known if state.slots_of))

    @cached_property
    def widths(self) -> dict[str, int]:
        return {
            s.pod: s.slots * self.parts // s.slots_of
            for s in self.known
            if s.pod and s.slots and s.slots_of
        }

    def shares(self, equally: bool) -> dict[Key, Fraction]:
        """Milliseconds of the GPU by attempt and state, what is unknown left out."""
        found: dict[Key, Fraction] = defaultdict(Fraction)
        for owner in [None, *sorted(self.widths)]:
            self._share_lane(owner, equally, found)
        return found

    def _share_lane(self, owner: str | None, equally: bool, found: dict[Key, Fraction]) -> None:
        pods = {owner} if owner else {pod for pod in self.lives if pod not in self.widths}
        if owner is None and not any(s.pod == self.charge.resource for s in self.scene.states):
            pods.add(self.charge.resource)
        pieces = list(self._pieces(owner, pods))
        hour = self.charge.hour
        untraced = sum(self.scene.untraced(pod).get(hour, 0) for pod in pods)
        busy = sum(end - start for start, end, width, state, _ in pieces if state == "busy")
        ghost = max(1, untraced // busy) if untraced and busy else 0
        for start, end, width, state, running in pieces:
            time = Fraction((end - start) * width, self.parts)
            if state != "busy":
                found[None, state, False] += time
                continue
            rates = {a.key: 1 if equally else self.scene.rate(a, hour) for a in running}
            beside = min(1, ghost) if equally else ghost
            total = sum(rates.values()) + beside
            for key, rate in rates.items():
                found[key, "busy", False] += time * Fraction(rate, total)
            if not running:
                found[None, "busy", ghost > 0] += time
            elif beside:
                found[None, "busy", True] += time * Fraction(beside, total)
        found.pop((None, "unknown", False), None)

    def _pieces(self, owner: str | None, pods: set[str]):  # type: ignore[no-untyped-def]
        """Yield start, end, parts, state and running attempts between two edges."""
        first, last = self.charge.hour, self.charge.hour + HOUR
        attempts = [a for pod in pods for a in self.scene.by_pod[pod] if a.within(first)]
        mine = [s for s in self.known if s.pod is None or s.pod in pods]
        active = self._activity(pods, bool(attempts))
        times = [(s.start, s.end) for s in mine] + [(a.begins, a.end) for a in attempts]
        times += [*self.lives.values(), *active, (first, last)]
        edges = sorted({min(max(t, first), last) for pair in times for t in pair})
        for start, end in pairwise(edges):
            width = self._width(owner, start)
            if not width:
                continue
            names = {s.name for s in mine if s.start <= start < s.end}
            running = [a for a in attempts if a.begins <= start < a.end]
            works = bool(running) or any(s <= start < e for s, e in active)
            is_held = any(
                begin <= start < end_of_it
                for pod, (begin, end_of_it) in self.lives.items()
                if pod in pods
            )
            yield start, end, width, _state(names, works, is_held), running

    def _width(self, owner: str | None, time: int) -> int:
        taken = {
            pod: width
            for pod, width in self.widths.items()
            if self.lives[pod][0] <= time < self.lives[pod][1]
        }
        if owner:
            return taken.get(owner, 0)
        return max(0, self.parts - sum(taken.values()))

    def _activity(self, pods: set[str], has_requests: bool) -> list[tuple[int, int]]:
        """When the engine worked, where requests are not all that is known of it."""
        hour = self.charge.hour
        counted = [self.scene.untraced(pod) for pod in pods]
        is_counted = any(hour in hours for hours in counted)
        missing = sum(hours.get(hour, 0) for hours in counted)
        if not missing and (has_requests or is_counted):
            return []
        gauged = [
            (g.start, min(g.end, hour + HOUR))
            for g in self.scene.gauges
            if g.pod in pods and hour <= g.start < hour + HOUR
        ]
        if gauged or has_requests or not missing:
            return gauged
        return [
            (max(g.start, hour), min(g.end, hour + HOUR))
            for g in self.scene.gains
            if g.pod in pods and g.within(hour) > 0
        ]


def _state(names: set[str], works: bool, is_held: bool) -> str:
    for name in SCALING:
        if name in names:
            return name
    if works:
        return "busy"
    if "ready" in names:
        return "warm_idle"
    return "unrequested" if "node_ready" in names and not is_held else "unknown"
