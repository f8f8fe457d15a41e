"""The job `transform`: the lake's tables, the dbt project and the exports as assets."""

from collections.abc import Iterator

import dagster as dg

from models.tables import TABLES
from pipelines.config_tables import CONFIG_SCHEMAS
from pipelines.metadata import markdown_table, sentences
from pipelines.run import Run, export
from pipelines.settings import Settings
from pipelines.steps import build_marts, check_conservation, prepare_and_check
from pipelines.transform import publish_if_good

CHECKS = {
    "schema": "Every table has the columns and types of its contract.",
    "landed_equals_normalized": "Normalized rows and their rounding add up to the delivery.",
    "control_totals": "Deliveries add up to what their vendors stated.",
    "exchange_rates": "Every charge can be converted into the reporting currency, by one rate.",
    "one_authority": "No two sources bill the same provider, account and period.",
}
_RECONCILIATION = "cost_reconciliation"
_CHARGES = dg.AssetKey(["charges", "all"])

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def build_lake_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return `<table>/all` and `config/<table>`: what dbt reads, checked before it does."""

    @dg.multi_asset(
        name="lake_tables",
        specs=list(_lake_specs(settings)),
        check_specs=[
            dg.AssetCheckSpec(name, asset=_CHARGES, description=sentence, blocking=True)
            for name, sentence in CHECKS.items()
        ],
        required_resource_keys={"run"},
    )
    def lake_tables(context: dg.AssetExecutionContext) -> Results:
        run: Run = context.resources.run
        with run.step("lake"):
            checks = prepare_and_check(run)
        for key in context.assets_def.keys:
            yield dg.MaterializeResult(asset_key=key)
        for name in CHECKS:
            failures = checks.get(name, ())
            yield dg.AssetCheckResult(
                asset_key=_CHARGES,
                check_name=name,
                passed=not failures,
                metadata=sentences(failures),
            )

    return lake_tables


def _lake_specs(settings: Settings) -> Iterator[dg.AssetSpec]:
    for name, table in TABLES.items():
        yield dg.AssetSpec(
            [name, "all"],
            deps=[
                [name, item.name]
                for item in settings.sources.values()
                if table in item.connector.produces
            ],
            description=f"Every source's {name}: exactly the files that the index lists.",
            group_name=name,
        )
    for name in CONFIG_SCHEMAS:
        yield dg.AssetSpec(
            ["config", name], group_name="config", description="From unitledger.yml."
        )
    yield dg.AssetSpec(["lake", "index"], group_name="lake", description="Files in force.")
    yield dg.AssetSpec(["lake", "token_prices"], group_name="lake", description="List prices.")
    yield dg.AssetSpec(
        ["lake", "priced_models"],
        group_name="lake",
        description="What the price catalogue calls the models of attempts.",
    )


def build_plain_marts_asset() -> dg.AssetsDefinition:
    """Return the dbt project as one asset: where its manifest was not written."""

    @dg.asset(
        key=["marts", _RECONCILIATION],
        deps=[[name, "all"] for name in TABLES],
        description="All models; `make dbt-parse` writes the manifest that shows them one by one.",
        group_name="marts",
        required_resource_keys={"run"},
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        run: Run = context.resources.run
        with run.step("transform"):
            outcomes = build_marts(run)
            if outcomes:
                publish_if_good(run.settings, outcomes)
        return dg.MaterializeResult(metadata={"nodes": len(outcomes)})

    return marts


def build_exports_asset() -> dg.AssetsDefinition:
    """Return the versioned files that finance receives."""

    @dg.asset(
        key=["exports", "finance"],
        deps=[["marts", _RECONCILIATION]],
        description="A new version of a period's files wherever its numbers changed.",
        group_name="exports",
        required_resource_keys={"run"},
    )
    def finance(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        run: Run = context.resources.run
        export(run)
        versions: list[list[object]] = [
            [result.manifest.billing_period, result.manifest.version, result.is_new]
            for result in run.exported
        ]
        return dg.MaterializeResult(
            metadata={"versions": markdown_table(["period", "version", "new"], versions)}
        )

    return finance


def build_conservation_check() -> dg.AssetChecksDefinition:
    """Return the check that every published difference is 0."""

    @dg.asset_check(
        asset=["marts", _RECONCILIATION],
        name="conservation",
        description="Every step of every source, period and currency adds up exactly.",
        required_resource_keys={"run"},
    )
    def conservation(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        failures = check_conservation(context.resources.run)
        return dg.AssetCheckResult(passed=not failures, metadata=sentences(failures))

    return conservation
