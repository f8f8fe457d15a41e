"""A small dbt project, a small bill, and runs of both."""

from decimal import Decimal
from pathlib import Path

import duckdb

from connectors._base import Window
from pipelines.execute import execute
from pipelines.run import Run
from pipelines.settings import Settings, load_settings
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file

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
    macros = ("macros/generate_schema_name.sql", "macros/ref.sql")
    for name in ("dbt_project.yml", "profiles.yml", *macros):
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
