"""The machines of ChatGenius, day by day, and the requests that they serve."""

from collections.abc import Iterator
from dataclasses import dataclass

from larkspur.company import DAY, HOUR, MINUTE, Period
from larkspur.draws import Draws

from .measures import BASELINE, DAYS, FIRST, SETUPS, Setup

PERIOD = Period(FIRST, DAYS * len(SETUPS))
POOL = "genius-gpu"
REQUESTS_A_DAY = 96
DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Machine:
    """One machine on one day: those that never stop keep their name for a whole setup."""

    resource_id: str
    pod_uid: str
    setup: Setup
    is_spot: bool
    is_baseline: bool
    begins: int
    ends: int


def _on_day(minutes: int, day: int) -> int:
    """A period's minutes on one of its days: steps of 12 minutes, the longer days first."""
    steps = minutes // 12
    return (steps // DAYS + (1 if day < steps % DAYS else 0)) * 12


def _identified(
    draws: Draws, setup: Setup, day: int, number: int, minutes: int, is_spot: bool
) -> Machine:
    whole = minutes == DAY_MINUTES
    name = (SETUPS.index(setup), number, is_spot, None if whole else day)
    digits = draws.hexadecimal(32, "pod", *name)
    begins = PERIOD.day(day) + (0 if whole else 3 * HOUR)
    return Machine(
        "i-0" + draws.hexadecimal(16, "machine", *name),
        "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])),
        setup,
        is_spot,
        number < BASELINE and not is_spot,
        begins,
        begins + minutes * MINUTE,
    )


def _split(minutes: int, is_spot: bool, is_autoscaled: bool) -> Iterator[int]:
    """Minutes of each machine: all day, or, of what is scaled, at most 18 hours."""
    always = 0 if is_spot else BASELINE if is_autoscaled else minutes // DAY_MINUTES
    yield from [DAY_MINUTES] * always
    minutes -= always * DAY_MINUTES
    while minutes:
        taken = min(minutes, 18 * 60)
        yield taken
        minutes -= taken


def machines_of_day(day: int, draws: Draws) -> list[Machine]:
    setup = SETUPS[day // DAYS]
    found = []
    for is_spot, total in ((False, setup.on_demand_minutes), (True, setup.spot_minutes)):
        lengths = _split(_on_day(total, day % DAYS), is_spot, setup.is_autoscaled)
        found += [
            _identified(draws, setup, day, number, minutes, is_spot)
            for number, minutes in enumerate(lengths)
        ]
    return found


@dataclass(frozen=True)
class Request:
    """One request: which machine serves it, and when."""

    number: int
    machine: Machine
    started: int
    ended: int


def requests_of_day(day: int, machines: list[Machine]) -> Iterator[Request]:
    """One at a time, evenly over the day, on the machines that run then, in turn."""
    for number in range(REQUESTS_A_DAY):
        started = PERIOD.day(day) + number * (DAY // REQUESTS_A_DAY) + MINUTE
        running = [machine for machine in machines if machine.begins <= started < machine.ends]
        machine = running[number % len(running)]
        ended = started + machine.setup.request_ms
        if ended > machine.ends:
            machine = running[0]
        yield Request(day * REQUESTS_A_DAY + number, machine, started, ended)
