"""Events and objects as the API of Kubernetes writes them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from landed_source import LandedSource

Object = dict[str, Any]
DAY = "2026-10-08T"
PULLED = (
    'Successfully pulled image "r.io/vllm:1" in 27.88s (27.9s including waiting). '
    "Image size: 5 bytes."
)


def at(time: str) -> str:
    return time if "T" in time else f"{DAY}{time}Z"


def moment(time: str) -> datetime:
    return datetime.fromisoformat(at(time).removesuffix("Z"))


def event(uid: str, reason: str, message: str, first: str = "10:00:00", **fields: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"x.{uid}", "namespace": "serving", "uid": uid},
        "involvedObject": {"kind": "Pod", "namespace": "serving", "name": "chat-0", "uid": "pod-1"},
        "reason": reason,
        "message": message,
        "firstTimestamp": at(first),
        "lastTimestamp": at(first),
        "count": 1,
        "type": "Normal",
        "source": {"component": "kubelet"},
        "reportingComponent": "kubelet",
    } | fields


def conditions(turns: Mapping[str, str | tuple[str, str]]) -> list[Object]:
    """Conditions by type: since when they are true, or their status and since when."""
    found = {
        name: turn if isinstance(turn, tuple) else ("True", turn) for name, turn in turns.items()
    }
    return [
        {"type": name, "status": status, "lastTransitionTime": at(since)}
        for name, (status, since) in found.items()
    ]


def thing(kind: str, uid: str, created: str, name: str = "", **meta: Any) -> Object:
    known = {"name": name or uid, "uid": uid, "creationTimestamp": at(created)}
    return {"kind": kind, "metadata": known | meta, "spec": {}, "status": {}}


def node(
    uid: str = "n-1",
    created: str = "09:00:00",
    ready: str | tuple[str, str] = "09:02:00",
    provider: str = "aws:///eu-west-1a/i-0abc",
    capacity: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    name: str = "ip-10-0-0-1",
    **meta: Any,
) -> Object:
    made = thing(
        "Node",
        uid,
        created,
        name,
        labels={"karpenter.sh/nodepool": "chat"} | dict(labels or {}),
        **meta,
    )
    made["spec"] = {"providerID": provider}
    resources = {"cpu": "16", "nvidia.com/gpu": "1"} if capacity is None else dict(capacity)
    made["status"] = {
        "capacity": resources,
        "allocatable": resources,
        "conditions": conditions({"Ready": ready}),
    }
    return made


def pod(
    uid: str = "pod-1",
    scheduled: str = "09:05:00",
    ready: str | tuple[str, str] = "09:08:00",
    asks: Mapping[str, str] | None = None,
    node_name: str = "ip-10-0-0-1",
    phase: str = "Running",
    **meta: Any,
) -> Object:
    made = thing("Pod", uid, scheduled, "chat-0", namespace="serving", **meta)
    limits = {"nvidia.com/gpu": "1"} if asks is None else dict(asks)
    made["spec"] = {
        "nodeName": node_name,
        "containers": [{"name": "server", "image": "vllm", "resources": {"requests": limits}}],
    }
    made["status"] = {
        "phase": phase,
        "conditions": conditions({"PodScheduled": scheduled, "Ready": ready}),
        "containerStatuses": [{"restartCount": 0, "state": {}}],
    }
    return made


def watched(made: Object, kind: str = "MODIFIED") -> Object:
    return {"type": kind, "object": made}


def lines(*documents: Any) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def tick(time: str) -> Object:
    """Another node's heartbeat: the stream was still there."""
    beat = thing("Node", "beat", "00:00:00")
    beat["status"]["conditions"] = [
        {"type": "Ready", "status": "Unknown", "lastHeartbeatTime": at(time)}
    ]
    beat["spec"]["providerID"] = "kind://docker/kind/beat"
    return watched(beat)


def happened(
    cluster: LandedSource, *documents: Any, path: str = "2026-10-08.jsonl"
) -> list[Object]:
    """Save the documents as one file; return the events that become of all files."""
    cluster.save(path, lines(*documents))
    return cluster.rows("scale_events")
