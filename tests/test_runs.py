"""Runs as a whole: what is skipped, what fails alone, what stops the marts."""

import hashlib
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from run_workspace import run_all, run_of, totals, write_bill, write_project

from connectors._base import Window
from pipelines import steps
from pipelines.execute import execute
from pipelines.warehouse import build_file

pytest_plugins = ["run_fixtures"]


def test_a_run_publishes_what_vendors_delivered(dbt_workspace: Path) -> None:
    assert run_all(dbt_workspace) == (True, [])
    assert totals(dbt_workspace) == {"one": Decimal("3.30"), "two": Decimal("3.30")}
    assert not build_file(run_of(dbt_workspace).settings).parent.exists()


def test_a_warehouse_has_any_name_and_is_read_under_another(dbt_workspace: Path) -> None:
    config = dbt_workspace / "unitledger.yml"
    config.write_text(f"{config.read_text()}warehouse: the o'hara-books.2026.duckdb\n")
    assert run_all(dbt_workspace) == (True, [])
    named = dbt_workspace / "the o'hara-books.2026.duckdb"
    named.rename(dbt_workspace / "warehouse.duckdb")
    assert totals(dbt_workspace) == {"one": Decimal("3.30"), "two": Decimal("3.30")}


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


def test_a_bill_that_was_changed_by_hand_before_it_was_copied_is_right_after_a_rebuild(
    workspace: Path,
) -> None:
    run_all(workspace)
    file = str(next((workspace / "lake" / "charges").glob("*.parquet")))
    duckdb.execute(
        f"copy (select * replace (cast(billed_cost + 0.01 as decimal(38, 12)) as billed_cost) "
        f"from '{file}') to '{file}.new' (format parquet)"
    )
    os.replace(f"{file}.new", file)
    # October's two bills are over now, and copied into one file.
    write_bill(workspace / "one", "2026-11", "20261201T060000Z", "5")
    _, failures = run_all(workspace)
    assert len(failures) == 1
    assert "the delivery adds up to" in failures[0]
    assert list((workspace / "lake" / "facts").glob("charges-2026-10-*.parquet"))
    assert run_all(workspace, rebuild=True) == (True, [])
    assert totals(workspace) == {"one": Decimal("8.30"), "two": Decimal("3.30")}


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
