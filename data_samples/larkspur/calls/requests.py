"""What the beta asked for: rows with the columns that larkspur.spans writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from larkspur.calls.machines import LAG_DAY, machines
from larkspur.company import (
    HOUR,
    MINUTE,
    RESPONSE_NAME,
    SECOND,
    SUMMARIZER,
    TITLER,
    Period,
)
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod

Row = dict[str, Any]
SUMMARY, TRANSCRIPTS = "call-summary", "call-transcripts"
FIRST_TOKEN = 450
KEYS = {SUMMARY: "key_calls_summary", TRANSCRIPTS: "key_calls_titles"}
PROJECT = "proj_larkspur_calls"
LISTENED_TO = "cust-009"
CUSTOMERS = ("cust-009", "cust-014", "cust-023")

STORM_DAY, ANOMALY_DAY = 25, 27
STORMED, TRIES = 60, 4
USUAL, AT_WEEKENDS, TIMES = 24, 6, 5
QUEUED, GIVEN_UP = 40, 4
ENVIRONMENT = "staging"  # customers try it there; its costs are in no unit cost of production


@dataclass(frozen=True)
class Call:
    """What is asked of a model: when, for whom, and how it went."""

    name: str
    feature: str
    workflow: str
    model: str
    customer: str
    started: int
    ended: int
    tokens: tuple[int, int]
    pod: Pod | None = None
    queued: int | None = None
    outcome: str = "ok"
    operation: str = ""

    def row(self, key: int, draws: Draws) -> Row:
        trace = draws.hexadecimal(32, "call", self.name)
        on_pod = self.pod is not None
        return {
            "attempt": key,
            "trace_id": trace,
            "root_span_id": "",
            "client_span_id": draws.hexadecimal(16, "call client", self.name),
            "span_id": draws.hexadecimal(16, "call server", self.name),
            "operation_id": f"op-{self.operation or trace[:16]}",
            "customer_id": self.customer,
            "feature": self.feature,
            "workflow": self.workflow,
            "team": "assist",
            "environment": ENVIRONMENT,
            "provider": "vllm" if on_pod else "openai",
            "model": self.model,
            "response_model": RESPONSE_NAME.get(self.model, self.model),
            "pod_uid": self.pod.uid if self.pod else None,
            "api_key_id": None if on_pod else KEYS[self.feature],
            "project_id": None if on_pod else PROJECT,
            "input_tokens": self.tokens[0],
            "cached_tokens": 0,
            "output_tokens": self.tokens[1],
            "reasoning_tokens": 0,
            "outcome": self.outcome,
            "queued_ms": self.queued,
            "first_token_ms": self._first_token(),
            "started_ms": self.started,
            "ended_ms": self.ended,
            "sent_ms": self.started - (4 if on_pod else 0),
            "received_ms": self.ended + (6 if on_pod else 0),
        }

    def _first_token(self) -> int | None:
        if self.pod is None or self.outcome != "ok":
            return None
        return (self.queued or 0) + FIRST_TOKEN


def requests(period: Period, draws: Draws) -> list[Row]:
    """Every attempt of the beta."""
    calls = [*_summaries(period, draws), *_on_machines(period, draws), *_storm(period, draws)]
    calls = [call for call in calls if call.ended < period.end]
    return [call.row(key, draws) for key, call in enumerate(calls)]


def _summaries(period: Period, draws: Draws) -> Iterator[Call]:
    """One customer's, as many each weekday; on one day five times as many."""
    for index, day in enumerate(period.dates()):
        count = USUAL if day.weekday() < 5 else AT_WEEKENDS
        count *= TIMES if index == ANOMALY_DAY else 1
        step = 9 * HOUR // count
        for number in range(count):
            lot = draws.number("summary", index, number)
            started = period.day(index) + 8 * HOUR + number * step + lot % 4_000
            yield Call(
                f"summary-{index}-{number}", SUMMARY, "summarize_call", SUMMARIZER, LISTENED_TO,
                started, started + 9_000 + lot % 7_000,
                (196_000 + lot % 8_000, 1_900 + lot % 200),
            )  # fmt: skip


def _storm(period: Period, draws: Draws) -> Iterator[Call]:
    """Titles whose calls time out four times, each time after what they read was billed."""
    if period.days <= STORM_DAY:
        return
    begins = period.day(STORM_DAY) + 14 * HOUR
    for number in range(STORMED):
        operation = draws.hexadecimal(16, "storm", number)
        for attempt in range(TRIES + 1):
            started = begins + number * 20 * SECOND + attempt * 31 * SECOND
            is_last = attempt == TRIES
            yield Call(
                f"storm-{number}-{attempt}", TRANSCRIPTS, "title_call", TITLER, CUSTOMERS[1],
                started, started + (4 * SECOND if is_last else 30 * SECOND),
                (100_000, 60 if is_last else 900),
                outcome="ok" if is_last else "failed",
                operation=operation,
            )  # fmt: skip


def _on_machines(period: Period, draws: Draws) -> Iterator[Call]:
    made = machines(period, draws)
    for node in made.get("overshoot", ()):
        (pod,) = node.pods
        demand = node.begins // HOUR * HOUR + 5 * HOUR + 12 * MINUTE + 20 * SECOND
        yield from _steady(pod, draws, demand, pod.stops, 150 * SECOND)
    for node in made.get("thrash", ()):
        yield from _all_along(node, draws, 45 * SECOND)
    for node in (*made.get("swap", ()), *made["usual"]):
        yield from _all_along(node, draws, 5 * MINUTE)
    if "lag" in made:
        yield from _waiting(period.day(LAG_DAY) + 10 * HOUR, made["lag"], draws)


def _all_along(node: Node, draws: Draws, every: int) -> Iterator[Call]:
    for pod in node.pods:
        yield from _steady(pod, draws, pod.ready + 4 * SECOND, pod.stops, every)


def _steady(pod: Pod, draws: Draws, first: int, last: int, every: int) -> Iterator[Call]:
    """One after the other, each shorter than the time to the next."""
    length = every * 4 // 5
    for number, started in enumerate(range(first, last - length, every)):
        yield _transcript(pod, draws, started, started + length, number)


def _transcript(pod: Pod, draws: Draws, started: int, ended: int, number: int, **more: Any) -> Call:
    lot = draws.number("transcript", pod.uid, started)
    return Call(
        f"transcript-{pod.uid}-{started}", TRANSCRIPTS, "transcribe_call", pod.model,
        CUSTOMERS[number % len(CUSTOMERS)], started, ended,
        (6_000 + lot % 3_000, 900 + lot % 700), pod, **more,
    )  # fmt: skip


def _waiting(ten: int, nodes: list[Node], draws: Draws) -> Iterator[Call]:
    """A long call fills the first machine; what comes meanwhile waits, each longer than the last,
    and the last of them in vain.
    """
    (first,), (second,) = (node.pods for node in nodes)
    yield from _steady(first, draws, ten - 2 * HOUR + 5 * SECOND, ten - 2 * MINUTE, 2 * MINUTE)
    yield _transcript(first, draws, ten - 90 * SECOND, ten + 13 * MINUTE, 0)
    for number in range(QUEUED):
        started, queued = ten + number * 12 * SECOND, 3_000 + number * 1_500
        is_lost = number >= QUEUED - GIVEN_UP
        yield _transcript(
            first, draws, started, started + queued + (200 if is_lost else 20_000), number,
            queued=queued, outcome="failed" if is_lost else "ok",
        )  # fmt: skip
    yield from _steady(first, draws, ten + 14 * MINUTE, first.stops, 2 * MINUTE)
    yield from _steady(second, draws, second.ready + 8 * SECOND, second.stops, 2 * MINUTE)
