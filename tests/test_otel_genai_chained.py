"""Cumulative counters from file to file, and the sample company's own."""

from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from otlp_spans import Json, Telemetry, counter, gains, metrics, point

from benchmarks import ROOT
from larkspur.company import SAMPLE, SAMPLE_ATTEMPTS, SEED
from larkspur.traffic import traffic

SAMPLES = ROOT / "data_samples"
TOKENS = "gen_ai.client.inference.usage.input_tokens"


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry(tmp_path)


def written(telemetry: Telemetry, **files: list[tuple[int, int]]) -> list[Json]:
    for name, points in files.items():
        sent = counter(TOKENS, *(point(second, value) for second, value in points))
        telemetry.write(metrics(sent), name=f"{name}.jsonl")
    return telemetry.rows("counter_deltas")


HOUR_1, HOUR_2 = [(60, 10), (120, 30), (180, 60)], [(240, 100), (300, 150)]


def test_a_file_that_begins_in_the_midst_of_a_counter_does_not_count_from_its_start_again(
    telemetry: Telemetry,
) -> None:
    assert gains(written(telemetry, a=HOUR_1, b=HOUR_2)) == [
        (0, 60, "input_tokens", 10, False),
        (60, 120, "input_tokens", 20, False),
        (120, 180, "input_tokens", 30, False),
        (240, 300, "input_tokens", 50, False),
    ]


def test_a_series_that_comes_later_gained_all_it_says_since_the_export_before(
    telemetry: Telemetry,
) -> None:
    known = counter(TOKENS, point(600, 10), point(660, 10), point(720, 10))
    new = counter(TOKENS, point(720, 7, {"error.type": "timeout"}))
    telemetry.write(metrics(known, new))
    assert gains(telemetry.rows("counter_deltas")) == [
        # Whether the file before told of the 10 already, nobody can know: they are not counted.
        (600, 660, "input_tokens", 0, False),
        (660, 720, "input_tokens", 0, False),
        (660, 720, "input_tokens", 7, False),
    ]


def test_a_process_that_the_file_before_does_not_know_counts_from_its_start(
    tmp_path: Path,
) -> None:
    telemetry = Telemetry(tmp_path, chained=True)
    telemetry.write(metrics(counter(TOKENS, *(point(*each) for each in HOUR_1))), name="a.jsonl")
    idle = metrics(counter(TOKENS, point(240, 5)), resource={"service.instance.id": "2"})
    telemetry.write(idle, name="b.jsonl")
    assert gains(telemetry.rows("counter_deltas"))[3] == (0, 240, "input_tokens", 5, False)


def test_a_chained_counter_goes_on_from_the_file_before(tmp_path: Path) -> None:
    rows = written(Telemetry(tmp_path, chained=True), a=HOUR_1, b=HOUR_2)
    assert gains(rows)[3] == (180, 240, "input_tokens", 40, False)
    assert sum(row["quantity"] for row in rows) == 150


def test_what_two_chained_files_both_hold_counts_once(tmp_path: Path) -> None:
    rows = written(Telemetry(tmp_path, chained=True), a=HOUR_1, b=[*HOUR_1[1:], *HOUR_2])
    assert sum(row["quantity"] for row in rows) == 150


def test_what_a_file_that_is_not_the_one_before_told_already_counts_once(tmp_path: Path) -> None:
    late = [(60, 10), (180, 60)]
    rows = written(Telemetry(tmp_path, chained=True), a=HOUR_1, b=HOUR_2, c=late)
    assert sum(row["quantity"] for row in rows) == 150


@pytest.mark.parametrize("temporality", [1, 2])
@pytest.mark.parametrize("chained", [False, True])
def test_a_file_that_is_sent_again_counts_once(
    tmp_path: Path, chained: bool, temporality: int
) -> None:
    telemetry = Telemetry(tmp_path, chained=chained)
    for name, second in (("a", 60), ("b", 300), ("again", 60)):
        points = (point(second + more, 10 * more + second) for more in (0, 1, 2))
        sent = counter(TOKENS, *points, temporality=temporality)
        telemetry.write(
            metrics(sent, resource={"service.instance.id": second}), name=f"{name}.jsonl"
        )
    once = telemetry.rows("counter_deltas")
    assert {row["x_file"] for row in once} == {"a.jsonl", "b.jsonl"}
    assert telemetry.land().landed == []


def test_a_file_that_becomes_the_copy_of_another_takes_back_what_it_said(
    tmp_path: Path,
) -> None:
    telemetry = Telemetry(tmp_path)
    written(telemetry, a=[(60, 10), (61, 20)], b=[(60, 30), (61, 40)])
    file = telemetry.folder / "b.jsonl"
    file.write_bytes((telemetry.folder / "a.jsonl").read_bytes())
    assert telemetry.failures() == {}
    current = telemetry.lake.index().filter(table="counter_deltas", status="current")
    files = [str(telemetry.lake.root / file) for file in current["file"]]
    told = duckdb.read_parquet(files).project("x_file, quantity").fetchall()
    assert told == [("a.jsonl", 10)]


@pytest.mark.slow
def test_chained_files_give_the_same_in_whatever_order_they_come(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path, chained=True)
    written(telemetry, c=[(360, 160)])
    written(telemetry, a=HOUR_1)
    rows = written(telemetry, b=HOUR_2)
    assert sum(row["quantity"] for row in rows) == 160
    assert telemetry.land().landed == []


def test_a_broken_file_before_a_chained_one_stops_only_itself(tmp_path: Path) -> None:
    telemetry = Telemetry(tmp_path, chained=True)
    (telemetry.folder / "a.jsonl").write_text('{"resourceMetrics": [\n')
    telemetry.write(metrics(counter(TOKENS, point(60, 1), temporality=1)), name="b.jsonl")
    assert set(telemetry.failures()) == {"a.jsonl"}


@pytest.mark.slow
def test_the_sample_company_s_clients_counted_every_call_whether_a_trace_shows_it_or_not(
    telemetry: Telemetry,
) -> None:
    for file in sorted((SAMPLES / "otel_metrics").iterdir()):
        (telemetry.folder / file.name).symlink_to(file)
    assert telemetry.failures() == {}
    counted = duckdb.execute(
        """
        select counter, model, sum(quantity) from read_parquet($files)
        where counter <> 'failed_requests' group by all having sum(quantity) > 0
        """,
        {"files": telemetry.files("counter_deltas")},
    ).fetchall()
    calls = pl.concat(traffic(SAMPLE_ATTEMPTS, SAMPLE.days, SEED))
    days = pl.from_epoch("received_ms", time_unit="ms").dt.strftime("%Y-%m-%d.jsonl.gz")
    truth = calls.filter(days.is_in(sorted(set(telemetry.lake.index()["slot"]))))
    told = truth.filter(pl.col("outcome").is_in(["ok", "failed"]))
    newer = told.filter(pl.col("feature") != "ticket-triage")  # the older names tell no parts
    sums = [
        (frame, column, counter)
        for frame, column, counter in (
            (told, "input_tokens", "input_tokens"), (told, "output_tokens", "output_tokens"),
            (newer, "cached_tokens", "cache_read_tokens"),
            (newer, "reasoning_tokens", "reasoning_tokens"),
        )
    ]  # fmt: skip
    expected = {
        (counter, model, Decimal(total))
        for frame, column, counter in sums
        for model, total in frame.group_by("model").agg(pl.col(column).sum()).iter_rows()
        if total
    }
    expected |= {
        ("requests", model, Decimal(rows))
        for model, rows in truth.group_by("model").len().iter_rows()
    }
    assert set(counted) == expected
    assert not truth["is_traced"].all()
