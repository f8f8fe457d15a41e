"""Answers as a server sends them, written by hand, saved in folders of days."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from prometheus_lake import Metrics, metrics
from prometheus_server import Labels, at

DAY = "2026-10-06"
MIDNIGHT = at(f"{DAY} 00:00:00")
# The labels of a target in a pod, and of what kube-state-metrics says about it.
TARGET = {"job": "vllm", "instance": "10.2.0.7:8000", "namespace": "serving", "pod": "chat-0"}
STATE = {"job": "kube-state-metrics", "instance": "10.2.0.1:8080", "namespace": "serving"}

Point = tuple[float, object]  # minutes after midnight, and what was scraped then
Series = tuple[str, Labels, Sequence[Point]]


def seconds(minutes: float) -> float:
    return (MIDNIGHT + timedelta(minutes=minutes)).timestamp()


def answer(series: Sequence[Series], **more: object) -> str:
    result = [
        {
            "metric": {"__name__": name, **labels},
            "values": [[seconds(minute), str(value)] for minute, value in points],
        }
        for name, labels, points in series
    ]
    data = {"resultType": "matrix", "result": result}
    return json.dumps({"status": "success", "data": data, **more}) + "\n"


def saved(folder: Path, *series: Series, day: str = DAY, **options: object) -> Metrics:
    """Save an answer of these series, land it, normalize it."""
    file = folder / "saved" / day / "answers-0001.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(answer(series))
    return metrics(folder / "saved", folder, **options).run(day)


def pod(uid: str, name: str = "chat-0", **facts: float) -> list[Series]:
    """Return what is known of a pod: `node`, and minutes at which it was created and so on."""
    labels = STATE | {"pod": name, "uid": uid}
    first = facts.pop("seen", facts.get("created", 0))
    last = facts.pop("gone", 1_440)
    times = [(minute, 1) for minute in range(int(first), int(last), 5)]
    info = labels | {"node": "node-1", "pod_ip": "10.2.0.7", "host_network": "false"}
    series: list[Series] = [("kube_pod_info", info, times)]
    names = {
        "created": "created", "scheduled": "status_scheduled_time", "ready": "status_ready_time",
    }  # fmt: skip
    for fact, minute in facts.items():
        points = [(moment, seconds(minute)) for moment, _ in times]
        series.append((f"kube_pod_{names[fact]}", labels, points))
    return series


def gained(source: Metrics, where: str = "true") -> list[tuple[object, ...]]:
    """Return minutes from and to, what was gained, and whether it was a reset."""
    rows = source.rows("counter_deltas", where, "counted_from, counter, pod_uid")
    start = MIDNIGHT.replace(tzinfo=None)
    return [
        (
            (row["counted_from"] - start) / timedelta(minutes=1),
            (row["counted_to"] - start) / timedelta(minutes=1),
            row["quantity"],
            row["is_reset"],
        )
        for row in rows
    ]


def shown(source: Metrics, gauge: str) -> list[tuple[object, ...]]:
    """Return minutes from and until, and the value, of a gauge's rows."""
    rows = source.rows("gauge_samples", f"gauge = '{gauge}'", "sampled_at, value")
    start = MIDNIGHT.replace(tzinfo=None)
    return [
        (
            (row["sampled_at"] - start) / timedelta(minutes=1),
            (row["believed_until"] - start) / timedelta(minutes=1),
            row["value"],
        )
        for row in rows
    ]


def states(source: Metrics) -> list[tuple[object, ...]]:
    """Return pod, state, and minutes from and until, of the states."""
    rows = source.rows("resource_states", "true", "pod_uid, started_at, state")
    start = MIDNIGHT.replace(tzinfo=None)
    return [
        (
            row["pod_uid"],
            row["state"],
            (row["started_at"] - start) / timedelta(minutes=1),
            (row["ended_at"] - start) / timedelta(minutes=1),
        )
        for row in rows
    ]
