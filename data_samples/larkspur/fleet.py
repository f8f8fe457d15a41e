"""The GPU nodes of Larkspur Desk and the pods on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .company import CHAT, DAY, HOUR, LIGHT, MINUTE, SECOND, Period
from .draws import Draws

DRAIN = 3 * MINUTE  # a pod takes no new request this long before it stops; no request lasts longer


@dataclass(frozen=True)
class Pod:
    """A model server on some GPUs of a node. Times are UTC milliseconds."""

    uid: str
    model: str
    gpus: tuple[int, ...]
    bound: int
    ready: int
    stops: int
    gone: int


@dataclass(frozen=True)
class Node:
    """A billed machine; `begins` to `ends` is what the vendor bills. Gaps: nothing was recorded."""

    resource_id: str
    pool: str
    instance: str
    purchase: str
    gpus: int
    begins: int
    ends: int
    provisioning: int
    terminating: int
    pods: tuple[Pod, ...] = ()
    gaps: tuple[tuple[int, int], ...] = field(default=())


@dataclass(frozen=True)
class _Builder:
    period: Period
    draws: Draws

    def at(self, day: int, hour: int, minute: int = 0, second: int = 0) -> int:
        return self.period.day(day) + hour * HOUR + minute * MINUTE + second * SECOND

    def instance_id(self, *name: object) -> str:
        return "i-0" + self.draws.hexadecimal(16, "instance", *name)

    def pod(
        self, name: str, model: str, gpus: tuple[int, ...], bound: int, stops: int, cold_s: int
    ) -> Pod:
        digits = self.draws.hexadecimal(32, "pod", name)
        uid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return Pod(uid, model, gpus, bound, bound + cold_s * SECOND, stops, stops + 30 * SECOND)

    def savings_plan_node(self) -> Node:
        """The node that is always there; its pod is replaced once, and for 40 s nothing runs on
        it.
        """
        first, last = self.period.start - DAY, self.period.end + DAY
        swap = self.at(6, 10, 15)
        pods = (
            self.pod("chat-a1", CHAT, (0,), first + HOUR, swap, 150),
            self.pod("chat-a2", CHAT, (0,), swap + 70 * SECOND, last - HOUR, 150),
        )
        return Node(
            self.instance_id("chat-a"),
            "chat-gpu",
            "p5.4xlarge",
            "savings_plan",
            1,
            first,
            last,
            120_000,
            60_000,
            pods,
        )

    def extra_chat_node(self) -> Node:
        """A second p5.4xlarge for three days; its last gap hides the rest of an hour."""
        begins, ends = self.at(5, 7, 52, 10), self.at(7, 20, 3, 40)
        pod = self.pod("chat-b", CHAT, (0,), begins + 155 * SECOND, ends - 75 * SECOND, 170)
        gaps = ((self.at(7, 11, 20), self.at(7, 12)),)
        return Node(
            self.instance_id("chat-b"),
            "chat-gpu",
            "p5.4xlarge",
            "savings_plan",
            1,
            begins,
            ends,
            140_000,
            40_000,
            (pod,),
            gaps,
        )

    def big_chat_node(self) -> Node:
        """Eight GPUs for three days: two pods of four, of which the second comes late and leaves
        early.
        """
        begins, ends = self.at(19, 13, 7, 20), self.at(22, 18, 31, 5)
        pods = (
            self.pod(
                "chat-c1", CHAT, (0, 1, 2, 3), begins + 220 * SECOND, ends - 100 * SECOND, 260
            ),
            self.pod("chat-c2", CHAT, (4, 5, 6, 7), self.at(19, 18, 20), self.at(22, 9), 240),
        )
        return Node(
            self.instance_id("chat-c"),
            "chat-gpu",
            "p5.48xlarge",
            "on_demand",
            8,
            begins,
            ends,
            210_000,
            65_000,
            pods,
        )

    def light_node(self) -> Node:
        first, last = self.period.start - DAY, self.period.end + DAY
        swap = self.at(13, 11, 30)
        pods = (
            self.pod("light-d1", LIGHT, (0,), first + HOUR, swap, 60),
            self.pod("light-d2", LIGHT, (0,), swap + 45 * SECOND, last - HOUR, 60),
        )
        gaps = ((self.at(14, 3, 25), self.at(14, 4)),)
        return Node(
            self.instance_id("light-d"),
            "light-gpu",
            "g6.xlarge",
            "on_demand",
            1,
            first,
            last,
            90_000,
            45_000,
            pods,
            gaps,
        )

    def spot_node(self, day: int, name: str, begins: int, ends: int) -> Node:
        pod = self.pod(
            f"light-{name}-{day}", LIGHT, (0,), begins + 105 * SECOND, ends - 70 * SECOND, 75
        )
        return Node(
            self.instance_id(name, day),
            "light-gpu",
            "g6.xlarge",
            "spot",
            1,
            begins,
            ends,
            95_000,
            35_000,
            (pod,),
        )

    def spot_nodes(self, day: int) -> Iterator[Node]:
        """One on working days, a second over lunch on some; one is reclaimed, one loses its
        recorder.
        """
        jitter = self.draws.number("spot", day)
        begins = self.at(day, 7, 45 + jitter % 12, jitter % 60)
        ends = self.at(day, 18, 20 + jitter // 60 % 35, jitter // 3600 % 60)
        node = self.spot_node(day, "spot", begins, ends)
        if day == 8:  # reclaimed without notice: the pod is cut, no terminating state
            pod = replace(node.pods[0], stops=ends, gone=ends)
            node = replace(node, terminating=0, pods=(pod,))
        if day == 11:
            node = replace(node, gaps=((ends - 22 * MINUTE, ends),))
        yield node
        if day % 5 == 1:
            yield self.spot_node(
                day, "lunch", self.at(day, 11, 40, jitter % 50), self.at(day, 14, 25, jitter % 45)
            )

    def rented_pod(self, day: int, name: str, begins: int, hours_ms: int) -> Node:
        """A pod on RunPod: the vendor's pod is the machine and the server at once."""
        ends = begins + hours_ms
        pod = self.pod(f"rented-{name}-{day}", CHAT, (0, 1), begins + 38_412, ends - 41_250, 130)
        resource = self.draws.hexadecimal(14, "rented", name, day)
        return Node(
            resource, "chat-gpu", "2xH100", "runpod", 2, begins, ends, 31_380, 8_734, (pod,)
        )

    def rented_pods(self, day: int) -> Iterator[Node]:
        if day not in (1, 7, 13, 14, 20, 27, 32, 33):
            return
        jitter = self.draws.number("rented", day)
        yield self.rented_pod(
            day, "a", self.at(day, 8, 40) + jitter % 900_000, 7 * HOUR + jitter % 1_700_000
        )
        if day % 2 == 1:
            yield self.rented_pod(
                day, "b", self.at(day, 13, 20) + jitter % 700_000, 2 * HOUR + jitter % 2_900_000
            )


def fleet(period: Period, draws: Draws) -> list[Node]:
    """Every GPU node that telemetry knows, those that live past the period included."""
    make = _Builder(period, draws)
    nodes = [
        make.savings_plan_node(),
        make.extra_chat_node(),
        make.big_chat_node(),
        make.light_node(),
    ]
    for index, day in enumerate(period.dates()):
        if day.weekday() < 5:
            nodes += make.spot_nodes(index)
            nodes += make.rented_pods(index)
    return [node for node in nodes if node.begins < period.end]


def dark_node(period: Period, draws: Draws) -> Node:
    """Billed for some days, and no telemetry ever mentions it."""
    make = _Builder(period, draws)
    begins, ends = make.at(23, 9, 41), make.at(26, 5, 12, 30)
    return Node(
        make.instance_id("dark"), "light-gpu", "g6.xlarge", "on_demand", 1, begins, ends, 0, 0
    )


def development_nodes(period: Period, draws: Draws) -> list[Node]:
    """The development account's GPU machine: one instance, started on working days."""
    make = _Builder(period, draws)
    return [
        Node(
            make.instance_id("dev"),
            "",
            "g6.xlarge",
            "on_demand",
            1,
            make.at(index, 8, 30),
            make.at(index, 16, 30),
            0,
            0,
        )
        for index, day in enumerate(period.dates())
        if day.weekday() < 5
    ]
