"""Runs as a whole: the lock, what is skipped, what fails alone, what a kill leaves behind."""

import hashlib
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connectors._base import Window
from models.errors import ContractError, LakeLockedError
from pipelines import steps
from pipelines.execute import execute
from pipelines.lock import lake_lock
from pipelines.logs import LOGGER, RunFilter, log_to_file
from pipelines.run import Run
from pipelines.settings import Settings, load_settings
from pipelines.transform import NodeOutcome, run_dbt
from pipelines.warehouse import build_file, published_digest

ROOT = Path(__file__).parents[1]
RECONCILIATION = """
{{ config(materialized='view') }}
select
    x_source as source, x_billing_period as billing_period, billing_currency,
    'normalized' as step, sum(billed_cost) as expected_cost, sum(billed_cost) as actual_cost,
    sum(billed_cost) - sum(billed_cost) as difference, null as error
from {{ source('lake', 'charges') }} group by all
"""
SOURCES = """
sources: [{name: lake, schema: lake, tables: [{name: charges}, {name: rules}, {name: index}]}]
"""


def write_project(folder: Path, **models: str) -> Path:
    """A dbt project of the given marts, with the real profile and project file."""
    marts = folder / "models" / "marts"
    marts.mkdir(parents=True, exist_ok=True)
    (folder / "macros").mkdir(exist_ok=True)
    for name in ("dbt_project.yml", "profiles.yml", "macros/generate_schema_name.sql"):
        (folder / name).write_text((ROOT / "dbt" / name).read_text())
    project = (folder / "dbt_project.yml").read_text()
    (folder / "dbt_project.yml").write_text(project.replace("enforced: true", "enforced: false"))
    (marts / "_sources.yml").write_text(SOURCES)
    for name, sql in ({"cost_reconciliation": RECONCILIATION} | models).items():
        (marts / f"{name}.sql").write_text(sql)
    return folder


def write_bill(folder: Path, period: str, fetched_at: str, *amounts: str) -> None:
    """RunPod's answer for a month: an hour a row, amounts as given."""
    answer = folder / period / fetched_at / "pods.json"
    answer.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        f'{{"time": "{period}-01T{hour:02}:00:00Z", "amount": {amount}, '
        f'"timeBilledMs": 3600000, "podId": "pod{hour}"}}'
        for hour, amount in enumerate(amounts)
    ]
    answer.write_text(f"[{', '.join(rows)}]")


def build_without_dbt(settings: Settings) -> list[NodeOutcome]:
    """What the small dbt project builds, in milliseconds."""
    sql = RECONCILIATION.partition("}}")[2].replace(
        "{{ source('lake', 'charges') }}", "lake.charges"
    )
    with duckdb.connect(str(build_file(settings))) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create view marts.cost_reconciliation as {sql}")
    return [NodeOutcome("model.cost_reconciliation", "model", "", "success", "", 0.1, None)]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two accounts with a month each, a small dbt project that nobody runs, and no exports."""
    monkeypatch.setattr(steps, "run_dbt", build_without_dbt)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr("pipelines.run.export_all", lambda settings: [])
    for account in ("one", "two"):
        write_bill(tmp_path / account, "2026-10", "20261103T060000Z", "1.10", "2.20")
    (tmp_path / "unitledger.yml").write_text(
        "sources:\n"
        "  one: {connector: runpod_billing, location: one}\n"
        "  two: {connector: runpod_billing, location: two}\n"
    )
    write_project(tmp_path / "dbt")
    return tmp_path


@pytest.fixture
def dbt_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and the dbt project is run."""
    monkeypatch.setattr(steps, "run_dbt", run_dbt)
    return workspace


def run_of(workspace: Path, **changes: object) -> Run:
    settings = load_settings(workspace / "unitledger.yml", dbt_project=workspace / "dbt")
    return Run(settings, **({"window": Window()} | changes))  # type: ignore[arg-type]


def run_all(workspace: Path, **changes: object) -> tuple[bool, list[str]]:
    run = run_of(workspace, **changes)
    is_published = execute(run, run.settings.select(None))
    return is_published, run.failures


def totals(workspace: Path) -> dict[str, Decimal]:
    with duckdb.connect(str(workspace / "warehouse.duckdb"), read_only=True) as connection:
        return dict(
            connection.execute(
                "select source, sum(actual_cost) from marts.cost_reconciliation group by source"
            ).fetchall()
        )


# --- what a run does ------------------------------------------------------------------------------


def test_a_run_publishes_what_vendors_delivered(dbt_workspace: Path) -> None:
    assert run_all(dbt_workspace) == (True, [])
    assert totals(dbt_workspace) == {"one": Decimal("3.30"), "two": Decimal("3.30")}
    assert not build_file(run_of(dbt_workspace).settings).parent.exists()


def test_a_second_run_with_nothing_new_does_not_start_dbt(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(workspace)
    before = (workspace / "warehouse.duckdb").stat()
    monkeypatch.setattr(steps, "run_dbt", lambda _: pytest.fail("dbt ran"))
    assert run_all(workspace) == (False, [])
    assert (workspace / "warehouse.duckdb").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.slow
@pytest.mark.parametrize("what", ["configuration", "model", "delivery", "warehouse"])
def test_whatever_changes_a_new_warehouse_is_built(workspace: Path, what: str) -> None:
    run_all(workspace)
    if what == "configuration":
        config = (workspace / "unitledger.yml").read_text()
        rule = "attribution: {rules: [{id: a, when: {source: '*'}, pool: p}]}\n"
        (workspace / "unitledger.yml").write_text(config + rule)
    elif what == "model":
        write_project(workspace / "dbt", another="select 1 as one")
    elif what == "delivery":
        write_bill(workspace / "one", "2026-10", "20261104T060000Z", "1.10", "2.25")
    else:
        (workspace / "warehouse.duckdb").unlink()
    assert run_all(workspace) == (True, [])
    expected = Decimal("3.35") if what == "delivery" else Decimal("3.30")
    assert totals(workspace)["one"] == expected


def test_only_the_asked_period_and_source_are_fetched(workspace: Path) -> None:
    write_bill(workspace / "one", "2026-11", "20261104T060000Z", "5")
    run = run_of(workspace, window=Window("2026-11", "2026-11"))
    execute(run, run.settings.select("one"))
    assert run.failures == []
    landed = {path.parts[-3:-1] for path in (workspace / "lake" / "raw").glob("*/*/*")}
    assert landed == {("one", "2026-11")}


@pytest.mark.slow
def test_a_failing_source_does_not_stop_the_others_and_keeps_its_last_good_state(
    workspace: Path,
) -> None:
    run_all(workspace)
    write_bill(workspace / "one", "2026-10", "20261105T060000Z", '"many dollars"')
    write_bill(workspace / "two", "2026-10", "20261105T060000Z", "7")
    is_published, failures = run_all(workspace)
    assert is_published
    assert len(failures) == 1
    assert "one" in failures[0]
    assert "many dollars" in failures[0]
    assert totals(workspace) == {"one": Decimal("3.30"), "two": Decimal("7")}
    # It is said again until it is mended, and nothing else is done again.
    assert run_all(workspace) == (False, failures)


def test_a_source_that_raises_what_nobody_expected_is_one_sentence_and_a_logged_traceback(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.run.normalize", lambda *_: 1 / 0)
    run = run_of(workspace)
    execute(run, run.settings.select("two"))
    assert run.failures[0].startswith("two: unexpected ZeroDivisionError: division by zero; the")
    assert "Traceback" in run.log_file.read_text()


def test_a_failing_data_test_keeps_the_published_warehouse(dbt_workspace: Path) -> None:
    run_all(dbt_workspace)
    before = hashlib.sha256((dbt_workspace / "warehouse.duckdb").read_bytes()).hexdigest()
    tests = dbt_workspace / "dbt" / "data_tests"
    tests.mkdir()
    (tests / "money_is_lost.sql").write_text("select * from {{ ref('cost_reconciliation') }}")
    is_published, failures = run_all(dbt_workspace)
    assert not is_published
    assert [failure.split(";")[0] for failure in failures] == [
        "transform: dbt test money_is_lost failed: Got 2 results, configured to fail if != 0"
    ]
    assert hashlib.sha256((dbt_workspace / "warehouse.duckdb").read_bytes()).hexdigest() == before


def test_a_model_that_cannot_be_compiled_is_one_sentence(dbt_workspace: Path) -> None:
    write_project(dbt_workspace / "dbt", broken="select {{ nothing_of_that_name() }}")
    _, failures = run_all(dbt_workspace)
    assert len(failures) == 1
    assert failures[0].startswith("transform: dbt")
    assert "nothing_of_that_name" in failures[0]
    assert "\n" not in failures[0]


def test_control_totals_that_differ_stop_the_marts(workspace: Path) -> None:
    header = "source,connector,location,billing_period,billing_currency,rows,billed_cost\n"
    (workspace / "totals.csv").write_text(header + "one,runpod_billing,one,2026-10,USD,2,3.31\n")
    config = (workspace / "unitledger.yml").read_text()
    (workspace / "unitledger.yml").write_text(config + "control_totals: totals.csv\n")
    _, failures = run_all(workspace)
    assert failures == ["one 2026-10: 3.31 USD is stated, 3.30 was delivered"]
    assert not (workspace / "warehouse.duckdb").exists()


def test_a_control_total_of_what_was_not_asked_for_stops_nothing(workspace: Path) -> None:
    header = "source,connector,location,billing_period,billing_currency,rows,billed_cost\n"
    (workspace / "totals.csv").write_text(header + "one,runpod_billing,one,2026-11,USD,2,3.31\n")
    config = (workspace / "unitledger.yml").read_text()
    (workspace / "unitledger.yml").write_text(config + "control_totals: totals.csv\n")
    assert run_all(workspace) == (True, [])


def test_a_cent_changed_by_hand_in_the_lake_stops_the_marts_until_it_is_rebuilt(
    workspace: Path,
) -> None:
    run_all(workspace)
    file = str(next((workspace / "lake" / "charges").glob("*.parquet")))
    duckdb.execute(
        f"copy (select * replace (cast(billed_cost + 0.01 as decimal(38, 12)) as billed_cost) "
        f"from '{file}') to '{file}.new' (format parquet)"
    )
    os.replace(f"{file}.new", file)
    (workspace / "warehouse.duckdb").unlink()
    _, failures = run_all(workspace)
    assert len(failures) == 1
    assert "the delivery adds up to 3.30" in failures[0]
    assert run_all(workspace, rebuild=True) == (True, [])
    assert totals(workspace)["one"] == Decimal("3.30")


def test_a_lake_file_that_is_gone_is_named_and_made_again_by_rebuild(workspace: Path) -> None:
    run_all(workspace)
    file = next((workspace / "lake" / "charges").glob("*.parquet"))
    before = file.read_bytes()
    file.unlink()
    (workspace / "warehouse.duckdb").unlink()
    _, failures = run_all(workspace)
    assert failures == [f"{file}: is gone from the lake; `run --rebuild` makes it again"]
    assert run_all(workspace, rebuild=True) == (True, [])
    assert file.read_bytes() == before


READ = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(connection.execute(
        "select sum(actual_cost) from marts.cost_reconciliation where source = 'one'"
    ).fetchone()[0], flush=True)
"""


def test_readers_keep_the_old_warehouse_while_a_run_publishes_a_new_one(workspace: Path) -> None:
    run_all(workspace)
    reader = subprocess.Popen(
        [sys.executable, "-c", READ, str(workspace / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("read\n")
    reader.stdin.flush()
    before = reader.stdout.readline()
    write_bill(workspace / "one", "2026-10", "20261104T060000Z", "9")
    assert run_all(workspace) == (True, [])
    after, _ = reader.communicate("read\n")
    assert (before, after) == ("3.300000000000\n", "3.300000000000\n")
    assert totals(workspace)["one"] == Decimal("9")


# --- the lock -------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from pipelines.lock import lake_lock
with lake_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_lake(lake: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lake)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_run_says_who_holds_the_lake(workspace: Path) -> None:
    holder = hold_lake(workspace / "lake")
    try:
        with pytest.raises(LakeLockedError, match=rf"process {holder.pid} on \S+ since 20\d\d-"):
            run_all(workspace, wait_seconds=0.1)
    finally:
        holder.kill()
        holder.wait()
    # A killed holder leaves nothing that anybody has to remove.
    assert run_all(workspace, wait_seconds=0.1) == (True, [])


def test_what_a_killed_run_was_writing_is_removed_by_the_next(workspace: Path) -> None:
    lake = workspace / "lake"
    half = lake / "raw" / "one" / ".incoming-99999"
    half.mkdir(parents=True)
    (lake / "charges").mkdir()
    files = [half / "pods.json", lake / "charges" / ".99999.tmp", lake / "index.99999.tmp"]
    for file in files:
        file.write_text("half")
    assert run_all(workspace) == (True, [])
    assert not [file for file in files if file.exists()]
    assert not half.exists()


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    holder = hold_lake(tmp_path)
    started = time.monotonic()
    holder.kill()
    with lake_lock(tmp_path, wait_seconds=30):
        assert time.monotonic() - started < 30
    holder.wait()


def test_the_lock_may_be_taken_again_by_the_run_that_holds_it(tmp_path: Path) -> None:
    with lake_lock(tmp_path, 0.1), lake_lock(tmp_path, 0.1):
        assert json.loads((tmp_path / ".lock-holder.json").read_text())["process"] == os.getpid()
    assert not (tmp_path / ".lock-holder.json").exists()


# --- logs -----------------------------------------------------------------------------------------


def test_every_log_line_carries_the_run_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_KEY", "sk-very-secret")
    run_filter = RunFilter("run-1", frozenset({"ADMIN_KEY", "UNSET_KEY"}))
    with log_to_file(tmp_path / "run.log", run_filter):
        LOGGER.info("asked with %s", "sk-very-secret")
        try:
            raise ContractError("refused sk-very-secret")
        except ContractError:
            LOGGER.exception("failed")
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert "sk-very-secret" not in "\n".join(lines)
    assert "INFO run=run-1 asked with ***" in lines[0]
    assert "run=run-1 failed" in lines[1]
    assert not [handler for handler in LOGGER.handlers if isinstance(handler, logging.FileHandler)]


def test_a_secret_never_reaches_what_the_run_says(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "rp-very-secret")
    run = run_of(workspace)
    run.fail("the vendor said: rp-very-secret is not valid")
    assert run.failures == ["the vendor said: *** is not valid"]


# --- kill -9 --------------------------------------------------------------------------------------


def fingerprints(workspace: Path) -> dict[str, str]:
    """Hashes of everything a run is to reproduce: what was landed, normalized and exported."""
    lake = workspace / "lake"
    wanted = [lake / "raw", lake / "charges", lake / "attempts", lake / "config"]
    files = [path for folder in [*wanted, workspace / "exports"] for path in folder.rglob("*")]
    return {
        str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [lake / "index.parquet", *files]
        if path.is_file()
    }


def start(workspace: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run"],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def real_workspace(folder: Path) -> Path:
    """Bills of the sample company's rented GPUs, and a day of its traces."""
    samples = ROOT / "data_samples"
    traces = folder / "traces"
    traces.mkdir(parents=True)
    shutil.copy2(samples / "otel" / "2026-11-01.jsonl.gz", traces)
    (folder / "unitledger.yml").write_text(
        "sources:\n"
        f"  runpod: {{connector: runpod_billing, location: {samples / 'runpod'}}}\n"
        "  traces: {connector: otel_genai, location: traces}\n"
    )
    return folder


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_with_the_same_bytes_the_next_time(tmp_path: Path) -> None:
    undisturbed, killed = (real_workspace(tmp_path / name) for name in ("calm", "killed"))
    started = time.monotonic()
    first = start(undisturbed)
    output, _ = first.communicate()
    duration = time.monotonic() - started
    assert first.returncode == 0, output

    moments = random.Random(9)
    for part in range(1, 4):
        victim = start(killed)
        time.sleep(duration * (part + moments.random()) / 5)
        victim.kill()
        victim.communicate()
    last = start(killed)
    output, _ = last.communicate()
    assert last.returncode == 0, output
    assert fingerprints(killed) == fingerprints(undisturbed)
    assert published_digest(load_settings(killed / "unitledger.yml")) is not None
    assert not list(killed.rglob(".incoming-*"))
    assert not (killed / "warehouse.duckdb.building").exists()
