"""A second delivery that restates an hour, and the first one replayed after it."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from company import ROOT, Company, write_sample_config

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "data_samples" / "aws_cur2"
PERIOD = "BILLING_PERIOD=2026-10"


def executions() -> list[Path]:
    """The October deliveries, oldest first."""
    return sorted(path for path in (SAMPLE / "data" / PERIOD).iterdir() if path.is_dir())


def delivered(execution: Path) -> dict[str | None, Decimal]:
    """Unblended cost of a delivery by resource; pod rows repeat the cost of their node."""
    rows = duckdb.execute(
        "select nullif(line_item_resource_id, ''), line_item_unblended_cost::varchar"
        " from read_parquet(?, union_by_name = true)"
        " where coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')",
        [str(execution / "*.parquet")],
    ).fetchall()
    costs: dict[str | None, Decimal] = {}
    for resource, cost in rows:
        costs[resource] = costs.get(resource, Decimal(0)) + Decimal(cost)
    return costs


def deliver(bucket: Path, execution: Path) -> None:
    """Put a delivery into the synced bucket as the export does: data first, then manifests."""
    shutil.copytree(execution, bucket / "data" / PERIOD / execution.name, dirs_exist_ok=True)
    metadata = SAMPLE / "metadata" / PERIOD / execution.name
    shutil.copytree(metadata, bucket / "metadata" / PERIOD / execution.name, dirs_exist_ok=True)
    manifest = next(metadata.glob("*Manifest.json"))
    shutil.copy(manifest, bucket / "metadata" / PERIOD / manifest.name)


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[dict[str, object]]]:
    """One billing source and no telemetry: first delivery, second, first again; what each left."""
    folder = tmp_path_factory.mktemp("restated")
    bucket = folder / "bucket"
    company = Company(
        folder,
        write_sample_config(
            folder,
            sources={"aws_prod": {"connector": "aws_cur2", "location": str(bucket)}},
            control_totals=None,
        ),
    )
    first, second = executions()
    states: list[dict[str, object]] = []
    for execution in (first, second, first):
        deliver(bucket, execution)
        run = company.unitledger("run")
        assert run.returncode == 0, run.stdout + run.stderr
        states.append(look(company))
    return company, states


def look(company: Company) -> dict[str, object]:
    with company.connect() as warehouse:
        costs = warehouse.execute("select sum(billed_cost) from lake.charges").fetchone()
        ledger = warehouse.execute(
            "select sum(effective_cost) from marts.allocated_costs"
        ).fetchone()
        resources = warehouse.execute(
            "select distinct resource_id from marts.charge_groups where resource_id is not null"
        ).fetchall()
        difference = warehouse.execute(
            "select count(*), sum(abs(difference)) from marts.cost_reconciliation"
        ).fetchone()
    manifests = sorted((company.folder / "exports" / "2026-10").glob("v*/manifest.json"))
    assert costs is not None
    assert ledger is not None
    return {
        "billed": costs[0],
        "ledger": ledger[0],
        "resources": {row[0] for row in resources},
        "reconciliation": difference,
        "versions": [file.parent.name for file in manifests],
        "manifest": json.loads(manifests[-1].read_text()),
        "bytes": manifests[-1].read_bytes(),
    }


def test_totals_move_by_exactly_the_delta_of_the_delivery(
    restated: tuple[Company, list[dict[str, object]]],
) -> None:
    before, after = (sum(delivered(execution).values()) for execution in executions())
    states = restated[1]

    assert states[0]["billed"] == before
    assert states[1]["billed"] == after
    assert before != after
    assert [state["reconciliation"] for state in states] == [(4, Decimal(0))] * 3


def test_rows_that_vanished_are_gone_downstream(
    restated: tuple[Company, list[dict[str, object]]],
) -> None:
    first, second = (set(delivered(execution)) for execution in executions())
    vanished = first - second
    states = restated[1]

    assert len(vanished) == 2
    assert vanished <= states[0]["resources"]  # type: ignore[operator]
    assert not vanished & states[1]["resources"]  # type: ignore[operator]


def test_a_new_export_version_says_the_delta_and_the_old_one_stays(
    restated: tuple[Company, list[dict[str, object]]],
) -> None:
    company, states = restated
    delta = states[1]["ledger"] - states[0]["ledger"]  # type: ignore[operator]

    assert states[0]["versions"] == ["v0001"]
    assert states[1]["versions"] == ["v0001", "v0002"]
    manifest = states[1]["manifest"]
    assert manifest["previous_version"] == "v0001"  # type: ignore[index]
    moved = f"ledger: effective_cost {delta:+f}".rstrip("0")
    assert any(change.startswith(moved) for change in manifest["changes"])  # type: ignore[index]
    kept = company.folder / "exports" / "2026-10" / "v0001" / "manifest.json"
    assert kept.read_bytes() == states[0]["bytes"]


def test_replaying_the_old_delivery_changes_nothing(
    restated: tuple[Company, list[dict[str, object]]],
) -> None:
    states = restated[1]

    assert states[2] == states[1]


def test_superseded_files_survive_one_publish_and_no_more(
    restated: tuple[Company, list[dict[str, object]]],
) -> None:
    company, _ = restated
    lake = company.folder / "lake"
    # Nothing was published since the second delivery: the first one's rows still serve readers.
    assert len(list((lake / "charges").glob("*.parquet"))) == 2

    config = company.config.read_text()
    company.config.write_text(config.replace("driver: attempts", "driver: tokens"))
    run = company.unitledger("run")
    assert run.returncode == 0, run.stdout + run.stderr

    assert len(list((lake / "charges").glob("*.parquet"))) == 1
    with company.connect() as warehouse:
        inputs = warehouse.execute(
            "select charge_date || '-' || ledger_hash from intermediate.int_day_inputs"
        ).fetchall()
    kept = {
        file.stem.removeprefix("int_costs_allocated-")
        for file in lake.glob("facts/int_costs_allocated-*")
    }
    assert {row[0] for row in inputs} <= kept
    assert len(list((lake / "raw").rglob("manifest.json"))) == 2
