"""What Dagster loads: assets, partitions, jobs, schedules; what is fetched, and what is retried."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster_jobs import ROOT, checks_of, execute, periods_landed

from connectors._base import Window
from models.errors import FetchError
from models.tables import TABLES
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

pytest_plugins = ["dagster_fixtures"]


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


@pytest.mark.parametrize(
    ("error", "tries"),
    [(FetchError("the vendor is away"), 4), (ValueError("not a network error"), 1)],
)
def test_what_is_safe_to_retry_is_retried_and_what_a_person_must_mend_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    calls = counted(monkeypatch, error)
    refreshed = execute(build_definitions(settings), REFRESH_BILLING, partition_key="2026-10")
    assert not refreshed.success
    assert len(calls) == tries


def test_the_command_leaves_retries_to_the_connector(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, FetchError("the vendor is away"))
    definitions = build_definitions(settings, run=Run(settings, Window()))
    execute(definitions, REFRESH_BILLING, partition_key="2026-10")
    assert len(calls) == 1
