"""Shares of capacity by brute force: every GPU is cut at every edge, in exact fractions.

Slow and obvious on purpose, and written from the method, not from the model: no GPU stands for
another, nothing is summed before it is shared.
"""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm

from capacity_scene import HOUR, Charge, Scene, State

SCALING = ("terminating", "provisioning", "starting")
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
        ghost = self._ghost(pods, pieces)
        for start, end, width, state, running in pieces:
            time = Fraction((end - start) * width, self.parts)
            if state != "busy":
                found[None, state, False] += time
                continue
            rates = {a.key: 1 if equally else self.scene.rate(a, hour) for a in running}
            for key, rate in rates.items():
                found[key, "busy", False] += (
                    time * (1 - ghost) * Fraction(rate, sum(rates.values()))
                )
            if not running:
                found[None, "busy", ghost > 0] += time
            elif ghost:
                found[None, "busy", True] += time * ghost
        found.pop((None, "unknown", False), None)

    def _ghost(self, pods: set[str], pieces) -> Fraction:  # type: ignore[no-untyped-def]
        """The part of the time that what was counted and not traced takes; of its own, all."""
        hour = self.charge.hour
        untraced = sum(self.scene.untraced(pod).get(hour, 0) for pod in pods)
        busy = [
            (bool(running), (e - s) * width)
            for s, e, width, state, running in pieces
            if state == "busy"
        ]
        if not untraced or not busy:
            return Fraction(0)
        beside = sum(time for is_shared, time in busy if is_shared)
        if not beside:
            return Fraction(1)
        tokens = untraced * Fraction(beside, sum(time for _, time in busy))
        return tokens / (tokens + sum(self.scene.traced(pod, hour) for pod in pods))

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
            if g.pod in pods and hour <= g.start < hour + HOUR and not self.scene.explains(g)
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
