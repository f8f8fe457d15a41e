"""Gauges and states: for how long a sample is believed, and what a cluster says of its pods."""

from decimal import Decimal
from pathlib import Path

from prometheus_answers import STATE, TARGET, pod, saved, shown, states

RUNNING, ACTIVE = "vllm:num_requests_running", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
READY = STATE | {"pod": "chat-0", "uid": "u-1", "condition": "true"}
ONE_GPU = (
    "kube_pod_container_resource_requests",
    STATE | {"pod": "chat-0", "uid": "u-1", "container": "c", "resource": "nvidia_com_gpu"},
    [(minute, 1) for minute in range(60)],
)
NODE = ("kube_node_info", STATE | {"node": "node-1", "provider_id": "aws:///us-west-2a/i-0a"},
        [(0, 1), (5, 1), (10, 1)])  # fmt: skip


def test_a_sample_is_believed_until_the_next_one_and_five_minutes_at_most(tmp_path: Path) -> None:
    series = (RUNNING, TARGET, [(0, 1), (1, 2), (20, 2), (21, 3)])
    assert shown(saved(tmp_path / "default", series), "requests_running") == [
        (0, 1, 1), (1, 6, 2), (20, 21, 2), (21, 26, 3),
    ]  # fmt: skip
    short = saved(tmp_path / "short", series, staleness=30)
    assert shown(short, "requests_running")[:2] == [(0, 0.5, 1), (1, 1.5, 2)]


def test_a_series_that_the_next_scrape_of_its_target_lacks_has_ended(tmp_path: Path) -> None:
    gpu = {"job": "dcgm", "instance": "n1:9400", "gpu": "0", "UUID": "GPU-1", "Hostname": "n1"}
    held = gpu | {"exported_pod": "chat-0", "exported_namespace": "serving", "pod": "exporter"}
    found = saved(
        tmp_path,
        (ACTIVE, held, [(0, "0.5"), (1, "0.5"), (4, "0.25")]),
        (ACTIVE, gpu | {"pod": "exporter"}, [(2, 0), (3, 0)]),
    )
    assert shown(found, "gpu_active") == [
        (0, 2, Decimal("0.5")), (2, 4, 0), (4, 9, Decimal("0.25")),
    ]  # fmt: skip
    assert {row["pod"] for row in found.rows("gauge_samples")} == {"chat-0", None}
    assert {row["resource_id"] for row in found.rows("gauge_samples")} == {"n1"}


def test_the_pod_of_the_exporter_is_never_taken_for_the_one_that_uses_the_gpu(
    tmp_path: Path,
) -> None:
    gpu = {"job": "gpus", "instance": "n1:9400", "UUID": "GPU-1", "hostname": "n1"}
    own = {"pod": "dcgm-exporter-7", "namespace": "gpu-operator"}
    old = {"pod_name": "chat-0", "pod_namespace": "serving", "container_name": "c"}
    found = saved(
        tmp_path,
        (ACTIVE, gpu | own | {"gpu": "0"}, [(0, 0)]),
        (ACTIVE, gpu | own | old | {"gpu": "1"}, [(0, 1)]),
    )
    columns = ("gpu_index", "pod", "namespace")
    assert found.values("gauge_samples", columns) == [(0, None, None), (1, "chat-0", "serving")]


def test_every_sign_for_no_value_is_dropped_and_units_become_ours(tmp_path: Path) -> None:
    gpu = {"job": "dcgm", "instance": "n1:9400", "Hostname": "n1", "UUID": "GPU-1", "gpu": "0"}
    signs = ["9223372036854775794", "9223372036854776000", "140737488355328", "2147483632", -1]
    found = saved(
        tmp_path,
        ("DCGM_FI_DEV_GPU_UTIL", gpu, [*enumerate(signs), (5, 37)]),
        ("DCGM_FI_DEV_FB_USED", gpu, [(0, 3)]),
        ("DCGM_FI_DEV_POWER_USAGE", gpu, [(0, "71.5")]),
        ("nv_gpu_utilization", {"gpu_uuid": "GPU-9", "instance": "t:8002"}, [(0, "0.5")]),
        ("sglang:token_usage", TARGET, [(0, "NaN"), (1, "1e-07")]),
    )
    values = found.values("gauge_samples", ("gauge", "value"))
    assert values == [
        ("gpu_memory_used", 3_145_728),
        ("gpu_power", Decimal("71.5")),
        ("gpu_utilization", Decimal("0.37")),
        ("gpu_utilization", Decimal("0.5")),
        ("kv_cache_usage", Decimal("0.0000001")),
    ]
    assert len(found.rows("quarantine")) == 3


def test_of_several_engines_and_containers_of_a_pod_the_sum_counts(tmp_path: Path) -> None:
    one, two = TARGET | {"engine": "0"}, TARGET | {"engine": "1"}
    asked = STATE | {"pod": "chat-0", "uid": "u-1", "resource": "cpu"}
    name = "kube_pod_container_resource_requests"
    used = {"job": "kubelet", "instance": "n1", "namespace": "serving", "pod": "chat-0"}
    cpu = "container_cpu_usage_seconds_total"
    found = saved(
        tmp_path,
        (RUNNING, one, [(0, 1), (1, 1), (2, 4)]),
        (RUNNING, two, [(0, 2), (1, 3), (2, 0)]),
        (name, asked | {"container": "a"}, [(0, "0.5")]),
        (name, asked | {"container": "b"}, [(0, 2)]),
        (cpu, used | {"container": "a"}, [(0, 0), (1, 60), (2, 90)]),
        (cpu, used | {"container": "b"}, [(0.5, 7), (1.5, 22)]),
    )  # fmt: skip
    assert shown(found, "requests_running") == [(0, 1, 3), (1, 7, 4)]
    assert shown(found, "cpu_requested") == [(0, 5, Decimal("2.5"))]
    quarter = Decimal("0.25")
    assert shown(found, "cpu_used") == [
        (0, 0.5, 1), (0.5, 1, 1 + quarter), (1, 1.5, 3 * quarter), (1.5, 2, 2 * quarter),
    ]  # fmt: skip


def test_a_pod_that_is_bound_and_not_ready_is_starting_from_when_kubernetes_says(
    tmp_path: Path,
) -> None:
    ready = [(minute, int(minute >= 14)) for minute in range(10, 20)]
    found = saved(
        tmp_path, NODE, ONE_GPU, ("kube_pod_status_ready", READY, ready),
        *pod("u-1", created=9, scheduled=9.25, ready=13.75, gone=20),
    )  # fmt: skip
    assert states(found) == [("u-1", "starting", 9.25, 13.75), ("u-1", "ready", 13.75, 20)]
    assert {row["resource_id"] for row in found.rows("resource_states")} == {"i-0a"}


def test_without_those_times_a_change_shows_at_the_next_sample(tmp_path: Path) -> None:
    ready = [(minute, int(minute >= 14)) for minute in range(10, 20)]
    known = pod("u-1", seen=10, gone=20)
    found = saved(tmp_path, NODE, ONE_GPU, ("kube_pod_status_ready", READY, ready), *known)
    assert states(found) == [("u-1", "starting", 10, 14), ("u-1", "ready", 14, 20)]


def test_a_pod_that_waits_for_a_node_or_is_done_has_no_state(tmp_path: Path) -> None:
    waiting = [(minute, int(minute >= 13)) for minute in range(10, 30)]
    ready = [(minute, int(15 <= minute < 20)) for minute in range(10, 30)]
    done = READY | {"phase": "Succeeded"}
    del done["condition"]
    found = saved(
        tmp_path, NODE, ONE_GPU,
        ("kube_pod_status_ready", READY, ready),
        ("kube_pod_status_scheduled", READY, waiting),
        ("kube_pod_status_phase", done, [(m, int(m >= 20)) for m in range(10, 30)]),
        *pod("u-1", seen=10, gone=30),
    )  # fmt: skip
    assert states(found) == [("u-1", "starting", 13, 15), ("u-1", "ready", 15, 20)]


def test_a_pod_or_node_that_was_told_to_go_is_terminating(tmp_path: Path) -> None:
    ready = [(minute, 1) for minute in range(10, 20)]
    node = {"job": "kube-state-metrics", "instance": STATE["instance"], "node": "node-1"}
    condition = node | {"condition": "Ready", "status": "true"}
    found = saved(
        tmp_path, NODE, ONE_GPU,
        ("kube_pod_status_ready", READY, ready),
        ("kube_pod_deletion_timestamp", {k: READY[k] for k in READY if k != "condition"},
         [(18, 1.0), (19, 1.0)]),
        ("kube_node_deletion_timestamp", node, [(19, 1.0), (20, 1.0)]),
        ("kube_node_status_condition", condition, [(m, 1) for m in range(10, 21)]),
        *pod("u-1", seen=10, gone=20),
    )  # fmt: skip
    assert ("u-1", "terminating", 18, 20) in states(found)
    assert (None, "terminating", 19, 20) in states(found)


def test_a_node_that_the_next_scrape_lacks_is_believed_to_its_last_sample_and_no_longer(
    tmp_path: Path,
) -> None:
    node = {"job": "kube-state-metrics", "instance": STATE["instance"]}
    condition = node | {"condition": "Ready", "status": "true"}
    found = saved(
        tmp_path,
        ("kube_node_status_condition", condition | {"node": "n1"}, [(0, 1), (1, 1), (2, 1)]),
        ("kube_node_status_condition", condition | {"node": "n2"}, [(m, 1) for m in range(5)]),
    )
    rows = found.rows("resource_states", "true", "resource_id")
    ends = [(row["resource_id"], row["ended_at"].minute) for row in rows]
    # After the very last scrape nothing says that n2 went.
    assert ends == [("n1", 2), ("n2", 9)]


def test_states_can_be_left_to_another_source(tmp_path: Path) -> None:
    series = ("kube_pod_status_ready", READY, [(0, 1), (1, 1)])
    found = saved(tmp_path, NODE, ONE_GPU, series, *pod("u-1", seen=0, gone=20), states=False)
    assert states(found) == []
    assert shown(found, "pod_ready") == [(0, 2, 1)]


def test_the_autoscaler_says_how_many_replicas_it_wants(tmp_path: Path) -> None:
    labels = STATE | {"horizontalpodautoscaler": "chat"}
    name = "kube_horizontalpodautoscaler_status"
    found = saved(
        tmp_path,
        (f"{name}_desired_replicas", labels, [(0, 3)]),
        (f"{name}_current_replicas", labels, [(0, 1)]),
    )
    columns = ("gauge", "value", "pool", "namespace", "resource_id")
    assert found.values("gauge_samples", columns) == [
        ("replicas_desired", 3, "chat", "serving", None),
        ("replicas_ready", 1, "chat", "serving", None),
    ]
