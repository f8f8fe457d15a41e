"""What a lifecycle watcher wrote down about the GPU nodes and their pods."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from .company import DAY, Period, iso, to_date
from .fleet import Node, Pod


@dataclass(frozen=True)
class Interval:
    """One state of a node (no pod) or of a pod. `gpu_index` None means every GPU of the node."""

    node: Node
    pod: Pod | None
    gpu_index: int | None
    state: str
    start: int
    end: int


def states(node: Node) -> Iterator[Interval]:
    """Node-level and pod-level states, one interval a GPU where the vendor numbers the GPUs."""
    ready, leaving = node.begins + node.provisioning, node.ends - node.terminating
    for state, start, end in (
        ("provisioning", node.begins, ready),
        ("node_ready", ready, leaving),
        ("terminating", leaving, node.ends),
    ):
        yield Interval(node, None, None, state, start, end)
    for pod in node.pods:
        indexes: tuple[int | None, ...] = (None,) if node.purchase == "runpod" else pod.gpus
        for gpu_index in indexes:
            yield Interval(node, pod, gpu_index, "starting", pod.bound, pod.ready)
            yield Interval(node, pod, gpu_index, "ready", pod.ready, pod.stops)
            yield Interval(node, pod, gpu_index, "terminating", pod.stops, pod.gone)


def recorded(node: Node, period: Period) -> Iterator[Interval]:
    """The states as recorded: without the gaps, inside the period, cut at UTC midnight."""
    cuts = sorted(
        {edge for gap in node.gaps for edge in gap} | set(range(period.start, period.end + 1, DAY))
    )
    for interval in states(node):
        edges = [
            interval.start,
            *(cut for cut in cuts if interval.start < cut < interval.end),
            interval.end,
        ]
        for start, end in pairwise(edges):
            hidden = any(gap_start <= start < gap_end for gap_start, gap_end in node.gaps)
            if start < end and period.start <= start < period.end and not hidden:
                yield replace(interval, start=start, end=end)


LIFECYCLE_COLUMNS = (
    "resource_id",
    "gpu_index",
    "gpu_count",
    "pool",
    "pod_uid",
    "model",
    "state",
    "started_at",
    "ended_at",
)


def lifecycle_rows(nodes: list[Node], period: Period) -> dict[str, list[list[str]]]:
    """Rows of the lifecycle files by UTC day."""
    days: dict[str, list[list[str]]] = {str(day): [] for day in period.dates()}
    for interval in sorted(
        (interval for node in nodes for interval in recorded(node, period)),
        key=lambda row: (
            row.start,
            row.node.resource_id,
            row.gpu_index is not None,
            row.gpu_index or 0,
            row.end,
        ),
    ):
        node, pod = interval.node, interval.pod
        index = "" if interval.gpu_index is None else str(interval.gpu_index)
        row = [
            node.resource_id,
            index,
            str(node.gpus),
            node.pool,
            pod.uid if pod else "",
            pod.model if pod else "",
        ]
        row += [interval.state, iso(interval.start), iso(interval.end)]
        days[str(to_date(interval.start))].append(row)
    return days
