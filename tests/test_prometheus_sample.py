"""The sample company's metrics agree with its spans and with its nodes' lifecycles."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_lake import Metrics, metrics

SAMPLES = Path(__file__).parents[1] / "data_samples"
DAYS = ("2026-10-06", "2026-10-07")
FIVE_MINUTES = timedelta(minutes=5)
CHECK_INPUT, CHECK_OUTPUT = 40 * 210, 40 * 48  # a nightly check leaves no span


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    return metrics(SAMPLES / "prometheus", tmp_path_factory.mktemp("lake")).run(*DAYS)


def time(nanoseconds: str) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=int(nanoseconds) // 10**6)


def served() -> Iterator[tuple[str, datetime, datetime, int, int]]:
    """Pod, start, end, input and output tokens of every request that a server's span tells of."""
    found: dict[str, tuple[str, datetime, datetime, int, int]] = {}
    for day in ("2026-10-05", *DAYS, "2026-10-08"):
        sent = gzip.decompress((SAMPLES / "otel" / f"{day}.jsonl.gz").read_bytes())
        for line in sent.splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                about = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
                for span in resource["scopeSpans"][0]["spans"] if "k8s.pod.uid" in about else ():
                    told = {a["key"]: a["value"].get("intValue") for a in span["attributes"]}
                    found[span["traceId"] + span["spanId"]] = (
                        about["k8s.pod.uid"]["stringValue"],
                        time(span["startTimeUnixNano"]),
                        time(span["endTimeUnixNano"]),
                        int(told["gen_ai.usage.input_tokens"]),
                        int(told["gen_ai.usage.output_tokens"]),
                    )
    yield from found.values()


def test_servers_count_the_tokens_of_the_spans_and_of_the_nightly_check(read: Metrics) -> None:
    requests = list(served())
    gains: dict[str, Any] = {}
    for row in read.rows("counter_deltas"):
        key = (row["pod_uid"], row["counter"])
        known = gains.setdefault(key, [row["counted_from"], row["counted_to"], 0, row["pool"]])
        known[0], known[1] = min(known[0], row["counted_from"]), max(known[1], row["counted_to"])
        known[2] += row["quantity"]
    assert len({pod for pod, _ in gains}) >= 7
    untraced = 0
    for (pod, counter), (start, end, counted, pool) in gains.items():
        mine = [request for request in requests if request[0] == pod]
        is_checked = pool == "light-gpu" and end - start > timedelta(days=1)
        untraced += is_checked
        if counter == "input_tokens":
            traced = sum(given for _, began, _, given, _ in mine if start < began <= end)
            assert counted - traced == is_checked * 2 * CHECK_INPUT
        else:  # of a request that is running, the output so far
            least = sum(made for _, began, done, _, made in mine if start <= began and done <= end)
            most = sum(made for _, began, done, _, made in mine if done > start and began < end)
            assert least <= counted - is_checked * 2 * CHECK_OUTPUT <= most
    assert untraced == 2


def test_states_are_those_of_the_lifecycles_within_a_scrape(read: Metrics) -> None:
    told = {}
    for day in DAYS:
        with (SAMPLES / "node_lifecycle" / f"{day}.csv").open() as file:
            for row in csv.DictReader(file):
                start, end = (
                    datetime.fromisoformat(row[name]).replace(tzinfo=None)
                    for name in ("started_at", "ended_at")
                )
                told[row["resource_id"], row["pod_uid"], row["state"], day] = start, end
    compared = 0
    for row in read.rows("resource_states", "state in ('ready', 'starting', 'node_ready')"):
        day = f"{row['started_at']:%Y-%m-%d}"
        key = (row["resource_id"], row["pod_uid"] or "", row["state"], day)
        start, end = told[key]
        assert abs(row["started_at"] - start) <= FIVE_MINUTES
        assert abs(row["ended_at"] - end) <= FIVE_MINUTES
        if row["state"] == "starting":  # Kubernetes says when: to the second
            assert (row["started_at"], row["ended_at"]) == (start, end)
        compared += 1
    assert compared > 15


def test_ready_pods_and_their_gpus_are_seen(read: Metrics) -> None:
    shapes = set(read.values("resource_states", ("gpu_index", "gpu_count", "slots")))
    assert shapes == {(None, 1, None), (0, 1, None)}
    busy = read.values("gauge_samples", ("pod_uid", "value"), "gauge = 'gpu_active' and value > 0")
    assert len(busy) > 50
    assert all(pod is not None and 0 < value <= 1 for pod, value in busy)
