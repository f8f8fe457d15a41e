"""A small cluster of two days, as Prometheus scraped it, and what truly happened in it.

Scrapes are a minute apart; from 10:00 to 10:20 of the first day nothing was scraped.

    i-0chat    8 GPUs, comes at 06:00; pod chat-0 takes four of them; its server restarts at 14:00
    i-0mig     a GPU in MIG slices: pods mig-a (3g) and mig-b (1g), the rest belongs to nobody
    i-0shared  a GPU shared in time by four; pod shared-0 has one share; DCGM loses its labels
    i-0cpu     no GPU; pod gateway-0 asks for 4 of 16 cores and uses 2.5
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from prometheus_server import Labels, Samples, at, every

FIRST, SECOND = "2026-10-06", "2026-10-07"
START, MIDNIGHT, END = (at(f"2026-10-{day:02d} 00:00:00") for day in (6, 7, 8))
GAP = (at(f"{FIRST} 10:00:00"), at(f"{FIRST} 10:20:00"))
RESTART = at(f"{FIRST} 14:00:00")
HOUR = timedelta(hours=1)
# From when until when each pod was bound, and when it was ready.
PODS = {
    "chat-0": ("i-0chat", at(f"{FIRST} 06:04:20"), at(f"{FIRST} 06:09:33"), END + 2 * HOUR),
    "mig-a": ("i-0mig", START - 5 * HOUR, START - 4 * HOUR, END + 2 * HOUR),
    "mig-b": ("i-0mig", START - 5 * HOUR, START - 4 * HOUR, at(f"{SECOND} 12:00:05")),
    "shared-0": ("i-0shared", START - 5 * HOUR, START - 4 * HOUR, END + 2 * HOUR),
    "gateway-0": ("i-0cpu", START - 5 * HOUR, START - 4 * HOUR, END + 2 * HOUR),
}
NODES = {
    "i-0chat": ("gpu", "8", at(f"{FIRST} 06:00:00"), at(f"{FIRST} 06:03:05")),
    "i-0mig": ("mig_1g_10gb", "4", START - 6 * HOUR, START - 6 * HOUR),
    "i-0shared": ("gpu", "4", START - 6 * HOUR, START - 6 * HOUR),
    "i-0cpu": ("", "", START - 6 * HOUR, START - 6 * HOUR),
}
REQUESTS = {
    "chat-0": ("nvidia_com_gpu", 4),
    "mig-a": ("nvidia_com_mig_3g_40gb", 1),
    "mig-b": ("nvidia_com_mig_1g_10gb", 1),
    "shared-0": ("nvidia_com_gpu", 1),
    "gateway-0": ("cpu", 4),
}
SENTINEL = "9223372036854775794"


def scrapes(second: int, start: datetime, end: datetime) -> list[datetime]:
    first = max(start, START - HOUR).replace(second=0) + timedelta(seconds=second)
    times = every(60, first, min(end, END + HOUR))
    return [t for t in times if t >= start and not GAP[0] <= t < GAP[1]]


def generated(moment: datetime) -> int:
    """Output tokens of chat-0 since its server's last start: three a second by day."""
    begins = RESTART if moment >= RESTART else PODS["chat-0"][2]
    return round((moment - begins).total_seconds()) * 3


def _node_series(samples: Samples) -> None:
    state = {"instance": "10.1.0.9:8080", "job": "kube-state-metrics", "pod": "state-0"}
    for resource, (kind, count, created, ready) in NODES.items():
        node, times = {"node": f"ip-{resource[3:]}"}, scrapes(5, created, END + HOUR)
        for status, value in (("true", 1), ("false", 0)):
            labels = state | node | {"condition": "Ready", "status": status}
            points = [(t, value if t >= ready else 1 - value) for t in times]
            samples.add("kube_node_status_condition", labels, points)
        facts: list[tuple[str, Labels, object]] = [
            ("info", {"provider_id": f"aws:///us-west-2a/{resource}"}, 1),
            ("created", {}, created.timestamp()),
            ("status_capacity", {"resource": "cpu", "unit": "core"}, 16),
            ("labels", _node_labels(resource), 1),
        ]
        if kind:
            facts.append(("status_capacity", {"resource": f"nvidia_com_{kind}"}, count))
        for fact, more, value in facts:
            points = [(t, value) for t in times[::4]]
            samples.add(f"kube_node_{fact}", state | node | more, points)


def _node_labels(resource: str) -> Labels:
    labels = {"label_karpenter_sh_nodepool": resource[3:]}
    return labels | ({"label_nvidia_com_gpu_replicas": "4"} if resource == "i-0shared" else {})


def _pod_series(samples: Samples) -> None:
    for pod, (resource, bound, ready, gone) in PODS.items():
        labels = {
            "instance": "10.1.0.9:8080", "job": "kube-state-metrics", "pod": "state-0",
            "exported_pod": pod, "exported_namespace": "serving", "namespace": "monitoring",
            "uid": f"uid-{pod}",
        }  # fmt: skip
        times, node = scrapes(5, bound, gone), {"node": f"ip-{resource[3:]}"}
        wanted, count = REQUESTS[pod]
        series: list[tuple[str, Labels, Callable[[datetime], object]]] = [
            ("status_ready", {"condition": "true"}, lambda t, ready=ready: int(t >= ready)),
            ("status_ready", {"condition": "false"}, lambda t, ready=ready: int(t < ready)),
            ("status_scheduled", {"condition": "true"}, lambda t: 1),
            ("info", node | {"pod_ip": f"10.2.0.{len(pod)}", "host_network": "false"}, lambda t: 1),
            ("created", {}, lambda t, bound=bound: bound.timestamp()),
            ("status_scheduled_time", {}, lambda t, bound=bound: bound.timestamp()),
            ("status_ready_time", {}, lambda t, ready=ready: ready.timestamp()),
            (
                "container_resource_requests",
                node | {"container": "server", "resource": wanted},
                lambda t, count=count: count,
            ),
        ]
        for name, more, value in series:
            moments = times if name == "status_ready" or "requests" in name else times[::4]
            points = [(t, value(t)) for t in moments if "ready_time" not in name or t >= ready]
            samples.add(f"kube_pod_{name}", labels | more, points)


def _gpu(pod: str | None, index: int, resource: str, **more: str) -> dict[str, str]:
    labels = {
        "instance": f"{resource}:9400", "job": "dcgm", "gpu": str(index), "pod": "dcgm-exporter-x",
        "UUID": f"GPU-{resource}-{index}", "namespace": "gpu-operator", **more,
    }  # fmt: skip
    held = {"exported_pod": pod, "exported_namespace": "serving"} if pod else {}
    return labels | held


def _gpu_series(samples: Samples) -> None:
    active = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
    _, bound, ready, _ = PODS["chat-0"]
    for index in range(4):
        labels = _gpu("chat-0", index, "i-0chat", Hostname="ip-chat")
        up = scrapes(20, bound, END + HOUR)
        samples.add(active, labels, [(t, "0.75" if t >= ready else "0") for t in up])
        if index == 0:  # every fourth is a sign for no value
            points = [(t, SENTINEL if n % 4 == 0 else 60) for n, t in enumerate(up)]
            samples.add("DCGM_FI_DEV_GPU_UTIL", labels, points)
            samples.add("DCGM_FI_DEV_FB_USED", labels, [(t, 70_000) for t in up])
    all_day = scrapes(20, START - HOUR, END + HOUR)
    for pod, profile, number in (("mig-a", "3g.40gb", "1"), ("mig-b", "1g.10gb", "7")):
        names = {"hostname": "ip-mig", "GPU_I_PROFILE": profile, "GPU_I_ID": number}
        samples.add(active, _gpu(pod, 0, "i-0mig", **names), [(t, "0.5") for t in all_day])
    lost = _gpu(None, 0, "i-0shared", Hostname="ip-shared")
    samples.add(active, lost, [(t, "0.25") for t in all_day])


def _server_series(samples: Samples) -> None:
    labels = {
        "instance": "10.2.0.6:8000", "job": "vllm", "pod": "chat-0", "namespace": "serving",
        "model_name": "llama", "engine": "0",
    }  # fmt: skip
    up = list(scrapes(10, PODS["chat-0"][2], END + HOUR))
    samples.add("vllm:generation_tokens_total", labels, [(t, generated(t)) for t in up])
    samples.add("vllm:num_requests_running", labels, [(t, 2 + t.hour % 2) for t in up])
    cpu = {"instance": "ip-cpu", "pod": "gateway-0", "namespace": "serving", "container": "server"}
    times = scrapes(25, START - HOUR, END + HOUR)
    points = [(t, f"{(t - START + HOUR).total_seconds() * 2.5:.3f}") for t in times]
    samples.add("container_cpu_usage_seconds_total", cpu, points)


def cluster() -> Samples:
    samples = Samples()
    for add in (_node_series, _pod_series, _gpu_series, _server_series):
        add(samples)
    return samples


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def by_day(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut an interval at midnight, within the two days."""
    for first, last in ((START, MIDNIGHT), (MIDNIGHT, END)):
        if max(start, first) < min(end, last):
            yield naive(max(start, first)), naive(min(end, last))
