"""What Dagster loads: assets, lineage, partitions, checks, schedules, and what is retried."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from connectors._base import Window
from models.errors import FetchError
from models.tables import TABLES
from pipelines import steps
from pipelines.jobs import (
    REFRESH_BILLING,
    REFRESH_TELEMETRY,
    TRANSFORM,
    build_definitions,
    partition_range_tags,
)
from pipelines.run import Run
from pipelines.settings import Settings, load_settings
from pipelines.source_assets import DAILY, MONTHLY
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file

ROOT = Path(__file__).parents[1]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One account with two months of hourly bills."""
    monkeypatch.setattr("pipelines.run.export_all", lambda settings: [])
    for period, amount in (("2026-09", "1.10"), ("2026-10", "2.20")):
        answer = tmp_path / "bills" / period / "20261103T060000Z" / "pods.json"
        answer.parent.mkdir(parents=True)
        answer.write_text(
            f'[{{"time": "{period}-01T00:00:00Z", "amount": {amount}, '
            '"timeBilledMs": 3600000, "podId": "pod"}]'
        )
    (tmp_path / "unitledger.yml").write_text(
        "sources: {gpu: {connector: runpod_billing, location: bills}}\n"
    )
    return load_settings(tmp_path / "unitledger.yml")


def execute(definitions: dg.Definitions, job: str, **options: Any) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        raise_on_error=False, run_config=QUIET, **options
    )


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def periods_landed(settings: Settings) -> set[str]:
    return {path.name for path in (settings.lake.root / "raw" / "gpu").glob("20*")}


# --- definitions ----------------------------------------------------------------------------------


def test_a_source_is_two_steps_and_its_tables_lead_to_all_of_them(settings: Settings) -> None:
    graph = build_definitions(load_settings(ROOT / "unitledger.yml")).resolve_asset_graph()

    def parents(*key: str) -> set[str]:
        return {parent.to_user_string() for parent in graph.get(dg.AssetKey(key)).parent_keys}

    assert parents("raw", "openai") == set()
    assert parents("charges", "openai") == {"raw/openai"}
    assert parents("token_usage", "openai") == {"raw/openai"}
    charging = {"charges/aws_prod", "charges/gcp", "charges/azure", "charges/openai"}
    assert charging <= parents("charges", "all")
    assert {"metered_usage/coreweave", "metered_usage/lambda"} == parents("metered_usage", "all")
    assert parents("marts", "cost_reconciliation") == {f"{name}/all" for name in TABLES}
    assert parents("exports", "finance") == {"marts/cost_reconciliation"}


def test_bills_come_by_month_telemetry_by_day_and_the_marts_at_once(settings: Settings) -> None:
    graph = build_definitions(load_settings(ROOT / "unitledger.yml")).resolve_asset_graph()
    assert graph.get(dg.AssetKey(["charges", "openai"])).partitions_def == MONTHLY
    assert graph.get(dg.AssetKey(["attempts", "traces"])).partitions_def == DAILY
    assert graph.get(dg.AssetKey(["exports", "finance"])).partitions_def is None


def test_jobs_run_in_one_process(settings: Settings) -> None:
    definitions = build_definitions(load_settings(ROOT / "unitledger.yml"))
    for job in (REFRESH_BILLING, REFRESH_TELEMETRY, TRANSFORM):
        assert definitions.resolve_job_def(job).executor_def == dg.in_process_executor


def test_a_configuration_without_telemetry_has_no_job_for_it(settings: Settings) -> None:
    definitions = build_definitions(settings)
    names = {job.name for job in definitions.resolve_all_job_defs()}
    assert names & {REFRESH_BILLING, REFRESH_TELEMETRY, TRANSFORM} == {REFRESH_BILLING, TRANSFORM}
    assert {item.name for item in definitions.schedules or ()} == {
        "refresh_billing_daily",
        "transform_daily",
    }


def test_each_morning_the_open_and_the_previous_period_are_refreshed(settings: Settings) -> None:
    schedules = {
        schedule.name: schedule
        for schedule in build_definitions(load_settings(ROOT / "unitledger.yml")).schedules or ()
        if isinstance(schedule, dg.ScheduleDefinition)
    }
    morning = datetime(2026, 11, 1, 5, tzinfo=UTC)
    expected = {
        "refresh_billing_daily": ("2026-10", "2026-11"),
        "refresh_telemetry_daily": ("2026-10-31", "2026-11-01"),
    }
    for name, periods in expected.items():
        context = dg.build_schedule_context(scheduled_execution_time=morning)
        request = schedules[name](context)
        assert isinstance(request, dg.RunRequest)
        assert partition_range_tags(*periods).items() <= request.tags.items()
    assert schedules["transform_daily"].cron_schedule == "30 5 * * *"


def test_dagster_loads_the_module_that_the_project_names(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(tmp_path)}
    loaded = subprocess.run(
        [sys.executable, "-c", "from pipelines.definitions import defs; print(type(defs))"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Definitions" in loaded.stdout, loaded.stderr


# --- jobs -----------------------------------------------------------------------------------------


def test_a_partition_of_a_bill_is_refreshed_alone(settings: Settings) -> None:
    definitions = build_definitions(settings)
    assert execute(definitions, REFRESH_BILLING, partition_key="2026-10").success
    assert periods_landed(settings) == {"2026-10"}


def test_a_range_of_partitions_is_one_run(settings: Settings) -> None:
    tags = partition_range_tags("2026-08", "2026-09")
    assert execute(build_definitions(settings), REFRESH_BILLING, tags=tags).success
    assert periods_landed(settings) == {"2026-09"}


def test_rows_and_totals_stand_beside_the_asset(settings: Settings) -> None:
    tags = partition_range_tags("2026-09", "2026-10")
    result = execute(build_definitions(settings), REFRESH_BILLING, tags=tags)
    [event] = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["charges", "gpu"]) and event.partition == "2026-10"
    ]
    metadata = event.materialization.metadata
    assert metadata["dagster/row_count"].value == 2
    assert metadata["total_USD"].value == "3.30"
    assert "| 2026-10 | 20261103T060000Z | 1 |" in str(metadata["in_force"].value)


def test_a_delivery_that_does_not_fit_the_contract_fails_its_check_and_not_the_run(
    settings: Settings,
) -> None:
    answer = Path(settings.sources["gpu"].source.location) / "2026-10" / "20261104T060000Z"
    answer.mkdir()
    (answer / "pods.json").write_text('[{"time": "2026-10-01T00:00:00Z", "amount": "much"}]')
    result = execute(build_definitions(settings), REFRESH_BILLING, partition_key="2026-10")
    assert result.success
    assert checks_of(result) == {"deliveries_are_whole": True, "deliveries_are_readable": False}


def counted(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    calls: list[str] = []

    def land(*arguments: object) -> None:
        calls.append("land")
        raise error

    monkeypatch.setattr("pipelines.source_assets.land", land)
    monkeypatch.setattr("pipelines.source_assets._RETRY_SECONDS", 0)
    return calls


def test_what_is_safe_to_retry_is_retried(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, FetchError("the vendor is away"))
    assert not execute(
        build_definitions(settings), REFRESH_BILLING, partition_key="2026-10"
    ).success
    assert len(calls) == 4


def test_what_a_person_must_mend_is_not_retried(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, ValueError("not a network error"))
    assert not execute(
        build_definitions(settings), REFRESH_BILLING, partition_key="2026-10"
    ).success
    assert len(calls) == 1


def test_the_command_leaves_retries_to_the_connector(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, FetchError("the vendor is away"))
    definitions = build_definitions(settings, run=Run(settings, Window()))
    execute(definitions, REFRESH_BILLING, partition_key="2026-10")
    assert len(calls) == 1


# --- checks before and after the marts ------------------------------------------------------------


def build_marts(difference: str) -> Any:
    """A stand-in for dbt: a reconciliation of one step."""

    def run(settings: Settings) -> list[NodeOutcome]:
        with duckdb.connect(str(build_file(settings))) as connection:
            connection.execute("create schema marts")
            connection.execute(
                "create table marts.cost_reconciliation as select 'gpu' as source, "
                "'2026-10' as billing_period, 'USD' as billing_currency, 'allocated' as step, "
                f"1.00 as expected_cost, 1.00 + {difference} as actual_cost, "
                f"{difference} as difference, null as error"
            )
        return [NodeOutcome("model.one", "model", "one", "success", "", 0.1, None)]

    return run


def test_checks_stand_before_and_after_the_marts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "run_dbt", build_marts("0.00"))
    definitions = build_definitions(settings)
    execute(definitions, REFRESH_BILLING, partition_key="2026-10")
    result = execute(definitions, TRANSFORM)
    assert result.success
    assert checks_of(result) == {
        "schema": True,
        "landed_equals_normalized": True,
        "control_totals": True,
        "exchange_rates": True,
        "one_authority": True,
        "conservation": True,
        "focus_rules": True,
    }


def test_a_control_total_that_differs_blocks_the_marts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "run_dbt", lambda _: pytest.fail("dbt ran"))
    header = "source,billing_period,billing_currency,rows,billed_cost\n"
    (settings.file.parent / "totals.csv").write_text(header + "gpu,2026-10,USD,1,2.21\n")
    text = settings.file.read_text() + "control_totals: totals.csv\n"
    settings.file.write_text(text)
    definitions = build_definitions(load_settings(settings.file))
    execute(definitions, REFRESH_BILLING, partition_key="2026-10")
    result = execute(definitions, TRANSFORM)
    assert not result.success
    assert checks_of(result) == {
        "schema": True,
        "landed_equals_normalized": True,
        "control_totals": False,
        "exchange_rates": True,
        "one_authority": True,
    }
    assert not settings.warehouse.exists()


def test_a_mart_that_loses_a_cent_fails_the_conservation_check(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "run_dbt", build_marts("-0.01"))
    definitions = build_definitions(settings)
    execute(definitions, REFRESH_BILLING, partition_key="2026-10")
    assert checks_of(execute(definitions, TRANSFORM))["conservation"] is False


def test_the_transform_job_holds_the_lake_from_its_first_step_to_its_last(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    holder = settings.lake.root / ".lock-holder.json"
    build = build_marts("0.00")

    def run_dbt(given: Settings) -> list[NodeOutcome]:
        held.append(holder.exists())
        return build(given)  # type: ignore[no-any-return]

    monkeypatch.setattr(steps, "run_dbt", run_dbt)
    monkeypatch.setattr("pipelines.run.export_all", lambda _: held.append(holder.exists()) or [])
    execute(build_definitions(settings), TRANSFORM)
    assert held == [True, True]
    assert not holder.exists()


# --- with dbt's manifest --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dbt-parse` writes."""
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("target")
    project = str(ROOT / "dbt")
    result = dbtRunner().invoke(
        [
            *("parse", "--quiet", "--project-dir", project, "--profiles-dir", project),
            *("--target-path", str(target), "--log-path", str(target)),
        ]
    )
    assert result.success, result.exception
    return target / "manifest.json"


def test_every_mart_is_an_asset_with_its_tests_as_checks(manifest: Path) -> None:
    definitions = build_definitions(load_settings(ROOT / "unitledger.yml"), manifest)
    graph = definitions.resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.materializable_asset_keys}
    marts = (ROOT / "dbt" / "models" / "marts").glob("*.sql")
    assert {f"marts/{mart.stem}" for mart in marts} <= keys
    staged = graph.get(dg.AssetKey(["staging", "stg_lake__charges"]))
    assert staged.parent_keys == {dg.AssetKey(["charges", "all"])}
    checks = {key.asset_key.to_user_string() for key in graph.asset_check_keys}
    assert "marts/allocated_costs" in checks


def test_the_lineage_reaches_from_the_vendor_to_the_exports(manifest: Path) -> None:
    definitions = build_definitions(load_settings(ROOT / "unitledger.yml"), manifest)
    graph = definitions.resolve_asset_graph()
    reached = {dg.AssetKey(["raw", "openai"])}
    while True:
        children = {child for key in reached for child in graph.get(key).child_keys}
        if children <= reached:
            break
        reached |= children
    assert dg.AssetKey(["marts", "customer_costs_daily"]) in reached
    assert dg.AssetKey(["exports", "finance"]) in reached


def test_every_model_reports_and_a_failing_test_is_a_failing_check(
    settings: Settings, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY as UNIQUE_ID

    definitions = build_definitions(settings, manifest)
    models = next(
        asset
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition) and asset.op.name == "dbt_models"
    )
    failing = next(iter(models.check_specs))
    outcomes = [
        NodeOutcome(str(spec.metadata[UNIQUE_ID]), "model", "m", "success", "", 0.1, None)
        for spec in models.specs
    ] + [
        NodeOutcome(str(spec.metadata[UNIQUE_ID]), "test", spec.name, status, "Got 3", 0.1, 3)
        for spec in models.check_specs
        for status in ["fail" if spec == failing else "pass"]
    ]
    monkeypatch.setattr(steps, "run_dbt", lambda _: outcomes)
    result = execute(definitions, TRANSFORM)
    assert not result.success
    reported = {event.asset_key for event in result.get_asset_materialization_events()}
    assert {spec.key for spec in models.specs} <= reported
    assert dg.AssetKey(["exports", "finance"]) not in reported
    assert [name for name, passed in checks_of(result).items() if not passed] == [failing.name]
    assert not settings.warehouse.exists()


def test_where_dbt_is_absent_the_sentence_says_so(tmp_path: Path, settings: Settings) -> None:
    moved = load_settings(settings.file, dbt_project=tmp_path / "nowhere")
    run = Run(moved, Window())
    execute(build_definitions(moved, run=run), TRANSFORM)
    assert run.failures == [f"transform: {tmp_path / 'nowhere'}: the dbt project is not there"]
