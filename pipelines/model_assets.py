"""The dbt project as assets: every model one, every data test a check. One dbt run builds all."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY as UNIQUE_ID

from models.tables import TABLES
from pipelines.config_tables import CONFIG_SCHEMAS
from pipelines.run import Run
from pipelines.steps import build_marts
from pipelines.transform import NodeOutcome, publish_if_good
from pipelines.warehouse_assets import Results


class LakeTranslator(DagsterDbtTranslator):
    """Names models by layer, and dbt's sources after the assets that they are."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        name = dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] != "source":
            return dg.AssetKey([dbt_resource_props["schema"], name])
        if name in TABLES:
            return dg.AssetKey([name, "all"])
        return dg.AssetKey(["config" if name in CONFIG_SCHEMAS else "lake", name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["schema"])


def build_dbt_assets(manifest: Path) -> dg.AssetsDefinition:
    """Return the assets that dbt's manifest describes."""

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        dagster_dbt_translator=LakeTranslator(),
        required_resource_keys={"run"},
    )
    def models(context: dg.AssetExecutionContext) -> Results:
        run: Run = context.resources.run
        with run.step("transform"):
            outcomes = build_marts(run)
        found = {outcome.unique_id: outcome for outcome in outcomes}
        yield from _materialized(context.assets_def.specs, found)
        yield from _checked(context.assets_def.check_specs, found)
        if outcomes:
            with run.step("transform"):
                publish_if_good(run.settings, outcomes)

    return models


def _materialized(
    specs: Iterable[dg.AssetSpec], found: Mapping[str, NodeOutcome]
) -> Iterator[dg.MaterializeResult[None]]:
    by_key = {spec.key: spec for spec in specs}
    graph = {key: [dep.asset_key for dep in spec.deps] for key, spec in by_key.items()}
    # Dagster wants parents before their children; the graph's keys outside of dbt are not ours.
    for spec in filter(None, map(by_key.get, TopologicalSorter(graph).static_order())):
        outcome = found.get(spec.metadata[UNIQUE_ID])
        if not found:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"unchanged": True})
        elif outcome and outcome.status == "success":
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"seconds": outcome.seconds})


def _checked(
    specs: Iterable[dg.AssetCheckSpec], found: Mapping[str, NodeOutcome]
) -> Iterator[dg.AssetCheckResult]:
    for spec in specs:
        outcome = found.get((spec.metadata or {})[UNIQUE_ID])
        if outcome is not None:
            warned = outcome.status == "warn"
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=outcome.passed and not warned,
                severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
                metadata={"message": outcome.message, "failing_rows": outcome.failures or 0},
            )
