"""What Larkspur's experiments send through a gateway: a few hundred requests in three days.

Each store that is a sample writes these same requests in its own form. Retries, fallbacks, answers
from the gateway's cache, refusals, failures and streams that broke off are among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .company import CUSTOMERS, Period, iso
from .draws import Draws

FIRST = date(2026, 10, 7)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
OPERATIONS_A_DAY = 70


@dataclass(frozen=True)
class Model:
    """A model as the gateway's users know it, and as its provider does."""

    alias: str
    name: str
    provider: str  # by LiteLLM's name


SMALL = Model("small", "gpt-5-mini-2025-08-07", "openai")
LARGE = Model("large", "claude-sonnet-4-6", "anthropic")
VECTORS = Model("vectors", "text-embedding-3-small", "openai")
MODELS = (SMALL, SMALL, LARGE, LARGE, VECTORS)
FEATURES = {"search-lab": "knowledge", "reply-lab": "assist", "": ""}


@dataclass(frozen=True)
class Request:
    """One attempt. Token counts are disjoint; reasoning is part of the output."""

    operation: str
    attempt: int
    retries: int
    fallbacks: int
    asked: Model
    model: Model
    session: str
    customer: str
    feature: str
    started_ms: int
    first_ms: int
    ended_ms: int
    outcome: str  # ok, cached, failed, rejected, cut_off
    uncached: int
    cache_read: int
    written_5m: int
    written_1h: int
    output: int
    reasoning: int

    @property
    def request_id(self) -> str:
        return f"req-{self.operation}-{self.attempt}"

    @property
    def team(self) -> str:
        return FEATURES[self.feature]

    @property
    def prompt(self) -> int:
        """The whole input, as OpenAI and LiteLLM count it."""
        return self.uncached + self.cache_read + self.written_5m + self.written_1h

    @property
    def has_usage(self) -> bool:
        return self.outcome in ("ok", "cached")


def requests(draws: Draws) -> Iterator[Request]:
    """Every attempt, an operation after the other."""
    for number in range(OPERATIONS_A_DAY * len(DAYS)):
        yield from _operation(number, draws)


def by_day(found: list[Request]) -> dict[date, list[Request]]:
    """Attempts by the UTC day they started on, in the order they ended."""
    days: dict[date, list[Request]] = {day: [] for day in DAYS}
    for request in sorted(found, key=lambda request: (request.ended_ms, request.request_id)):
        days[date.fromisoformat(iso(request.started_ms)[:10])].append(request)
    return days


def _operation(number: int, draws: Draws) -> Iterator[Request]:
    first = _attempt(number, draws)
    yield first
    if first.outcome not in ("failed", "rejected") or draws.number("gives up", number) % 10 == 0:
        return
    falls_back = first.model is SMALL and draws.number("fallback", number) % 2 == 0
    start = first.ended_ms + 400 + draws.number("backoff", number) % 900
    lasts = 900 + draws.number("lasts again", number) % 4_000
    yield replace(
        _counted(first, LARGE if falls_back else first.model, number, draws),
        attempt=1,
        retries=0 if falls_back else 1,
        fallbacks=1 if falls_back else 0,
        started_ms=start,
        first_ms=start + lasts // 3,
        ended_ms=start + lasts,
        outcome="ok",
    )


def _attempt(number: int, draws: Draws) -> Request:
    day = DAYS[number // OPERATIONS_A_DAY]
    start = Period(day, 1).start + 6 * 3_600_000 + draws.number("start", number) % (16 * 3_600_000)
    if number % OPERATIONS_A_DAY == 0 and day != DAYS[-1]:
        start = Period(day, 1).end - 700  # runs over midnight
    lasts = 800 + draws.number("lasts", number) % 6_000
    model = MODELS[draws.number("model", number) % len(MODELS)]
    request = Request(
        operation=f"{number:04d}",
        attempt=0,
        retries=0,
        fallbacks=0,
        asked=model,
        model=model,
        session=f"session-{draws.hexadecimal(12, 'session', number // 3)}",
        customer=CUSTOMERS[draws.number("customer", number) % 12] if number % 17 else "",
        feature=list(FEATURES)[draws.number("feature", number) % len(FEATURES)],
        started_ms=start,
        first_ms=start + lasts // 3,
        ended_ms=start + lasts,
        outcome=_outcome(draws.number("outcome", number) % 100),
        uncached=0,
        cache_read=0,
        written_5m=0,
        written_1h=0,
        output=0,
        reasoning=0,
    )
    return _counted(request, model, number, draws)


def _outcome(lot: int) -> str:
    for limit, outcome in ((8, "cached"), (13, "failed"), (18, "rejected"), (21, "cut_off")):
        if lot < limit:
            return outcome
    return "ok"


def _counted(request: Request, model: Model, number: int, draws: Draws) -> Request:
    """The request with what its model uses."""

    def drawn(salt: str, limit: int) -> int:
        return draws.number(salt, number, model.alias) % limit

    uncached = 12 + drawn("input", 3_000)
    if model is VECTORS:
        return replace(request, model=model, uncached=uncached, output=0, reasoning=0)
    repeats = drawn("repeats", 3)
    output = 20 + drawn("output", 900)
    counted = replace(
        request,
        model=model,
        uncached=uncached,
        cache_read=1_024 * drawn("read", 8) if repeats else 0,
        output=output,
        reasoning=drawn("reasoning", output) if model is SMALL else 0,
    )
    if model is SMALL:
        return counted
    written = 0 if repeats else 1_500 + drawn("written", 6_000)
    hours = written // 3 if drawn("hour", 2) else 0
    return replace(counted, written_5m=written - hours, written_1h=hours)
