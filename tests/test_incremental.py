"""What is late or restated builds the days again that it touches, and what results is the same."""

import gzip
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from company import ROOT

from connectors._base import Window
from connectors._lake import Lake
from connectors._sql import session
from connectors._write import write
from models.manifest import Manifest
from models.tables import ATTEMPTS
from pipelines.execute import execute
from pipelines.run import Run
from pipelines.settings import load_settings

SAMPLES = ROOT / "data_samples"
DAYS = ("2026-11-01", "2026-11-02", "2026-11-03")


# --- which days a row reaches ---------------------------------------------------------------------


def days_of(tmp_path: Path, *attempts: tuple[str, str, str | None]) -> list[dict[str, Any]]:
    """Write attempts that begin, end and name an absent parent; return the index's days."""
    values = ", ".join(
        f"('{number}', timestamp '{start}', timestamp '{end}', nullif('{parent or ''}', ''))"
        for number, (start, end, parent) in enumerate(attempts)
    )
    query = f"""
        select
            id as attempt_id, id as trace_id, id as span_id, id as inference_id,
            id as workflow_run_id, started_at, ended_at, absent_parent_span_id,
            'chat' as operation_name, 'ok' as status, 'f' as x_file, 1 as x_row
        from (values {values}) as given(id, started_at, ended_at, absent_parent_span_id)
    """
    manifest = Manifest(source="s", connector="c", slot="d", version="1", order="1", files=())
    with session() as connection:
        written = write(Lake(tmp_path), connection, ATTEMPTS, query, manifest)
    days = written["days"]
    assert isinstance(days, list)
    return days


def test_what_stays_within_its_day_reaches_no_other(tmp_path: Path) -> None:
    [day] = days_of(tmp_path, ("2026-10-05 00:00:00", "2026-10-05 23:59:59.999", None))
    assert (day["day"], day["reach_hash"], day["reach_from"]) == (date(2026, 10, 5), None, None)


def test_what_runs_past_midnight_reaches_the_day_on_which_it_began(tmp_path: Path) -> None:
    within = ("2026-10-06 10:00:00", "2026-10-06 10:00:01", None)
    [alone] = days_of(tmp_path, ("2026-10-05 23:59:59", "2026-10-06 00:00:01", None))
    [day] = days_of(tmp_path, ("2026-10-05 23:59:59", "2026-10-06 00:00:01", None), within)
    assert (day["reach_from"], day["reach_to"]) == (date(2026, 10, 5), date(2026, 10, 6))
    # Only the rows that reach: what else changes on their day is no other's business.
    assert day["reach_hash"] == alone["reach_hash"]
    assert day["hash"] != alone["hash"]


def test_a_span_that_another_called_reaches_the_day_beside_near_midnight(tmp_path: Path) -> None:
    [noon] = days_of(tmp_path, ("2026-10-05 12:00:00", "2026-10-05 12:00:01", "parent"))
    [night] = days_of(tmp_path, ("2026-10-05 23:30:00", "2026-10-05 23:30:01", "parent"))
    assert noon["reach_hash"] is None
    assert (night["reach_from"], night["reach_to"]) == (date(2026, 10, 5), date(2026, 10, 6))


# --- runs -----------------------------------------------------------------------------------------


class Built(NamedTuple):
    """A run: whether it published, what failed, and the days that it built, by model."""

    is_published: bool
    failures: list[str]
    days: dict[str, set[str]]


def write_sources(folder: Path) -> Path:
    """Three days of traces, bills of an API and of rented GPUs, and their lifecycle."""
    for name in ("openai", "runpod"):
        shutil.copytree(SAMPLES / name / "2026-11", folder / name / "2026-11")
    for name, suffix in (("otel", ".jsonl.gz"), ("node_lifecycle", ".csv")):
        (folder / name).mkdir()
        for day in DAYS:
            shutil.copy(SAMPLES / name / f"{day}{suffix}", folder / name)
    (folder / "unitledger.yml").write_text(
        "sources:\n"
        "  openai: {connector: openai_costs, location: openai}\n"
        "  runpod: {connector: runpod_billing, location: runpod}\n"
        "  nodes: {connector: node_lifecycle, location: node_lifecycle}\n"
        "  traces: {connector: otel_genai, location: otel}\n"
    )
    return folder


def build(folder: Path, window: Window | None = None) -> Built:
    run = Run(load_settings(folder / "unitledger.yml"), window or Window())
    before = {file.name for file in (folder / "lake" / "facts").glob("*")}
    is_published = execute(run, run.settings.select(None))
    days: dict[str, set[str]] = defaultdict(set)
    for file in (folder / "lake" / "facts").glob("*"):
        # Others are of a month, or of a pair of periods.
        of_day = re.fullmatch(r"(\w+)-(\d{4}-\d\d-\d\d)-\w+", file.stem)
        if of_day and file.name not in before:
            days[of_day[1]].add(of_day[2])
    return Built(is_published, run.failures, dict(days))


def spans(line: dict[str, Any]) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    for resource in line["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield scope["spans"], span


def hold_back(file: Path, traces: int) -> None:
    """Take some whole traces of the office hours out of a day's file: they come late."""
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    times: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        for _, span in spans(line):
            times[span["traceId"]] += [int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])]
    midnight = int(datetime.fromisoformat(f"{file.name[:10]}T00:00:00Z").timestamp()) * 10**9
    hours = (midnight + 8 * 3600 * 10**9, midnight + 16 * 3600 * 10**9)
    inside = [
        key for key in sorted(times) if hours[0] < min(times[key]) and max(times[key]) < hours[1]
    ]
    late = set(inside[:traces])
    assert len(late) == traces
    for line in lines:
        for listed, span in list(spans(line)):
            if span["traceId"] in late:
                listed.remove(span)
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode(), mtime=0))


def exported(folder: Path) -> dict[str, bytes]:
    """The newest version's tables of each period."""
    files = {}
    for pointer in (folder / "exports").glob("*/latest"):
        for file in (pointer.parent / pointer.read_text().strip()).glob("*.csv"):
            files[f"{pointer.parent.name}/{file.name}"] = file.read_bytes()
    return files


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run gives where nothing was late."""
    folder = write_sources(tmp_path_factory.mktemp("whole"))
    assert build(folder).failures == []
    return folder


@pytest.mark.slow
def test_late_telemetry_and_a_restated_bill_build_only_the_days_they_touch(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = write_sources(tmp_path / "late")
    traces = folder / "otel" / "2026-11-02.jsonl.gz"
    hold_back(traces, 20)
    [answer] = (folder / "runpod").glob("*/*/pods.json")
    bill = answer.read_text()
    first = build(folder)
    assert (first.is_published, first.failures) == (True, [])
    assert first.days["attempt_costs"] == set(DAYS)

    shutil.copy(SAMPLES / "otel" / traces.name, traces)
    late = build(folder)
    assert (late.is_published, late.failures) == (True, [])
    assert set().union(*late.days.values()) == {"2026-11-02"}
    assert "attempt_costs" in late.days
    # Late or not: the same numbers to the last byte.
    assert exported(folder) == exported(whole)

    # The vendor bills the full hours of the second day at half the price.
    restated = answer.parent.with_name("20261105T060000Z") / answer.name
    restated.parent.mkdir()
    hour = re.compile(r'"startTime": "2026-11-02T[^{}]*"totalAmount": 5\.976,[^{}]*')
    half, hours = hour.subn(lambda found: found[0].replace("5.976", "2.988"), bill)
    total = Decimal("101.94601492")
    assert hours > 2
    assert str(total) in half
    restated.write_text(half.replace(str(total), str(total - hours * Decimal("2.988"))))
    after = build(folder)
    assert after.failures == []
    assert set().union(*after.days.values()) == {"2026-11-02"}
    assert build(folder) == Built(False, [], {})


@pytest.mark.slow
def test_a_backfill_builds_what_it_brings_and_again_changes_nothing(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = write_sources(tmp_path / "backfilled")
    # Files of a folder say their day only when they are read: a window leaves none of them out.
    october = build(folder, Window("2026-10-01", "2026-10-31"))
    assert (october.is_published, october.failures) == (True, [])
    assert not list((folder / "lake" / "raw").glob("openai/*"))
    assert exported(folder) == {}

    november = build(folder, Window("2026-11-01", "2026-11-30"))
    assert (november.is_published, november.failures) == (True, [])
    assert november.days["int_costs_allocated"] == set(DAYS)
    assert exported(folder) == exported(whole)
    assert build(folder, Window("2026-10-01", "2026-11-30")) == Built(False, [], {})
