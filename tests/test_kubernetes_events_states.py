import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_objects import Object, conditions, lines, moment, node, pod, thing, tick, watched
from landed_source import LandedSource

from connectors.kubernetes_events import CONNECTOR

pytest_plugins = ["kubernetes_fixtures"]

SAMPLES = Path(__file__).parents[1] / "data_samples"
State = tuple[str, str, str]


def states(
    cluster: LandedSource, *documents: Any, of: str | None = None, path: str = "2026-10-08.jsonl"
) -> list[State]:
    """State, begin and end, of a pod or of machines."""
    cluster.save(path, lines(*documents))
    return [
        (row["state"], *(row[name].strftime("%H:%M:%S") for name in ("started_at", "ended_at")))
        for row in cluster.rows("resource_states")
        if row["pod_uid"] == of
    ]


def test_a_node_is_provisioned_until_it_is_ready_and_ready_until_the_stream_ends(
    cluster: LandedSource,
) -> None:
    assert states(cluster, watched(node(ready="09:02:00")), tick("12:00:00")) == [
        ("provisioning", "09:00:00", "09:02:00"), ("node_ready", "09:02:00", "12:00:00"),
    ]  # fmt: skip
    (row, _) = cluster.current("resource_states")
    assert (row["resource_id"], row["pool"], row["gpu_count"]) == ("i-0abc", "chat", 1)
    assert (row["gpu_index"], row["slots"], row["x_row"]) == (None, None, 1)


def test_a_pod_starts_when_it_is_scheduled_and_is_ready_until_it_is_told_to_stop(
    cluster: LandedSource,
) -> None:
    # The deletion of 11:00:00 is written down for the end of the grace period.
    ended = {"deletionTimestamp": "2026-10-08T11:00:30Z", "deletionGracePeriodSeconds": 30}
    gone = watched(pod(**ended), "DELETED") | {"time": "2026-10-08T11:00:20Z"}
    found = states(cluster, watched(node()), watched(pod()), gone, tick("12:00:00"), of="pod-1")
    assert found == [
        ("starting", "09:05:00", "09:08:00"), ("ready", "09:08:00", "11:00:00"),
        ("terminating", "11:00:00", "11:00:20"),
    ]  # fmt: skip


def test_a_pod_that_is_not_ready_again_starts_again(cluster: LandedSource) -> None:
    found = states(
        cluster,
        watched(node()),
        watched(pod()),
        watched(pod(ready=("False", "10:00:00"))),
        watched(pod(ready="10:04:00")),
        tick("12:00:00"),
        of="pod-1",
    )
    assert found == [
        ("starting", "09:05:00", "09:08:00"), ("ready", "09:08:00", "10:00:00"),
        ("starting", "10:00:00", "10:04:00"), ("ready", "10:04:00", "12:00:00"),
    ]  # fmt: skip


def restarted() -> Object:
    made = pod(ready="09:20:00")
    made["status"]["containerStatuses"][0]["restartCount"] = 1
    return made


@pytest.mark.parametrize("made", [pod(ready="10:30:00"), restarted()])
def test_what_may_have_been_ready_before_has_no_known_beginning(
    cluster: LandedSource, made: Object
) -> None:
    found = states(cluster, watched(node()), watched(made), tick("12:00:00"), of="pod-1")
    assert [state for state, *_ in found] == ["ready"]


def test_a_node_that_does_not_answer_has_no_state(cluster: LandedSource) -> None:
    lost = watched(node(ready=("Unknown", "10:00:00")))
    back = watched(node(ready="10:10:00"))
    assert states(cluster, watched(node()), lost, back, tick("11:00:00"))[1:] == [
        ("node_ready", "09:02:00", "10:00:00"), ("node_ready", "10:10:00", "11:00:00"),
    ]  # fmt: skip


def claim(turns: dict[str, str], **meta: Any) -> Object:
    made = thing("NodeClaim", "claim-1", "08:58:00", **meta)
    made["status"] = {
        "providerID": "aws:///eu-west-1a/i-0abc",
        "nodeName": "ip-10-0-0-1",
        "conditions": conditions(turns),
    }
    return made


LAUNCHED = {"Launched": "08:58:10", "Registered": "08:59:50", "Initialized": "09:03:00"}


def test_a_claim_knows_when_its_machine_was_launched_and_when_it_was_drained(
    cluster: LandedSource,
) -> None:
    deleted = {"deletionTimestamp": "2026-10-08T10:00:00Z", "deletionGracePeriodSeconds": 0}
    leaving = claim(
        LAUNCHED | {"Drained": "10:05:00", "InstanceTerminating": "10:05:02"}, **deleted
    )
    gone = watched(leaving, "DELETED") | {"timestamp": "2026-10-08T10:06:00Z"}
    found = states(
        cluster, watched(claim(LAUNCHED)), watched(node()), watched(node(**deleted)), gone,
        tick("12:00:00"),
    )  # fmt: skip
    assert found == [
        ("provisioning", "08:58:10", "09:03:00"), ("node_ready", "09:03:00", "10:05:00"),
        ("terminating", "10:05:00", "10:06:00"),
    ]  # fmt: skip
    (requested,) = cluster.current("scale_events")
    assert (requested["event"], requested["occurred_at"]) == ("node_requested", moment("08:58:00"))
    assert (requested["pool"], requested["resource_id"]) == ("chat", "i-0abc")


def test_a_claim_that_is_not_initialized_yet_leaves_it_to_the_node(cluster: LandedSource) -> None:
    registered = claim({"Launched": "08:58:10", "Registered": "08:59:50"})
    assert states(cluster, watched(registered), watched(node()), tick("12:00:00")) == [
        ("provisioning", "08:58:10", "09:02:00"), ("node_ready", "09:02:00", "12:00:00"),
    ]  # fmt: skip


def test_a_machine_that_never_registered_was_provisioned_all_the_same(
    cluster: LandedSource,
) -> None:
    found = states(cluster, watched(claim({"Launched": "08:58:10"})), tick("09:20:00"))
    assert found == [("provisioning", "08:58:10", "09:20:00")]


def test_what_a_list_says_holds_until_it_was_made(cluster: LandedSource) -> None:
    early, late = node(), node(uid="n-2", name="other", provider="aws:///z/i-2", ready="10:30:00")
    listed = {"kind": "List", "items": [early, pod(), late]}
    found = states(cluster, listed, {"kind": "List", "items": [thing("Node", "x", "23:00:00")]})
    assert ("node_ready", "09:02:00", "10:30:00") in found


def test_names_are_used_again_and_a_pod_is_on_the_machine_of_its_time(
    cluster: LandedSource,
) -> None:
    other = node("n-2", created="10:00:00", ready="10:01:00", provider="aws:///z/i-2")
    cluster.save(
        "2026-10-08.jsonl",
        lines(
            watched(other), watched(node(), "DELETED"), watched(pod()),
            watched(pod("pod-2", scheduled="10:02:00", ready="10:03:00")), tick("11:00:00"),
        ),
    )  # fmt: skip
    places = {row["pod_uid"]: row["resource_id"] for row in cluster.rows("resource_states")}
    assert (places["pod-1"], places["pod-2"]) == ("i-0abc", "i-2")


def test_a_state_over_midnight_becomes_a_row_a_day(cluster: LandedSource) -> None:
    made = node(created="2026-10-06T23:00:00Z", ready="2026-10-06T23:10:00Z")
    cluster.save("2026-10-08.jsonl", lines(watched(made), tick("01:00:00")))
    ready = [row for row in cluster.rows("resource_states") if row["state"] == "node_ready"]
    assert [(row["started_at"], row["ended_at"]) for row in ready] == [
        (datetime(2026, 10, 6, 23, 10), datetime(2026, 10, 7)),
        (datetime(2026, 10, 7), datetime(2026, 10, 8)),
        (datetime(2026, 10, 8), datetime(2026, 10, 8, 1)),
    ]


def test_a_machine_has_the_name_that_its_bill_knows(cluster: LandedSource) -> None:
    vmss = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/"
        "virtualMachineScaleSets/vmss/virtualMachines/3"
    )
    names = {
        "aws:///eu-west-1a/i-0abc": "i-0abc",
        "gce://project/us-central1-a/gke-pool-1": "gke-pool-1",
        f"azure://{vmss}": vmss,
        "digitalocean://12345": "12345",
    }
    nodes = [watched(node(provider, name=provider, provider=provider)) for provider in names]
    cluster.save("2026-10-08.jsonl", lines(*nodes, tick("11:00:00")))
    rows = cluster.rows("resource_states")
    assert {row["resource_id"] for row in rows} == set(names.values())


def test_what_the_bill_calls_a_machine_can_be_configured(tmp_path: Path) -> None:
    options = {"resources": {"bare": "rack-7", "gke-1": "//compute.googleapis.com/instances/42"}}
    cluster = LandedSource(tmp_path, CONNECTOR, options)
    google = node("n-2", name="n-2", provider="gce://project/zone/gke-1")
    documents = (watched(node(name="bare", provider="")), watched(google), tick("11:00:00"))
    cluster.save("2026-10-08.jsonl", lines(*documents))
    found = {row["resource_id"] for row in cluster.rows("resource_states")}
    assert found == set(options["resources"].values())
    assert cluster.rows("quarantine") == []


def test_pools_and_models_are_told_by_labels_and_arguments(tmp_path: Path) -> None:
    options = {"pool_labels": ["team/pool"], "model_labels": ["team/model"]}
    cluster = LandedSource(tmp_path, CONNECTOR, options)
    plain = pod()
    plain["spec"]["containers"][0]["command"] = ["vllm", "serve", "org/llama-8b"]
    labelled = pod("pod-2", labels={"team/model": "llama"})
    cluster.save(
        "2026-10-08.jsonl",
        lines(watched(node(labels={"team/pool": "mine"})), watched(plain), watched(labelled),
              tick("11:00:00")),
    )  # fmt: skip
    rows = cluster.rows("resource_states")
    assert {row["pool"] for row in rows} == {"mine"}
    assert {row["model"] for row in rows if row["pod_uid"]} == {"org/llama-8b", "llama"}


def test_states_can_be_left_to_another_source(tmp_path: Path) -> None:
    cluster = LandedSource(tmp_path, CONNECTOR, {"states": False})
    assert states(cluster, watched(claim(LAUNCHED)), watched(node())) == []
    assert len(cluster.rows("scale_events")) == 1


def test_the_sample_companys_states_are_those_that_its_lifecycle_watcher_wrote_down(
    tmp_path: Path,
) -> None:
    cluster = LandedSource(tmp_path, CONNECTOR, location=str(SAMPLES / "kubernetes_events"))
    days = ("2026-10-09", "2026-10-20")
    written: set[tuple[str, ...]] = set()
    for day in days:
        with (SAMPLES / f"node_lifecycle/{day}.csv").open() as file:
            for row in csv.DictReader(file):
                if row["resource_id"].startswith("i-"):
                    times = (
                        row[name][:19].replace("T", " ") for name in ("started_at", "ended_at")
                    )
                    written.add((row["resource_id"], row["gpu_count"], row["pool"], row["pod_uid"],
                                 row["model"], row["state"], *times))  # fmt: skip
    names = (
        "resource_id",
        "gpu_count",
        "pool",
        "pod_uid",
        "model",
        "state",
        "started_at",
        "ended_at",
    )
    rows = cluster.rows("resource_states")
    found = {tuple(str(row[name] or "") for name in names) for row in rows}
    assert {row for row in found if row[6][:10] in days} == written
    assert cluster.rows("quarantine") == []
