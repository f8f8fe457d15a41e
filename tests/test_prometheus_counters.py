"""Counters: raw gains between samples, and never a token counted twice."""

from decimal import Decimal
from pathlib import Path

from prometheus_answers import STATE, TARGET, answer, gained, pod, saved
from prometheus_lake import metrics

OUT, LLAMA = "vllm:generation_tokens_total", {"model_name": "llama"}


def test_less_than_before_is_a_reset_and_all_of_it_was_gained(tmp_path: Path) -> None:
    points = [(0, 100), (1, 130), (2, 20), (3, 20), (4, 25)]
    found = saved(tmp_path, (OUT, TARGET | LLAMA, points))
    assert gained(found) == [
        (0, 1, 30, False),
        (1, 2, 20, True),
        (2, 3, 0, False),
        (3, 4, 5, False),
    ]


def test_a_gain_over_midnight_belongs_to_the_day_in_which_it_began_and_to_no_other(
    tmp_path: Path,
) -> None:
    points = [(-1, 10), (1, 17), (1_439, 40), (1_441, 45), (1_442, 60)]
    days = metrics(tmp_path / "saved", tmp_path)
    for day in ("2026-10-05", "2026-10-06", "2026-10-07"):
        file = tmp_path / "saved" / day / "vllm-0001.json"
        file.parent.mkdir(parents=True)
        file.write_text(answer([(OUT, TARGET, points)]))
    days.run("2026-10-05", "2026-10-07")
    assert gained(days) == [(-1, 1, 7, False), (1, 1_439, 23, False), (1_439, 1_441, 5, False),
                            (1_441, 1_442, 15, False)]  # fmt: skip


def test_a_counter_seen_for_the_first_time_adds_nothing_that_it_may_have_counted_long_ago(
    tmp_path: Path,
) -> None:
    found = saved(tmp_path, (OUT, TARGET, [(10, 5_000), (11, 5_010)]))
    assert gained(found) == [(10, 11, 10, False)]


def test_a_counter_of_a_pod_created_in_these_hours_counted_from_nothing(tmp_path: Path) -> None:
    found = saved(tmp_path, (OUT, TARGET, [(10, 50), (11, 60)]), *pod("u-1", created=4))
    assert gained(found) == [(4, 10, 50, True), (10, 11, 10, False)]


def test_a_new_label_beside_others_counted_from_nothing_since_the_last_scrape(
    tmp_path: Path,
) -> None:
    name = "vllm:request_success_total"
    stop = (name, TARGET | {"finished_reason": "stop"}, [(1, 5), (2, 6), (3, 8)])
    error = (name, TARGET | {"finished_reason": "error"}, [(3, 2)])
    found = saved(tmp_path, stop, error)
    assert gained(found, "counter = 'requests' and is_reset") == [(2, 3, 2, True)]
    assert gained(found, "counter = 'failed_requests'") == []


def test_a_label_that_only_changed_is_not_counted_again(tmp_path: Path) -> None:
    before = (OUT, TARGET | {"version": "1"}, [(1, 500), (2, 600)])
    after = (OUT, TARGET | {"version": "2"}, [(3, 700), (4, 710)])
    known = pod("u-1", created=0)
    found = saved(tmp_path, before, after, *known)
    assert gained(found, "not is_reset") == [(1, 2, 100, False), (3, 4, 10, False)]
    assert gained(found, "is_reset") == [(0, 1, 500, True)]


def test_two_jobs_and_two_replicas_of_prometheus_that_scrape_one_target_count_once(
    tmp_path: Path,
) -> None:
    points = [(minute, minute * 10) for minute in range(5)]
    copies = [
        (OUT, TARGET | {"job": job, "prometheus_replica": replica}, points[len(replica) :])
        for job in ("vllm", "pods")
        for replica in ("a", "bb")
    ]
    assert sum(row[2] for row in gained(saved(tmp_path, *copies))) == 30


def test_a_sample_in_two_answers_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "saved" / "2026-10-06" / "vllm-0002.json"
    file.parent.mkdir(parents=True)
    file.write_text(answer([(OUT, TARGET, [(2, 30), (3, 40)])]))
    found = saved(tmp_path, (OUT, TARGET, [(1, 20), (2, 30)]))
    assert gained(found) == [(1, 2, 10, False), (2, 3, 10, False)]


def test_a_name_is_the_pod_that_had_it_at_the_time(tmp_path: Path) -> None:
    first, second = pod("u-1", created=-30, gone=20), pod("u-2", created=21)
    points = [(minute, minute) for minute in (*range(15), *range(25, 30))]
    found = saved(tmp_path, (OUT, TARGET, points), *first, *second)
    pods = found.values("counter_deltas", ("pod_uid", "quantity"))
    assert {uid for uid, _ in pods} == {"u-1", "u-2"}
    assert sum(quantity for uid, quantity in pods if uid == "u-1") == 14


def test_a_target_without_a_pod_is_found_by_its_address(tmp_path: Path) -> None:
    alone = {"job": "vllm", "instance": "10.2.0.7:8000"}
    found = saved(tmp_path, (OUT, alone, [(1, 1), (2, 3)]), *pod("u-1", created=-60))
    assert found.values("counter_deltas", ("pod_uid", "pod", "resource_id")) == [
        ("u-1", "chat-0", "node-1")
    ]


def test_a_host_outside_kubernetes_is_what_the_configuration_calls_it(tmp_path: Path) -> None:
    alone = {"job": "vllm", "instance": "gpu-7.example:8000"}
    named = saved(tmp_path, (OUT, alone, [(1, 1), (2, 3)]), resources={"gpu-7.example": "rented-7"})
    assert named.values("counter_deltas", ("resource_id",)) == [("rented-7",)]


BY_NAME = {
    "ray_vllm_prompt_tokens_total": "input_tokens",
    "kserve_vllm:generation_tokens_total": "output_tokens",
    "vllm:prompt_tokens_cached_total": "cache_read_tokens",
    "vllm:num_preemptions_total": "preemptions",
    "sglang:prompt_tokens_total": "input_tokens",
    "sglang:cached_tokens_total": "cache_read_tokens",
    "sglang:num_requests_total": "requests",
    "sglang:num_aborted_requests_total": "failed_requests",
    "tgi_request_generated_tokens_sum": "output_tokens",
    "tgi_request_input_length_sum": "input_tokens",
    "tgi_request_count": "requests",
    "nv_inference_request_success": "requests",
}


def test_every_server_says_it_by_its_own_name(tmp_path: Path) -> None:
    series = [
        (name, {"job": "j", "pod": name, "namespace": "n"}, [(1, "1e+06"), (2, "1000012.5")])
        for name in BY_NAME
    ]
    found = saved(tmp_path, *series)
    assert found.values("counter_deltas", ("pod", "counter", "quantity")) == [
        (name, counter, Decimal("12.5")) for name, counter in sorted(BY_NAME.items())
    ]


def test_blocks_of_the_prefix_cache_are_not_tokens(tmp_path: Path) -> None:
    points = [(1, 10), (2, 20)]
    found = saved(tmp_path, ("vllm:gpu_prefix_cache_hits_total", TARGET, points))
    assert gained(found) == []


def test_of_an_old_and_a_new_name_for_the_same_tokens_the_new_one_counts(tmp_path: Path) -> None:
    old = ("vllm:prefix_cache_hits_total", TARGET, [(1, 10), (2, 25)])
    new = ("vllm:prompt_tokens_cached_total", TARGET, [(1, 10), (2, 22)])
    assert gained(saved(tmp_path / "both", old, new)) == [(1, 2, 12, False)]
    assert gained(saved(tmp_path / "old", old)) == [(1, 2, 15, False)]


def test_a_counter_that_is_no_number_is_quarantined_and_the_next_one_goes_on(
    tmp_path: Path,
) -> None:
    found = saved(tmp_path, (OUT, TARGET, [(1, 10), (2, "NaN"), (3, "+Inf"), (4, -1), (5, 30)]))
    assert gained(found) == [(1, 5, 20, False)]
    reasons = found.values("quarantine", ("column_name", "value", "reason"))
    assert reasons == [
        (OUT, "-1", "is negative, in 1 samples of a series"),
        (OUT, "NaN", "is no number that can be used, in 2 samples of a series"),
    ]


def test_a_restart_of_kube_state_metrics_splits_nothing(tmp_path: Path) -> None:
    labels = STATE | {"pod": "chat-0", "uid": "u-1", "condition": "true"}
    before = ("kube_pod_status_ready", labels, [(minute, 1) for minute in range(10)])
    after = labels | {"instance": "10.2.0.99:8080"}
    series = ("kube_pod_status_ready", after, [(minute + 0.5, 1) for minute in range(11, 20)])
    found = saved(tmp_path, before, series)
    assert len(found.rows("gauge_samples", "gauge = 'pod_ready'")) == 1
