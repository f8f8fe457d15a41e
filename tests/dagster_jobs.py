"""Dagster's jobs in one process, and what they leave."""

from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from pipelines.settings import Settings
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file

ROOT = Path(__file__).parents[1]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute(definitions: dg.Definitions, job: str, **options: Any) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        raise_on_error=False, run_config=QUIET, **options
    )


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def periods_landed(settings: Settings) -> set[str]:
    return {path.name for path in (settings.lake.root / "raw" / "gpu").glob("20*")}


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
