"""Answers of the cluster's Prometheus about two days, as sent: model servers, GPUs, Kubernetes.

It scrapes every five minutes. Beside the traced requests the servers count those of a nightly check
that goes past the gateway and leaves no span.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from larkspur.company import DAY, HOUR, MINUTE, SECOND, Period, to_date
from larkspur.draws import Draws
from larkspur.fleet import Node, Pod
from larkspur.scraped import (
    AROUND,
    DAYS,
    Cluster,
    Engine,
    Labels,
    Value,
    always,
    cluster,
    pod_name,
    since,
    until,
    while_up,
)
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("prometheus",)
REGISTERED = 60 * SECOND  # from when the cluster knows a node
EVERY, OFFSET = 5 * MINUTE, 17_350


def _servers(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    for _, pod in seen.pods():
        engine = Engine(seen.requests.get(pod.uid, []))
        labels = {
            "engine": "0", "instance": f"{seen.address(pod.uid)}:8000", "job": "serving/vllm",
            "model_name": pod.model, "namespace": "serving", "pod": pod_name(pod),
        }  # fmt: skip
        # Some ran for days before the first of ours.
        base = seen.draws.number("counted", pod.uid) % 10**8 if pod.bound < seen.first else 0
        up = (pod.ready, pod.stops)

        def prompt(at: int, engine: Engine = engine, base: int = base) -> int:
            return base + engine.input_tokens(at)

        def generated(at: int, engine: Engine = engine, base: int = base) -> int:
            return base + engine.output_tokens(at)

        for name, value in (
            ("vllm:prompt_tokens_total", prompt),
            ("vllm:generation_tokens_total", generated),
            ("vllm:num_requests_running", engine.running),
        ):
            yield {"__name__": name, **labels}, while_up(*up, value)


def _gpus(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    """A GPU names its pod while it has one, and then is another series."""
    for node in seen.nodes:
        digits = seen.draws.hexadecimal(32, "gpu", node.resource_id)
        uuid = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        host = "Hostname" if node.pool == "light-gpu" else "hostname"
        labels = {
            "DCGM_FI_DRIVER_VERSION": "570.86.15", host: seen.node_name(node),
            "UUID": f"GPU-{'-'.join(uuid)}",
            "container": "nvidia-dcgm-exporter", "device": "nvidia0", "gpu": "0",
            "instance": f"{seen.address('dcgm', node.resource_id)}:9400", "job": "dcgm-exporter",
            "modelName": "NVIDIA L4" if node.pool == "light-gpu" else "NVIDIA H100 80GB HBM3",
            "namespace": "gpu-operator", "pod": f"dcgm-exporter-{digits[-5:]}",
        }  # fmt: skip
        name = {"__name__": "DCGM_FI_PROF_GR_ENGINE_ACTIVE"}
        up = (node.begins + node.provisioning, node.ends - node.terminating)
        for pod in node.pods:
            active = Engine(seen.requests.get(pod.uid, [])).busy_share
            held = {
                "exported_container": "vllm", "exported_namespace": "serving",
                "exported_pod": pod_name(pod),
            }  # fmt: skip
            yield name | labels | held, while_up(pod.bound, pod.gone, active)
        yield name | labels, _alone(node, *up)


def _alone(node: Node, start: int, end: int) -> Value:
    """While no pod holds the GPU, it stands still."""

    def value(at: int) -> str | None:
        held = any(pod.bound <= at < pod.gone for pod in node.pods)
        return "0" if start <= at < end and not held else None

    return value


_STATE = {"instance": "10.40.3.7:8080", "job": "kube-state-metrics"}


def _pod(pod: Pod) -> Labels:
    return _STATE | {"namespace": "serving", "pod": pod_name(pod), "uid": pod.uid}


def _pods(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    for _, pod in seen.pods():
        labels = {"__name__": "kube_pod_status_ready", "condition": "true"} | _pod(pod)
        yield labels, _ready(pod)


def _ready(pod: Pod) -> Value:
    return while_up(pod.bound, pod.gone, lambda at: int(pod.ready <= at < pod.stops))


def _deleted(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    """From when a pod or a node is told to go until it is gone: by when it must be."""
    for _, pod in seen.pods():
        deadline = str((pod.stops + 30 * SECOND) // SECOND)
        labels = {"__name__": "kube_pod_deletion_timestamp"} | _pod(pod)
        yield labels, always(pod.stops, pod.gone, deadline)
    for node in seen.nodes:
        leaves = node.ends - node.terminating
        labels = {"__name__": "kube_node_deletion_timestamp"} | _STATE
        labels |= {"node": seen.node_name(node)}
        yield labels, always(leaves, node.ends, leaves // SECOND)


def _nodes(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    for node in seen.nodes:
        ready = node.begins + node.provisioning
        labels = {"__name__": "kube_node_status_condition", "condition": "Ready"} | _STATE
        labels["node"] = seen.node_name(node)
        up = (node.begins + REGISTERED, node.ends - node.terminating)
        yield labels | {"status": "true"}, since(*up, ready)
        yield labels | {"status": "false"}, until(*up, ready)


def _facts(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    for node in seen.nodes:
        name, up = seen.node_name(node), (node.begins + REGISTERED, node.ends)
        labels = _STATE | {"node": name}
        provider = f"aws:///us-west-2a/{node.resource_id}"
        pool = {"label_eks_amazonaws_com_nodegroup": node.pool}
        created = str((node.begins + REGISTERED) // SECOND)
        for fact, more, value in (
            ("kube_node_info", {"provider_id": provider}, "1"),
            ("kube_node_labels", pool, "1"),
            ("kube_node_created", {}, created),
        ):
            yield {"__name__": fact} | labels | more, always(*up, value)
    for node, pod in seen.pods():
        info = {
            "host_network": "false", "node": seen.node_name(node),
            "pod_ip": seen.address(pod.uid),
        }  # fmt: skip
        times = (("created", pod.bound), ("status_scheduled_time", pod.bound))
        up = (pod.bound, pod.gone)
        yield {"__name__": "kube_pod_info"} | _pod(pod) | info, always(*up, 1)
        for fact, moment in times:
            yield {"__name__": f"kube_pod_{fact}"} | _pod(pod), always(*up, moment // SECOND)
        fact = "kube_pod_status_ready_time"
        yield {"__name__": fact} | _pod(pod), always(pod.ready, pod.stops, pod.ready // SECOND)


def _capacity(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    labels = {"__name__": "kube_node_status_capacity", "resource": "nvidia_com_gpu"} | _STATE
    for node in seen.nodes:
        up = (node.begins + node.provisioning, node.ends)
        labels |= {"node": seen.node_name(node), "unit": "integer"}
        yield dict(labels), always(*up, node.gpus)


def _requested(seen: Cluster) -> Iterator[tuple[Labels, Value]]:
    name = {"__name__": "kube_pod_container_resource_requests"}
    for node, pod in seen.pods():
        labels = {"container": "vllm", "node": seen.node_name(node), "unit": "integer"}
        labels |= {"resource": "nvidia_com_gpu"}
        yield name | _pod(pod) | labels, always(pod.bound, pod.gone, len(pod.gpus))


# File, its series, and how often the answer has a value.
ANSWERS: tuple[tuple[str, Callable[[Cluster], Iterator[tuple[Labels, Value]]], int], ...] = (
    ("dcgm", _gpus, EVERY),
    ("kube_capacity", _capacity, HOUR),
    ("kube_deleted", _deleted, EVERY),
    ("kube_facts", _facts, HOUR),
    ("kube_nodes", _nodes, EVERY),
    ("kube_pods", _pods, EVERY),
    ("kube_requests", _requested, EVERY),
    ("vllm", _servers, EVERY),
)


def _answer(series: Iterator[tuple[Labels, Value]], moments: range) -> tuple[str, int]:
    """An answer as the server prints it, and how many samples it has."""
    parts, count = [], 0
    for labels, value in series:
        known = [(at, text) for at in moments if (text := value(at)) is not None]
        if known:
            metric = json.dumps(dict(sorted(labels.items())), separators=(",", ":"))
            pairs = ",".join(f'[{at // 1000}.{at % 1000:03d},"{text}"]' for at, text in known)
            parts.append(f'{{"metric":{metric},"values":[{pairs}]}}')
            count += len(known)
    body = f'{{"resultType":"matrix","result":[{",".join(parts)}]}}'
    return f'{{"status":"success","data":{body}}}\n', count


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes a folder a day; returns how many samples it delivered."""
    if period.days <= max(DAYS):
        return []
    seen, samples = cluster(period, draws), 0
    for day in DAYS:
        start = period.day(day)
        for name, series, step in ANSWERS:
            moments = range(start - AROUND + OFFSET, start + DAY + AROUND, step)
            text, count = _answer(series(seen), moments)
            write_text(text, out / "prometheus" / str(to_date(start)) / f"{name}-0001.json")
            samples += count
    return [
        Total("metrics", "", samples, None, None, connector="prometheus", location="prometheus")
    ]
