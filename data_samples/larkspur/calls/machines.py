"""The rented machines of the beta, by the episode that each stands for."""

from dataclasses import dataclass

from larkspur.company import DAY, HOUR, MINUTE, SECOND, Period
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod

POOL = "calls-gpu"
LISTENER, WRITER, UNASKED = "voxtral-small-24b", "qwen3-32b", "qwen3-32b-calls-v1"
# What a millisecond of the machine costs by its GPUs: $2.52 and $20.16 an hour.
NANO_A_MS = {1: 700, 8: 5_600}

# When each episode happens: whole days from the first of the period on.
OVERSHOOT_DAY, LAG_DAY, THRASH_DAY, SWAP_DAY, UNASKED_DAY = 19, 20, 21, 22, 23
LIVES, LIFE, APART = 5, 8 * MINUTE, 40 * SECOND
TURNS, TURN = 6, HOUR
COLD = {LISTENER: 60 * SECOND, WRITER: 140 * SECOND}


@dataclass(frozen=True)
class Rented:
    """What the vendor rents out and how long its steps take."""

    draws: Draws
    name: str
    begins: int
    ends: int
    gpus: int = 1
    provisioning: int = 32 * SECOND
    terminating: int = 10 * SECOND

    def pod(self, model: str, bound: int, ready: int, stops: int, gone: int) -> Pod:
        digits = self.draws.hexadecimal(32, "calls pod", self.name, bound)
        uid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return Pod(uid, model, tuple(range(self.gpus)), bound, ready, stops, gone)

    def only(self, model: str, cold: int, drain: int = 20 * SECOND) -> Node:
        """A machine with one pod from its beginning to its end."""
        bound, gone = self.begins + self.provisioning, self.ends - self.terminating
        return self.node(self.pod(model, bound, bound + cold, gone - drain, gone))

    def node(self, *pods: Pod) -> Node:
        resource = self.draws.hexadecimal(14, "calls machine", self.name)
        return Node(
            resource, POOL, f"{self.gpus}xH100", "runpod", self.gpus, self.begins, self.ends,
            self.provisioning, self.terminating, pods,
        )  # fmt: skip


def machines(period: Period, draws: Draws) -> dict[str, list[Node]]:
    """Those of each episode whose day is in the period, and of the usual days."""
    made = {
        "overshoot": (OVERSHOOT_DAY, _overshoot),
        "lag": (LAG_DAY, _lag),
        "thrash": (THRASH_DAY, _thrash),
        "swap": (SWAP_DAY, _swap),
        "unused_model": (UNASKED_DAY, _unasked),
    }
    found = {
        name: make(period.day(day), draws)
        for name, (day, make) in made.items()
        if day < period.days
    }
    taken = {day for day, _ in made.values()}
    found["usual"] = [
        _usual(period.day(index), draws)
        for index, day in enumerate(period.dates())
        if day.weekday() < 5 and index not in taken
    ]
    return found


def _usual(day: int, draws: Draws) -> Node:
    """An hour of work on any other weekday."""
    begins = day + 10 * HOUR + draws.number("usual", day) % 1_200_000
    return Rented(draws, f"usual-{day}", begins, begins + 65 * MINUTE).only(WRITER, 120_000)


def _overshoot(day: int, draws: Draws) -> list[Node]:
    """Started in the morning for a campaign that begins after lunch."""
    begins = day + 8 * HOUR + 58 * MINUTE + 3 * SECOND
    return [Rented(draws, "early", begins, day + 15 * HOUR + 50 * SECOND).only(WRITER, 120_000)]


def _lag(day: int, draws: Draws) -> list[Node]:
    """One machine that is enough until ten, and a second that comes five minutes late."""
    first = Rented(draws, "first", day + 7 * HOUR + 55 * MINUTE, day + 12 * HOUR + 5 * MINUTE)
    late = day + 10 * HOUR + 5 * MINUTE + 20 * SECOND
    second = Rented(draws, "second", late, day + 11 * HOUR + 35 * MINUTE)
    return [first.only(WRITER, 120_000), second.only(WRITER, 140_000)]


def _thrash(day: int, draws: Draws) -> list[Node]:
    """The same large machine five times within the hour, each time forty seconds later."""
    begins = [day + 13 * HOUR + number * (LIFE + APART) for number in range(LIVES)]
    return [
        Rented(draws, f"again-{number}", at, at + LIFE, 8, 45 * SECOND).only(
            WRITER, 95_000, 15 * SECOND
        )
        for number, at in enumerate(begins)
    ]


def _swap(day: int, draws: Draws) -> list[Node]:
    """One machine, two models in turns."""
    begins = day + 8 * HOUR
    ends = begins + 32 * SECOND + TURNS * (TURN + 30 * SECOND) + 10 * SECOND
    machine, pods = Rented(draws, "turns", begins, ends), []
    for turn in range(TURNS):
        model = (LISTENER, WRITER)[turn % 2]
        bound = begins + machine.provisioning + turn * (TURN + 30 * SECOND)
        stops = bound + TURN
        pods.append(machine.pod(model, bound, bound + COLD[model], stops, stops + 30 * SECOND))
    return [machine.node(*pods)]


def _unasked(day: int, draws: Draws) -> list[Node]:
    """A model that was trained for the beta, deployed on a Saturday, and asked nothing."""
    begins = day + 8 * HOUR
    machine = Rented(draws, "unasked", begins, begins + 10 * HOUR)
    assert machine.ends <= day + DAY
    return [machine.only(UNASKED, 150_000)]
