"""What Dagster knows of the marts: lineage, their tests as checks, and what stops them."""

from pathlib import Path

import dagster as dg
import pytest
from dagster_jobs import ROOT, build_marts, checks_of, execute
from dbt_project import DbtProject

from connectors._base import Window
from pipelines import steps
from pipelines.jobs import (
    REFRESH_BILLING,
    TRANSFORM,
    build_definitions,
)
from pipelines.run import Run
from pipelines.settings import Settings, load_settings
from pipelines.transform import NodeOutcome

pytest_plugins = ["dagster_fixtures"]


# --- checks before and after the marts ------------------------------------------------------------


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
def manifest(dbt_project: DbtProject) -> Path:
    return dbt_project.manifest()


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
