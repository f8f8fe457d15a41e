"""A cluster as its signals tell of it: charges, states, requests, counters and gauges."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

HOUR = 3_600_000
TOKEN = 10**9  # weights are billionths


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
    running: int = 1


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

    def explains(self, gauge: Gauge) -> bool:
        """Tell whether as many traced requests ran at that moment as the gauge shows."""
        running = sum(a.begins <= gauge.start < a.end for a in self.by_pod[gauge.pod])
        return running >= gauge.running

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
        unclear = [h for h in self._hours(pod) if self.mean_rate(pod, h) is None]
        hours = [hour for hour in hours if hour not in unclear]
        cached = 0 if any(gain.counter == "cache_read_tokens" for gain in gains) else 1
        weigh = {"input_tokens": TOKEN, "output_tokens": 2 * TOKEN, "cache_read_tokens": -TOKEN}
        counted = {h: sum(g.within(h) * weigh[g.counter] for g in gains) for h in hours}
        traced = {h: self.traced(pod, h, cached) for h in hours}
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

    def traced(self, pod: str, hour: int, cached: int = 0) -> int:
        known = sum(a.rate(cached) * a.within(hour) for a in self.by_pod[pod] if a.tokens)
        return known + self._guessed(pod, hour)
