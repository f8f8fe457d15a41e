"""The sample company's GPU nodes, as many times over as its traffic needs, and what they cost."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from larkspur.company import HOUR, Period, iso, month_of
from larkspur.draws import Draws
from larkspur.fleet import Node, fleet
from larkspur.lifecycle import LIFECYCLE_COLUMNS, lifecycle_rows

ATTEMPTS_A_FLEET = 1_000_000
NANO_A_GPU_MS = 830  # about $3 a GPU-hour


def fleets(attempts: int) -> int:
    """Return how many fleets serve so many attempts: some three at a time on a pod, in the mean."""
    return max(1, round(attempts / ATTEMPTS_A_FLEET))


def copied(name: str, copy: int) -> str:
    """Return the name of a node or pod in one of the fleets."""
    return f"{name}-{copy:03d}"


def nodes(period: Period, draws: Draws, copies: int) -> list[Node]:
    """Return the nodes of all fleets."""
    return [
        replace(
            node,
            resource_id=copied(node.resource_id, copy),
            pods=tuple(replace(pod, uid=copied(pod.uid, copy)) for pod in node.pods),
        )
        for node in fleet(period, draws)
        for copy in range(copies)
    ]


def states(machines: list[Node], period: Period) -> pl.DataFrame:
    """Return the lifecycle of all nodes as text, in order of the delivered files."""
    rows = [row for day in lifecycle_rows(machines, period).values() for row in day]
    return pl.DataFrame(rows, schema=dict.fromkeys(LIFECYCLE_COLUMNS, pl.String), orient="row")


def charges(machines: list[Node], period: Period) -> Iterator[dict[str, Any]]:
    """Yield a charge for each node and hour that it was billed; times are UTC milliseconds."""
    for node in machines:
        begins, ends = max(node.begins, period.start), min(node.ends, period.end)
        for hour in range(begins // HOUR * HOUR, ends, HOUR):
            billed = min(ends, hour + HOUR) - max(begins, hour)
            yield {
                "x_billing_period": month_of(hour),
                "x_charge_kind": "capacity",
                "charge_period_start": iso(hour),
                "charge_period_end": iso(hour + HOUR),
                "resource_id": node.resource_id,
                "service_name": "RunPod" if node.purchase == "runpod" else "Amazon EC2",
                "x_billed_milliseconds": billed,
                "x_gpu_count": node.gpus,
                "nano": NANO_A_GPU_MS * node.gpus * billed,
            }
