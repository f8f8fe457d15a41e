"""The cluster's objects and events on two days: 9 October in OTLP, 20 October as the API's own.

On the 9th a spot node is reclaimed without notice; on the 20th a node with eight GPUs comes, its
second pod hours later. A probe that fails is one event, sent again and again with a higher count.
Pods that another vendor rents out are in no cluster.
"""

import json
from pathlib import Path
from typing import Any

from larkspur.cluster import (
    Change,
    Object,
    claim_changes,
    claim_name,
    daemon,
    node_changes,
    node_name,
    pod_changes,
    pod_name,
    stamp,
    uid_of,
    watch,
)
from larkspur.company import DAY, MINUTE, SECOND, Period, to_date
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod, fleet
from larkspur.totals import Total
from larkspur.writing import write_gzip, write_text

FOLDERS = ("kubernetes_events",)

_DAYS = (8, 19)
_IMAGE = "registry.larkspur.example/vllm:0.11.2"
_BYTES = 9_183_746_512


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    folder, delivered = out / "kubernetes_events", 0
    for index in [day for day in _DAYS if day < period.days] or [period.days - 1]:
        begins = period.day(index)
        nodes = [node for node in fleet(period, draws) if _lives(node, begins)]
        changes = [change for node in nodes for change in _changes(node, draws)]
        changes = watch([*changes, _scaler(begins, draws)], begins)
        happened = [
            change
            for node in nodes
            for change in _node_events(node, draws) + _pod_events(node, draws)
            if begins <= change[0] < begins + DAY
        ] + _autoscaling(begins, draws)
        happened.sort(key=lambda change: (change[0], change[2]["metadata"]["uid"]))
        day = f"{to_date(begins)}"
        if index == _DAYS[0]:
            _write_otlp(changes + happened, folder / f"{day}.jsonl.gz")
        else:
            _write_watch(changes, folder / day / "objects.jsonl")
            listed = {"apiVersion": "v1", "kind": "List", "items": [e for _, _, e in happened]}
            write_text(json.dumps(listed, indent=1) + "\n", folder / day / "events.json")
        delivered += len(changes) + len(happened)
    return [
        Total(
            "kubernetes_events", "", delivered, None, None, billing_currency="",
            connector="kubernetes_events", location="kubernetes_events",
        )
    ]  # fmt: skip


def _scaler(begins: int, draws: Draws) -> Change:
    """The autoscaler of the small model: it says what it scales."""
    meta = {"name": "triage", "namespace": "serving", "uid": uid_of(draws, "scaler")}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "triage-8b"}
    scaler = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta,
        "spec": {"scaleTargetRef": target},
    }
    return begins, "ADDED", scaler


def _lives(node: Node, begins: int) -> bool:
    return node.purchase != "runpod" and node.begins < begins + DAY and node.ends > begins


def _changes(node: Node, draws: Draws) -> list[Change]:
    found = [*claim_changes(node, draws), *node_changes(node, draws), *daemon(node, draws)]
    return found + [change for pod in node.pods for change in pod_changes(node, pod, draws)]


def _event(
    draws: Draws, moment: int, about: Object, sender: str, reason: str, message: str, **more: Any
) -> Change:
    place = about.get("namespace", "default")
    uid = uid_of(draws, "event", about["uid"], reason, moment)
    meta = {"name": f"{about['name']}.{uid[:8]}", "namespace": place, "uid": uid}
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta,
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "firstTimestamp": stamp(moment),
        "lastTimestamp": stamp(moment),
        "count": 1,
        "type": "Normal",
        "reportingComponent": sender,
    }
    return moment, "ADDED", body | more


def _pod_events(node: Node, draws: Draws) -> list[Change]:
    changes: list[Change] = []
    for pod in node.pods:
        about = {"kind": "Pod", "namespace": "serving", "name": pod_name(pod), "uid": pod.uid}
        changes += _starting_events(node, pod, about, draws)
        if pod.gone > pod.stops:
            killing = "Stopping container server"
            changes.append(_event(draws, pod.stops, about, "kubelet", "Killing", killing))
    return changes


def _starting_events(node: Node, pod: Pod, about: Object, draws: Draws) -> list[Change]:
    name, host = node_name(node, draws), {"source": {"host": node_name(node, draws)}}
    took = 20_000 + draws.number("pull", pod.uid) % 9_000
    is_first = pod is node.pods[0]
    pulled = (
        f'Successfully pulled image "{_IMAGE}" in {took / 1000:.3f}s ({took / 1000 + 0.02:.3f}s '
        f"including waiting). Image size: {_BYTES} bytes."
        if is_first
        else f'Container image "{_IMAGE}" already present on machine'
    )
    at = pod.bound + (took + SECOND if is_first else SECOND)
    claim = f"Pod should schedule on: nodeclaim/{claim_name(node, draws)}"
    assigned = f"Successfully assigned serving/{about['name']} to {name}"
    probe = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    changes = [
        _event(draws, pod.bound, about, "default-scheduler", "Scheduled", assigned),
        _event(draws, at, about, "kubelet", "Pulled", pulled, **host),
        _event(draws, at + SECOND, about, "kubelet", "Started", "Container started", **host),
    ]
    if is_first:
        waiting = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
        asked = node.begins - 5 * SECOND
        changes.append(
            _event(draws, asked, about, "default-scheduler", "FailedScheduling", waiting)
        )
        changes.append(_event(draws, node.begins, about, "karpenter", "Nominated", claim))
    first = at + 10 * SECOND
    for count, moment in enumerate(range(first, pod.ready, 20 * SECOND), start=1):
        # The same event again, with what it counts by now.
        again = {"count": count, "lastTimestamp": stamp(moment), "type": "Warning"}
        failed = _event(draws, first, about, "kubelet", "Unhealthy", probe, **again, **host)
        changes.append((moment, "ADDED" if count == 1 else "MODIFIED", failed[2]))
    return changes


def _node_events(node: Node, draws: Draws) -> list[Change]:
    about = {
        "kind": "NodeClaim",
        "name": claim_name(node, draws),
        "uid": uid_of(draws, "claim", node.resource_id),
    }
    leaving = node.ends - node.terminating
    if node.purchase == "spot" and not node.terminating:
        gone = "Instance is terminating"
        return [_event(draws, node.ends, about, "karpenter", "InstanceTerminating", gone)]
    empty = "Disrupting NodeClaim: Empty"
    moment = leaving - 40 * SECOND
    return [_event(draws, moment, about, "karpenter", "DisruptionTerminating", empty)]


def _autoscaling(begins: int, draws: Draws) -> list[Change]:
    """Morning and evening of the small model; the weekly digests run from none to one and back."""
    scaler = {
        "kind": "HorizontalPodAutoscaler", "namespace": "serving", "name": "triage",
        "uid": uid_of(draws, "scaler"),
    }  # fmt: skip
    digest = {
        "kind": "ScaledObject", "namespace": "serving", "name": "digest",
        "uid": uid_of(draws, "digest"),
    }  # fmt: skip
    up = "New size: 2; reason: pods metric num_requests_waiting above target"
    down = "New size: 1; reason: All metrics below target"
    one = "Scaled apps/v1.Deployment serving/digest from 0 to 1, triggered by cronScaler"
    none = "Deactivated apps/v1.Deployment serving/digest from 1 to 0"
    sender = "horizontal-pod-autoscaler"
    return [
        _event(draws, begins + 464 * MINUTE, scaler, sender, "SuccessfulRescale", up),
        _event(draws, begins + 1090 * MINUTE, scaler, sender, "SuccessfulRescale", down),
        _event(
            draws, begins + 360 * MINUTE, digest, "keda-operator", "KEDAScaleTargetActivated", one
        ),
        _event(
            draws,
            begins + 401 * MINUTE,
            digest,
            "keda-operator",
            "KEDAScaleTargetDeactivated",
            none,
        ),
    ]


def _write_watch(changes: list[Change], path: Path) -> None:
    lines = [
        json.dumps({"time": stamp(moment), "type": kind, "object": made})
        for moment, kind, made in changes
    ]
    write_text("".join(f"{line}\n" for line in lines), path)


def _any_value(value: Any) -> Object:
    if isinstance(value, dict):
        items = [{"key": key, "value": _any_value(item)} for key, item in value.items()]
        return {"kvlistValue": {"values": items}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def _write_otlp(changes: list[Change], path: Path) -> None:
    """A line a change, as the collector's k8sobjects receiver sends what it watches."""
    cluster = {"attributes": [{"key": "k8s.cluster.name", "value": _any_value("larkspur-eu")}]}
    lines = []
    for moment, kind, made in sorted(changes, key=lambda change: change[0]):
        record = {
            "observedTimeUnixNano": f"{moment}000000",
            "body": _any_value({"type": kind, "object": made}),
        }
        scope = {"scope": {"name": "k8sobjectsreceiver"}, "logRecords": [record]}
        request = {"resourceLogs": [{"resource": cluster, "scopeLogs": [scope]}]}
        lines.append(json.dumps(request, separators=(",", ":")))
    write_gzip("".join(f"{line}\n" for line in lines), path)
