"""What a day costs that is added to a long history, and the same day added to a short one."""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks import fleet
from benchmarks.lake import (
    STATES,
    by_end,
    put,
    token_charges,
    write_attempts,
    write_bills,
    write_config,
)
from connectors._lake import Lake
from larkspur.api_bills import billed_tokens
from larkspur.company import SEED, Period, iso
from larkspur.draws import Draws
from larkspur.traffic import traffic
from models.signals import RESOURCE_STATES
from pipelines.run import Run, export
from pipelines.settings import load_settings
from pipelines.steps import prepare_and_check
from pipelines.transform import publish_if_good, run_dbt

# The bills of its month are delivered again with the day, so what of them is shared again is alike.
# Early in its month: a week reaches into the month before, too, so both histories compare months.
LAST_DAY = date(2026, 10, 4)


def write_history(folder: Path, days: int, attempts_a_day: int) -> int:
    """Write a lake of so many days and one more; its index without the day is kept beside.

    Return the attempts of all days.
    """
    period = Period(LAST_DAY - timedelta(days=days), days + 1)
    lake, written = Lake(folder / "lake"), 0
    charges = list(fleet.charges(fleet.nodes(period, Draws(SEED), 1), period))
    states = fleet.states(fleet.nodes(period, Draws(SEED), 1), period)
    frames = traffic(attempts_a_day * period.days, period.days, SEED, period)
    for start, frame in by_end(frames, period):
        day = iso(start)[:10]
        if day == str(LAST_DAY):
            write_bills(lake, (row for row in charges if row["charge_period_start"] < day))
            shutil.copy(lake.index_file, folder / "before.parquet")
        charges += token_charges([billed_tokens(frame)])
        mine = states.filter(states["started_at"].str.starts_with(day))
        put(lake, "nodes", "node_lifecycle", day, RESOURCE_STATES, STATES, mine)
        written += write_attempts(lake, day, frame, 1)
    write_bills(lake, [row for row in charges if str(LAST_DAY)[:7] == row["x_billing_period"]])
    shutil.copy(lake.index_file, folder / "after.parquet")
    write_config(folder)
    return written


def build_history(folder: Path) -> dict[str, Any]:
    """Publish everything but the last day, and keep that state to begin from."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    _link(folder / "lake", work / "lake")
    shutil.copy(folder / "unitledger.yml", work)
    os.replace(_copied(folder / "before.parquet"), work / "lake" / "index.parquet")
    measured = _transform(work)
    shutil.rmtree(folder / "built", ignore_errors=True)
    _link(work, folder / "built")
    return measured


def add_day(folder: Path) -> dict[str, Any]:
    """Add the last day to what was built: from the lake's index to the exports."""
    work = folder / "work"
    shutil.rmtree(work)
    _link(folder / "built", work)
    # What a run delivers anew: its files were no longer, or not yet, in use.
    _link(folder / "lake", work / "lake")
    os.replace(_copied(folder / "after.parquet"), work / "lake" / "index.parquet")
    return _transform(work)


def _link(source: Path, target: Path) -> None:
    """Copy a folder without its bytes: no file in it is ever changed in place."""
    for file in source.rglob("*"):
        linked = target / file.relative_to(source)
        if file.is_file() and not linked.exists():
            linked.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, linked)


def _copied(file: Path) -> Path:
    return Path(shutil.copy(file, file.with_suffix(".copy")))


def _transform(work: Path) -> dict[str, Any]:
    run = Run(load_settings(work / "unitledger.yml"))
    began, began_cpu = perf_counter(), process_time()
    with run.hold():
        prepare_and_check(run)
        assert not run.failures, run.failures
        outcomes = run_dbt(run.settings)
        publish_if_good(run.settings, outcomes)
        export(run)
    assert not run.failures, run.failures
    return {
        "seconds": perf_counter() - began,
        "cpu_seconds": process_time() - began_cpu,
        "nodes": {item.name: round(item.seconds, 2) for item in outcomes if item.seconds > 0.05},
    }
