"""A real Prometheus, filled by promtool: what is read from it equals what was planted."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_cluster import (
    END,
    FIRST,
    GAP,
    MIDNIGHT,
    NODES,
    PODS,
    RESTART,
    SECOND,
    START,
    by_day,
    cluster,
    generated,
    naive,
    scrapes,
)
from prometheus_lake import Metrics, metrics, today_is
from prometheus_server import run_prometheus

MINUTE, STALE = timedelta(minutes=1), timedelta(minutes=5)
CHAT = "pod_uid = 'uid-chat-0'"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_prometheus(cluster(), tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture(scope="module")
def read(server: str, tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    return metrics(server, tmp_path_factory.mktemp("lake")).run(FIRST, SECOND)


def known(start: datetime, end: datetime, second: int) -> Iterator[tuple[datetime, datetime]]:
    """What samples tell of an interval: nothing of the gap, beyond what the last one allows."""
    last = max((t for t in scrapes(second, START - STALE, GAP[0])), default=START)
    first = min(t for t in scrapes(second, GAP[1], END))
    for piece in ((start, min(end, last + STALE)), (max(start, first), end)):
        yield from by_day(*piece)


def test_states_of_pods_and_nodes_are_those_that_were_planted(read: Metrics) -> None:
    expected = []
    for resource, (_, _, created, ready) in NODES.items():
        times = [("provisioning", created, ready), ("node_ready", ready, END)]
        expected += [
            (resource, None, state, *cut) for state, *span in times for cut in known(*span, 5)
        ]
    for pod, (resource, bound, ready, gone) in PODS.items():
        times = [("starting", bound, ready), ("ready", ready, gone)]
        indexes = range(4) if pod == "chat-0" else [0]
        expected += [
            (resource, f"uid-{pod}", state, *cut)
            for state, *span in times
            for _ in indexes
            for cut in known(*span, 5)
        ]
    columns = ("resource_id", "pod_uid", "state", "started_at", "ended_at")
    key = str
    assert sorted(read.values("resource_states", columns), key=key) == sorted(expected, key=key)


def test_a_pod_has_the_gpus_slices_shares_or_millicores_that_it_asked_for(read: Metrics) -> None:
    columns = ("pod_uid", "gpu_index", "gpu_count", "slots", "slots_of")
    shapes = set(read.values("resource_states", columns, "pod_uid is not null"))
    assert shapes == {
        *(("uid-chat-0", index, 8, None, None) for index in range(4)),
        ("uid-mig-a", 0, 1, 3, 7),
        ("uid-mig-b", 0, 1, 1, 7),
        ("uid-shared-0", None, 1, 1, 4),
        ("uid-gateway-0", None, None, 4_000, 16_000),
    }
    pools = read.values("resource_states", ("resource_id", "pool"), "pod_uid is null")
    assert set(pools) == {(resource, resource[3:]) for resource in NODES}


def test_what_a_counter_gained_is_the_tokens_of_the_truth_also_over_a_reset_and_a_gap(
    read: Metrics,
) -> None:
    times = scrapes(10, PODS["chat-0"][2], END + timedelta(minutes=1))
    before = max(t for t in times if t < RESTART)
    for day, start, end in ((FIRST, START, MIDNIGHT), (SECOND, MIDNIGHT, END)):
        # A gain over midnight belongs to the day in which it began.
        last = min(t for t in times if t >= end)
        if start < RESTART:
            tokens = generated(before) + generated(last)
        else:
            tokens = generated(last) - generated(min(t for t in times if t >= start))
        where = f"{CHAT} and counted_from::date = '{day}'"
        rows = read.rows("counter_deltas", where)
        assert sum(row["quantity"] for row in rows) == tokens
        assert {(row["counter"], row["model"], row["resource_id"]) for row in rows} == {
            ("output_tokens", "llama", "i-0chat")
        }
    resets = read.values("counter_deltas", ("counted_from", "quantity"), f"{CHAT} and is_reset")
    assert [moment for moment, _ in resets] == [naive(PODS["chat-0"][1]), naive(before)]


def test_gains_follow_each_other_without_a_hole_and_without_an_overlap(read: Metrics) -> None:
    gains = read.values("counter_deltas", ("counted_from", "counted_to"), CHAT)
    assert len(gains) > 2_000
    assert all(one[1] == other[0] for one, other in itertools.pairwise(gains))


def test_a_gauge_is_believed_until_the_next_scrape_and_no_longer_than_the_limit(
    read: Metrics,
) -> None:
    columns = ("sampled_at", "believed_until", "value")
    rows = read.values("gauge_samples", columns, f"{CHAT} and gauge = 'requests_running'")
    last, first = (naive(edge) for edge in GAP)
    # Stretches without a change are one row an hour.
    assert len(rows) == 2 * 24 - 6
    assert next(row for row in rows if row[1] > last)[1] == last - timedelta(seconds=50) + STALE
    assert min(row[0] for row in rows if row[0] > last) == first + timedelta(seconds=10)
    assert all(value == 2 + moment.hour % 2 for moment, _, value in rows)


def test_signs_for_no_value_are_quarantined_and_are_no_use(read: Metrics) -> None:
    used = read.values("gauge_samples", ("value",), "gauge = 'gpu_utilization'")
    assert set(used) == {(Decimal("0.6"),)}
    [first, second] = read.rows("quarantine")
    assert first["column_name"] == second["column_name"] == "DCGM_FI_DEV_GPU_UTIL"
    samples = len(scrapes(20, PODS["chat-0"][1], MIDNIGHT + timedelta(hours=1)))
    assert first["reason"].endswith(f"in {-(-samples // 4)} samples of a series")
    memory = read.values("gauge_samples", ("value",), "gauge = 'gpu_memory_used'")
    assert set(memory) == {(70_000 * 1_048_576,)}


def test_renamed_slices_and_lost_labels_still_find_their_gpu(read: Metrics) -> None:
    columns = ("resource_id", "gpu_index", "mig_profile", "mig_instance", "pod_uid", "value")
    found = set(read.values("gauge_samples", columns, "gauge = 'gpu_active'"))
    assert found >= {
        ("i-0mig", 0, "3g.40gb", 1, "uid-mig-a", Decimal("0.5")),
        ("i-0mig", 0, "1g.10gb", 7, "uid-mig-b", Decimal("0.5")),
        ("i-0shared", 0, None, None, None, Decimal("0.25")),
        ("i-0chat", 3, None, None, "uid-chat-0", Decimal("0.75")),
    }


def test_seconds_of_cpu_become_the_cores_used_between_two_samples(read: Metrics) -> None:
    columns = ("resource_id", "pod_uid", "value")
    used = set(read.values("gauge_samples", columns, "gauge = 'cpu_used'"))
    assert used == {("i-0cpu", "uid-gateway-0", Decimal("2.5"))}


def test_a_second_run_adds_nothing(read: Metrics) -> None:
    before = read.lake.index()
    report = read.land(FIRST, SECOND)
    assert (report.landed, report.failures, report.known) == ([], {}, 2)
    assert read.lake.index().equals(before)


TABLES = ("counter_deltas", "gauge_samples", "resource_states")


def content(source: Metrics) -> list[object]:
    ignored = {"x_source", "x_delivery_id", "x_file", "x_row"}
    rows = [row for table in TABLES for row in source.rows(table)]
    return [{name: row[name] for name in row if name not in ignored} for row in rows]


@pytest.mark.slow
def test_long_and_short_requests_and_days_in_any_order_tell_the_same(
    read: Metrics, server: str, tmp_path: Path
) -> None:
    expected = sorted(content(read), key=str)
    again = metrics(server, tmp_path, hours_a_request=26).run(SECOND).run(FIRST)
    assert sorted(content(again), key=str) == expected


@pytest.mark.slow
def test_where_the_server_refuses_so_many_samples_the_request_is_halved(
    read: Metrics, tmp_path: Path
) -> None:
    with run_prometheus(cluster(), tmp_path, "--query.max-samples=900") as url:
        small = metrics(url, tmp_path).run(FIRST)
        asked = small.lake.manifests("metrics")[FIRST][-1].request
    assert len(asked["kube_pods"]) > 7 >= len(asked["tgi"])
    first_day = [
        row
        for row in content(read)
        if str(row.get("counted_from") or row.get("sampled_at") or row.get("started_at"))[:10]
        == FIRST
    ]
    assert sorted(content(small), key=str) == sorted(first_day, key=str)


def test_query_range_is_cut_under_the_limit_of_points_and_hides_the_gap_that_samples_show(
    server: str, tmp_path: Path
) -> None:
    options = {"read": "query_range", "step": 8, "hours_a_request": 26, "queries": ["vllm"]}
    steps = metrics(server, tmp_path, **options).run(FIRST)
    asked = steps.lake.manifests("metrics")[FIRST][-1].request["vllm"]
    assert [int(one["end"]) - int(one["start"]) < 80_000 for one in asked] == [True] * 2
    last = naive(GAP[0]) - timedelta(seconds=50)
    rows = steps.values("gauge_samples", ("sampled_at", "believed_until"))
    # The server repeats the last sample for five minutes, and then it is believed for five more.
    assert max(until for at, until in rows if at < naive(GAP[1])) >= last + 2 * STALE - MINUTE
    rows = steps.values("counter_deltas", ("counted_to", "quantity", "is_reset"))
    assert sum(row[1] for row in rows) > 0
    assert any(row[2] for row in rows)


def test_the_day_that_is_running_is_read_up_to_now_and_again_later(
    server: str, tmp_path: Path
) -> None:
    growing = metrics(server, tmp_path, history_days=1)
    noon = START + timedelta(hours=12, seconds=7)
    for moment in (noon, noon + timedelta(hours=3)):
        with today_is(moment):
            report = growing.land_all()
        assert [manifest.slot for manifest in report.landed] == [FIRST]
    assert len(growing.lake.manifests("metrics")[FIRST]) == 2
