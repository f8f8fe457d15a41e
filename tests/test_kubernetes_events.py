from pathlib import Path
from typing import Any

from kubernetes_objects import PULLED, event, happened, lines, moment, node, pod, tick, watched
from landed_source import LandedSource

from connectors.kubernetes_events import CONNECTOR
from models.signals import SCALE_EVENTS_KINDS

pytest_plugins = ["kubernetes_fixtures"]


def test_an_event_says_when_what_happened_to_whom(cluster: LandedSource) -> None:
    (row,) = happened(cluster, event("e-1", "Killing", "Stopping container server"))
    assert (row["event_uid"], row["event"], row["reason"]) == ("e-1", "other", "Killing")
    assert (row["occurred_at"], row["last_occurred_at"]) == (moment("10:00:00"), moment("10:00:00"))
    assert (row["reporter"], row["repeated"], row["namespace"]) == ("kubelet", 1, "serving")
    assert (row["object_kind"], row["object_name"], row["pod_uid"]) == ("Pod", "chat-0", "pod-1")
    assert (row["pool"], row["resource_id"], row["duration_ms"]) == (None, None, None)


def test_pulls_take_as_long_as_go_writes_it(cluster: LandedSource) -> None:
    durations = {
        "27.88s": 27_880, "312ms": 312, "1m2.3s": 62_300, "1h2m3s": 3_723_000, "2m0s": 120_000,
        "850.5µs": 1, "1.0004s": 1_000, "0s": 0,
    }  # fmt: skip
    events = [event(took, "Pulled", PULLED.replace("27.88s", took)) for took in durations]
    rows = happened(cluster, *events)
    assert {row["event_uid"]: row["duration_ms"] for row in rows} == durations
    assert {(row["event"], row["image"], row["size_bytes"]) for row in rows} == {
        ("image_pulled", "r.io/vllm:1", 5)
    }


def test_prefixes_of_newer_kubelets_and_images_that_were_there_are_read(
    cluster: LandedSource,
) -> None:
    prefix = "spec.containers{server}: "
    there = 'Container image "r.io/vllm:1" already present on machine'
    rows = happened(
        cluster,
        event("a", "Pulled", prefix + PULLED),
        event("b", "Pulled", prefix + there),
        event("c", "Pulled", there + " and can be accessed by the pod"),
        event("d", "Pulled", 'Successfully pulled image "x" in 1.5s'),
    )
    assert [(row["event"], row["duration_ms"], row["size_bytes"]) for row in rows] == [
        ("image_pulled", 27_880, 5), ("image_present", 0, None), ("image_present", 0, None),
        ("image_pulled", 1_500, None),
    ]  # fmt: skip


GROUP = "https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroups/gke-l4-grp"
MEANINGS = [
    ("FailedScheduling", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
     "scheduling_failed", None, None),
    ("FailedScheduling", 'all available instance types exceed limits for nodepool: "chat"',
     "capacity_missing", None, None),
    ("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached",
     "capacity_missing", None, None),
    ("NotTriggerScaleUp", "pod didn't trigger scale-up: 2 node(s) didn't match selector",
     "scheduling_failed", None, None),
    ("InsufficientCapacityError", "NodeClaim chat-x event: no capacity", "capacity_missing",
     None, None),
    ("TriggeredScaleUp", f"pod triggered scale-up: [{{{GROUP} 1->3 (max: 20)}}]",
     "node_requested", 1, 3),
    ("TriggeredScaleUp", "pod triggered scale-up, group: g, sizes (current/new): 3/4",
     "node_requested", 3, 4),
    ("ScaledUpGroup", "Scale-up: setting group g size to 3 instead of 2 (max: 5)",
     "node_requested", 2, 3),
    ("Nominated", "Pod should schedule on: nodeclaim/chat-x", "node_requested", None, None),
    ("Nominated", "Pod should schedule on: nodeclaim/chat-x, node/ip-1", "other", None, None),
    ("SuccessfulRescale", "New size: 4; reason: cpu above target", "desired_replicas", None, 4),
    ("KEDAScaleTargetActivated",
     "Scaled apps/v1.Deployment serving/chat from 0 to 1, triggered by s0", "activated", 0, 1),
    ("KEDAScaleTargetDeactivated", "Deactivated apps/v1.Deployment serving/chat from 5 to 0",
     "deactivated", 5, 0),
    ("KEDAScaleTargetActivationFailed", "Failed to scale", "other", None, None),
    ("SpotInterrupted", "Spot interruption warning was triggered", "interrupted", None, None),
    ("SpotInterruption", "Spot ITN received. Instance will be interrupted", "interrupted",
     None, None),
    ("InstanceTerminating", "Instance is terminating", "interrupted", None, None),
    ("InstanceTerminating", "Status condition transitioned, Type: InstanceTerminating", "other",
     None, None),
    ("DisruptionTerminating", "Disrupting Node: Underutilized", "disrupted", None, None),
    ("ScaleDown", "node removed by cluster autoscaler", "disrupted", None, None),
    ("Evicted", "Evicted pod: Forceful Termination", "evicted", None, None),
    ("TaintManagerEviction", "Marking for deletion Pod serving/chat", "evicted", None, None),
    ("TaintManagerEviction", "Cancelling deletion of Pod serving/chat", "other", None, None),
    ("ScalingReplicaSet", "Scaled up replica set chat-7d to 3 from 2", "other", 2, 3),
    ("SomethingNew", "nobody knows", "other", None, None),
]  # fmt: skip


def test_reasons_have_their_meaning_and_those_that_are_not_known_are_kept(
    cluster: LandedSource,
) -> None:
    events = [
        event(f"{number:03d}", reason, message)
        for number, (reason, message, *_) in enumerate(MEANINGS)
    ]
    rows = happened(cluster, *events)
    found = [
        (row["reason"], row["message"], row["event"], row["replicas_before"], row["replicas_after"])
        for row in rows
    ]
    assert found == MEANINGS
    assert {row["event"] for row in rows} <= set(SCALE_EVENTS_KINDS)
    assert {row["pool"] for row in rows} == {None, GROUP, "g"}


def test_of_a_repeated_event_the_highest_count_is_in_force_in_any_order(tmp_path: Path) -> None:
    sent = [
        event("e", "Unhealthy", "probe failed", count=count, lastTimestamp=f"2026-10-08T{last}Z")
        for count, last in ((1, "10:00:00"), (9, "10:30:00"), (4, "10:10:00"))
    ]
    for number, order in enumerate(([0, 1, 2], [1, 2, 0])):
        cluster = LandedSource(tmp_path / str(number), CONNECTOR)
        for hour, place in enumerate(order):
            cluster.save(f"2026-10-08/{hour}.jsonl", lines(sent[place]))
            if hour == number:  # then more files of the day come
                cluster.rows("scale_events")
        (row,) = cluster.rows("scale_events")
        assert (row["repeated"], row["last_occurred_at"]) == (9, moment("10:30:00"))
        assert row["occurred_at"] == moment("10:00:00")


def test_replica_sets_that_take_turns_are_a_rollout(cluster: LandedSource) -> None:
    def scaled(uid: str, message: str, time: str, name: str = "chat") -> dict[str, Any]:
        about = {"kind": "Deployment", "namespace": "serving", "name": name, "uid": name}
        return event(uid, "ScalingReplicaSet", message, time, involvedObject=about)

    rows = happened(
        cluster,
        scaled("a", "Scaled up replica set chat-new to 1", "10:00:00"),
        scaled("b", "Scaled down replica set chat-old to 0 from 1", "10:03:00"),
        scaled("c", "Scaled up replica set chat-new to 2 from 1", "12:00:00"),
        scaled("d", "Scaled up replica set other-x to 2 from 1", "10:00:00", "other"),
    )
    assert {row["event_uid"]: row["event"] for row in rows} == {
        "a": "rollout", "b": "rollout", "c": "other", "d": "other",
    }  # fmt: skip


def test_an_event_knows_its_machine_and_pool(cluster: LandedSource) -> None:
    bound = "Successfully assigned serving/chat-0 to ip-10-0-0-1"
    machine = {"kind": "Node", "name": "ip-10-0-0-1"}
    scaler = {
        "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "serving"},
        "spec": {"scaleTargetRef": {"name": "chat"}},
    }  # fmt: skip
    scaled = {"kind": "HorizontalPodAutoscaler", "namespace": "serving", "name": "h"}
    rows = happened(
        cluster,
        watched(node()),
        watched(pod(ownerReferences=[{"kind": "ReplicaSet", "name": "chat-6f"}])),
        watched(scaler),
        event("a", "Scheduled", bound, involvedObject={"kind": "Pod", "uid": "other"}),
        event("b", "Rebooted", "Node rebooted", involvedObject=machine),
        event("c", "SuccessfulRescale", "New size: 2; reason: x", involvedObject=scaled),
        event("d", "KEDAScaleTargetActivated", "Scaled apps/v1.Deployment serving/chat from 0 to 1",
              involvedObject={"kind": "ScaledObject", "namespace": "serving", "name": "s"}),
    )  # fmt: skip
    places = {row["event_uid"]: (row["pool"], row["resource_id"]) for row in rows}
    assert places == {
        "a": ("chat", "i-0abc"), "b": ("chat", "i-0abc"), "c": ("chat", None), "d": ("chat", None),
    }  # fmt: skip


def test_what_cannot_be_used_is_quarantined_with_its_reason(cluster: LandedSource) -> None:
    nameless = event("", "Killing", "x", metadata={})
    happened(
        cluster,
        {"hello": "world"},
        nameless,
        event("e", "Killing", "x", first="yesterday", lastTimestamp=None),
        watched(node(provider="", uid="n-2", name="bare")),
        watched(pod(node_name="elsewhere")),
        watched(pod(uid="p-2", node_name="bare")),
        tick("12:00:00"),
    )
    rows = cluster.rows("quarantine")
    assert [(row["x_row"], row["column_name"], row["value"]) for row in rows] == [
        (1, "kind", None), (2, "metadata.uid", None),
        (3, "firstTimestamp", "2026-10-08TyesterdayZ"), (4, "spec.providerID", "bare"),
        (5, "spec.nodeName", "elsewhere"),
    ]  # fmt: skip
    assert cluster.rows("scale_events") == []
    assert {str(row["quarantined_day"]) for row in rows} == {"2026-10-08"}
