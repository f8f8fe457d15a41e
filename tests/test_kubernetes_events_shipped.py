import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes_objects import PULLED, event, happened, lines, moment, watched
from landed_source import LandedSource

from connectors.kubernetes_events import CONNECTOR, _read

pytest_plugins = ["kubernetes_fixtures"]

SAMPLE = Path(__file__).parents[1] / "data_samples/kubernetes_events"


def test_the_newer_kind_of_event_has_series_and_microseconds(cluster: LandedSource) -> None:
    newer = {
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": {"name": "x", "namespace": "serving", "uid": "e"},
        "eventTime": "2026-10-08T10:00:00.250001Z", "note": "Stopping container",
        "reason": "Killing", "reportingController": "kubelet",
        "regarding": {"kind": "Pod", "name": "chat-0", "uid": "pod-1"},
        "series": {"count": 7, "lastObservedTime": "2026-10-08T10:05:00.000000Z"},
        "deprecatedFirstTimestamp": None, "deprecatedCount": 1,
    }  # fmt: skip
    (row,) = happened(cluster, newer)
    assert row["occurred_at"] == moment("10:00:00.250001")
    assert (row["last_occurred_at"], row["repeated"]) == (moment("10:05:00"), 7)
    assert (row["reporter"], row["message"], row["pod_uid"]) == (
        "kubelet", "Stopping container", "pod-1",
    )  # fmt: skip


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def otlp(
    body: Any, said: dict[str, Any], resource: dict[str, Any], **record: str
) -> dict[str, Any]:
    sent = {"body": any_value(body), "attributes": attributes(said)} | record
    scope = {"scopeLogs": [{"logRecords": [sent]}]}
    return {"resourceLogs": [{"resource": {"attributes": attributes(resource)}} | scope]}


def test_the_collectors_receivers_are_read(cluster: LandedSource) -> None:
    told = {
        "k8s.event.reason": "Pulled", "k8s.event.uid": "e-2", "k8s.event.count": 3,
        "k8s.event.start_time": "2026-10-08 10:00:00 +0000 UTC", "k8s.namespace.name": "serving",
    }  # fmt: skip
    about = {"k8s.object.kind": "Pod", "k8s.object.uid": "pod-1", "k8s.cluster.name": "eu"}
    nano = str(int((moment("10:01:00") - moment("1970-01-01T00:00:00")).total_seconds()) * 10**9)
    rows = happened(
        cluster,
        otlp(watched(event("e-1", "Killing", "Stopping")), {"event.domain": "k8s"}, {},
             observedTimeUnixNano=nano),
        otlp(PULLED, told, about, timeUnixNano=nano),
        otlp("GET /health 200", {"http.route": "/health"}, {}, timeUnixNano=nano),
    )  # fmt: skip
    (delivered,) = cluster.lake.index().filter(table="scale_events")["delivered"]
    assert delivered[0]["rows"] == 2
    assert [(row["event_uid"], row["reason"]) for row in rows] == [
        ("e-1", "Killing"), ("e-2", "Pulled"),
    ]  # fmt: skip
    assert (rows[1]["repeated"], rows[1]["duration_ms"]) == (3, 27_880)
    assert (rows[1]["occurred_at"], rows[1]["last_occurred_at"]) == (
        moment("10:00:00"), moment("10:01:00"),
    )  # fmt: skip


def test_lists_watches_and_exporters_are_read_in_one_delivery(cluster: LandedSource) -> None:
    listed = {
        "kind": "EventList",
        "items": [event("a", "Killing", "x"), event("b", "Killing", "x")],
    }
    for made in listed["items"]:
        made.pop("kind")  # as the API answers
    cluster.save("2026-10-08/list.json", json.dumps(listed, indent=2))
    exported = event("c", "Killing", "x", clusterName="eu")
    exported.pop("kind")
    cluster.save("2026-10-08/export.jsonl.gz", lines(exported))
    router = {"verb": "ADDED", "event": event("d", "Killing", "x")}
    logged = {"timestamp": "2026-10-08T10:00:01Z", "jsonPayload": event("e", "Killing", "x")}
    rows = happened(
        cluster,
        router,
        logged,
        {"type": "BOOKMARK", "object": {"kind": "Event"}},
        path="2026-10-08/w.json",
    )
    assert [row["event_uid"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert [row["x_row"] for row in rows] == [1, 2, 1, 1, 2]


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("a.jsonl", "", "mine: a.jsonl is empty"),
        ("a.jsonl", '{"kind": "Event"', "mine a.jsonl: a file cannot be read: "),
        ("a.jsonl", '{"resourceLogs": [', "a.jsonl, line 1 is no JSON: "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    cluster: LandedSource, path: str, text: str, sentence: str
) -> None:
    cluster.save(path, text)
    (failure,) = cluster.failures().values()
    assert failure.startswith(sentence)
    assert "\n" not in failure


def test_what_the_files_say_does_not_depend_on_how_they_are_cut_or_ordered(tmp_path: Path) -> None:
    sent = (SAMPLE / "2026-10-20/objects.jsonl").read_text().splitlines(keepends=True)
    found = []
    for name, parts in (("whole", [sent]), ("cut", [sent[1::2][::-1], sent[::2]])):
        cluster = LandedSource(tmp_path / name, CONNECTOR)
        for number, part in enumerate(parts):
            cluster.save(f"2026-10-20/{number}.jsonl", "".join(part))
        found.append(
            [without_place(cluster.rows(table)) for table in ("resource_states", "scale_events")]
        )
    assert found[0] == found[1]
    assert all(rows for rows in found[0])


def without_place(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a row says, but for where it was delivered."""
    return [
        {name: value for name, value in row.items() if not name.startswith("x_")} for row in rows
    ]


def test_records_are_numbered_on_from_batch_to_batch(
    cluster: LandedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_read, "_BATCH", 1)
    sent = [otlp(watched(event(uid, "Killing", "x")), {}, {}) for uid in "abc"]
    rows = happened(cluster, *sent)
    assert [(row["event_uid"], row["x_row"]) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]
