from typing import Any

from kubernetes_objects import lines, node, pod, tick, watched
from landed_source import LandedSource

pytest_plugins = ["kubernetes_fixtures"]


def mig(count: int = 1, **labels: str) -> dict[str, Any]:
    return {
        "capacity": {"cpu": "16", "nvidia.com/gpu": "0", "nvidia.com/mig-3g.40gb": str(2 * count)},
        "labels": {f"nvidia.com/{name}": value for name, value in labels.items()},
    }


SINGLE = {"nvidia.com/mig.strategy": "single", "nvidia.com/gpu.product": "NVIDIA-H100-MIG-1g.10gb"}
SHARED = {"nvidia.com/gpu.replicas": "4"}


# A machine, what a pod on it asks for, its GPUs, and the part of it that the pod has.
PARTS: list[tuple[dict[str, Any], dict[str, str], int | None, int | None, int | None]] = [
    ({}, {"nvidia.com/gpu": "1"}, 1, None, None),
    ({"capacity": {"nvidia.com/gpu": "8"}}, {"nvidia.com/gpu": "4"}, 8, 4, 8),
    ({"capacity": {"nvidia.com/gpu": "8"}}, {"nvidia.com/gpu": "8"}, 8, None, None),
    (mig(), {"nvidia.com/mig-3g.40gb": "1"}, 1, 3, 7),
    (mig(2), {"nvidia.com/mig-3g.40gb": "1"}, 2, 3, 14),
    ({"capacity": {"nvidia.com/gpu": "14"}, "labels": SINGLE}, {"nvidia.com/gpu": "2"}, 2, 2, 14),
    ({"capacity": {"nvidia.com/gpu": "4"}, "labels": SHARED}, {"nvidia.com/gpu": "1"}, 1, 1, 4),
    ({"capacity": {"nvidia.com/gpu.shared": "8"}, "labels": SHARED},
     {"nvidia.com/gpu.shared": "1"}, 2, 1, 8),
    ({"capacity": {"cpu": "3920m"}}, {"cpu": "1500m"}, None, 1_500, 3_920),
    ({"capacity": {"cpu": "4"}}, {"cpu": "0.5"}, None, 500, 4_000),
    ({"capacity": {"cpu": "4"}}, {}, None, 1, 4_000),
]  # fmt: skip


def test_a_pod_has_the_part_of_its_machine_that_it_asked_for(cluster: LandedSource) -> None:
    sent = [tick("11:00:00")]
    for number, (machine, asks, *_) in enumerate(PARTS):
        name = f"node-{number:02d}"
        made = node(name, name=name, provider=f"aws:///z/{name}", **machine)
        sent += [watched(made), watched(pod(f"pod-{number:02d}", asks=asks, node_name=name))]
    cluster.save("2026-10-08.jsonl", lines(*sent))
    rows = [row for row in cluster.rows("resource_states") if row["pod_uid"]]
    found = {row["pod_uid"]: (row["gpu_count"], row["slots"], row["slots_of"]) for row in rows}
    assert [found[name] for name in sorted(found)] == [tuple(part[2:]) for part in PARTS]


def test_a_pod_without_a_gpu_has_no_part_of_a_machine_with_gpus(cluster: LandedSource) -> None:
    documents = (watched(node()), watched(pod(asks={"cpu": "2"})), tick("11:00:00"))
    cluster.save("2026-10-08.jsonl", lines(*documents))
    assert {row["pod_uid"] for row in cluster.rows("resource_states")} == {None}
    assert cluster.rows("quarantine") == []
