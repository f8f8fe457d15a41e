"""What a watch saw of Larkspur Desk's nodes and pods: objects as the API of Kubernetes has them.

Of each object a snapshot a change: (milliseconds, type of change, object). The watch begins anew at
midnight, with all that exists then, and nodes report every hour.
"""

from collections.abc import Iterator
from typing import Any

from .company import CHAT, DAY, HOUR, SECOND, to_datetime
from .draws import Draws
from .fleet import Node, Pod

Object = dict[str, Any]
Change = tuple[int, str, Object]

_TYPES = {"p5.4xlarge": (16, 1), "p5.48xlarge": (192, 8), "g6.xlarge": (4, 1)}
GRACE = 30


def stamp(ms: int) -> str:
    """Kubernetes writes whole seconds."""
    return to_datetime(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(name: str, status: str, since: int, **more: str) -> Object:
    return {"type": name, "status": status, "lastTransitionTime": stamp(since)} | more


def uid_of(draws: Draws, *name: object) -> str:
    digits = draws.hexadecimal(32, "uid", *name)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def node_name(node: Node, draws: Draws) -> str:
    place = draws.number("address", node.resource_id)
    return f"ip-10-40-{place % 250}-{place // 250 % 250}.eu-west-1.compute.internal"


def claim_name(node: Node, draws: Draws) -> str:
    return f"{node.pool}-{draws.hexadecimal(5, 'claim', node.resource_id)}"


def pod_name(pod: Pod) -> str:
    return f"{deployment_of(pod)}-7c9d8b6f5d-{pod.uid[-5:]}"


def deployment_of(pod: Pod) -> str:
    return "chat-70b" if pod.model == CHAT else "triage-8b"


def claim_changes(node: Node, draws: Draws) -> Iterator[Change]:
    """Karpenter's claim: launched when billing begins, gone when it ends."""
    ready, leaving = node.begins + node.provisioning, node.ends - node.terminating
    launched, registered = node.begins, ready - 20 * SECOND
    steps = [(launched, "Launched"), (registered, "Registered"), (ready, "Initialized")]

    def claim(moment: int) -> Object:
        found = [
            condition(name, "True" if since <= moment else "Unknown", min(since, moment))
            for since, name in steps
        ]
        meta: Object = {
            "name": claim_name(node, draws),
            "uid": uid_of(draws, "claim", node.resource_id),
            "creationTimestamp": stamp(node.begins - 4 * SECOND),
            "labels": {"karpenter.sh/nodepool": node.pool},
        }
        if node.terminating and moment >= leaving:
            meta["deletionTimestamp"] = stamp(leaving - 40 * SECOND)
            meta["deletionGracePeriodSeconds"] = 0
            found += [condition("Drained", "True", leaving)]
        return {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodeClaim",
            "metadata": meta,
            "status": {
                "providerID": f"aws:///eu-west-1b/{node.resource_id}",
                "nodeName": node_name(node, draws) if moment >= registered else "",
                "conditions": found,
            },
        }

    yield node.begins, "ADDED", claim(node.begins)
    for moment in (registered, ready):
        yield moment, "MODIFIED", claim(moment)
    if node.terminating:
        yield leaving, "MODIFIED", claim(leaving)
    yield node.ends, "DELETED", claim(node.ends)


def node_changes(node: Node, draws: Draws) -> Iterator[Change]:
    """The node registers late in provisioning, reports every hour and goes with its machine."""
    ready, leaving = node.begins + node.provisioning, node.ends - node.terminating
    registered = ready - 20 * SECOND
    yield registered, "ADDED", _node(node, draws, registered)
    yield ready, "MODIFIED", _node(node, draws, ready)
    first_beat = (ready // HOUR + 1) * HOUR
    for moment in range(first_beat, leaving, HOUR):
        yield moment, "MODIFIED", _node(node, draws, moment)
    yield node.ends, "DELETED", _node(node, draws, node.ends)


def _node(node: Node, draws: Draws, moment: int) -> Object:
    ready, leaving = node.begins + node.provisioning, node.ends - node.terminating
    registered = ready - 20 * SECOND
    cores, gpus = _TYPES[node.instance]
    is_ready = moment >= ready - 5 * SECOND
    status, since = ("True", ready - 5 * SECOND) if is_ready else ("False", registered)
    meta: Object = {
        "name": node_name(node, draws),
        "uid": uid_of(draws, "node", node.resource_id),
        "creationTimestamp": stamp(registered),
        "labels": {
            "karpenter.sh/nodepool": node.pool,
            "node.kubernetes.io/instance-type": node.instance,
            "nvidia.com/gpu.count": str(gpus),
        },
    }
    if node.terminating and moment >= leaving:
        meta["deletionTimestamp"] = stamp(leaving - 40 * SECOND)
    resources = {"cpu": str(cores), "nvidia.com/gpu": str(gpus) if is_ready else "0"}
    state = condition("Ready", status, since, lastHeartbeatTime=stamp(moment))
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta,
        "spec": {"providerID": f"aws:///eu-west-1b/{node.resource_id}"},
        "status": {"capacity": resources, "allocatable": resources, "conditions": [state]},
    }


def pod_changes(node: Node, pod: Pod, draws: Draws) -> Iterator[Change]:
    """The pod is bound, gets ready, is told to stop and goes."""
    moments = [(pod.bound, "ADDED"), (pod.ready, "MODIFIED")]
    moments += [(pod.stops, "MODIFIED")] if pod.gone > pod.stops else []
    for moment, kind in [*moments, (pod.gone, "DELETED")]:
        yield moment, kind, _pod(node, pod, draws, moment)


def _pod(node: Node, pod: Pod, draws: Draws, moment: int) -> Object:
    meta: Object = {
        "name": pod_name(pod),
        "namespace": "serving",
        "uid": pod.uid,
        "creationTimestamp": stamp(pod.bound),
        "labels": {"app": deployment_of(pod)},
        "ownerReferences": [{"kind": "ReplicaSet", "name": f"{deployment_of(pod)}-7c9d8b6f5d"}],
    }
    if moment >= pod.stops and pod.gone > pod.stops:
        meta["deletionTimestamp"] = stamp(pod.stops + GRACE * SECOND)
        meta["deletionGracePeriodSeconds"] = GRACE
    is_ready = moment >= pod.ready
    status, since = ("True", pod.ready) if is_ready else ("False", pod.bound)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": node_name(node, draws), "containers": [_server(pod)]},
        "status": {
            "phase": "Running" if is_ready else "Pending",
            "conditions": [
                condition("PodScheduled", "True", pod.bound),
                condition("Ready", status, since),
            ],
        },
    }


def _server(pod: Pod) -> Object:
    gpus = {"nvidia.com/gpu": str(len(pod.gpus))}
    return {
        "name": "server",
        "image": "registry.larkspur.example/vllm:0.11.2",
        "args": ["--model", pod.model, "--port", "8000"],
        "resources": {"requests": {"cpu": "2", **gpus}, "limits": gpus},
    }


def watch(changes: list[Change], begins: int) -> list[Change]:
    """What a watch that begins at midnight sends in a day: what exists, then every change."""
    existing: dict[str, Object] = {}
    for moment, kind, made in sorted(changes, key=_order):
        if moment < begins:
            existing[made["metadata"]["uid"]] = made
            if kind == "DELETED":
                del existing[made["metadata"]["uid"]]
    during = [change for change in changes if begins <= change[0] <= begins + DAY]
    return [(begins, "ADDED", made) for made in existing.values()] + sorted(during, key=_order)


def _order(change: Change) -> tuple[int, str, str]:
    return change[0], change[2]["metadata"]["uid"], change[1]


def daemon(node: Node, draws: Draws) -> list[Change]:
    """A small pod without a GPU, which therefore has no part of the machine."""
    ready = node.begins + node.provisioning
    exporter = Pod(uid_of(draws, "daemon", node.resource_id), "", (), ready, ready + 4 * SECOND,
                   node.ends, node.ends)  # fmt: skip
    changes = []
    for moment, kind, made in pod_changes(node, exporter, draws):
        made["metadata"] |= {
            "name": f"node-exporter-{exporter.uid[-5:]}",
            "namespace": "monitoring",
        }
        made["metadata"].pop("ownerReferences")
        container = {"name": "exporter", "resources": {"requests": {"cpu": "50m"}}}
        made["spec"]["containers"] = [container]
        changes.append((moment, kind, made))
    return changes
