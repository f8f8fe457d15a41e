"""Jobs, schedules and the whole of what Dagster loads, for one configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.focus_check import build_focus_check
from pipelines.logs import new_run_id
from pipelines.report_asset import build_report_asset
from pipelines.run import Run
from pipelines.settings import ConfiguredSource, Settings
from pipelines.source_assets import (
    DAILY,
    MONTHLY,
    build_source_assets,
    raw_key,
    table_keys,
)
from pipelines.warehouse_assets import (
    build_conservation_check,
    build_exports_asset,
    build_lake_asset,
    build_plain_marts_asset,
)

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

REFRESH_BILLING, REFRESH_TELEMETRY, TRANSFORM = "refresh_billing", "refresh_telemetry", "transform"
_MAX_RETRIES = 3
# A scheduled run waits for the one before it.
_WAIT_SECONDS = 3600.0
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


def build_definitions(
    settings: Settings, manifest: Path | None = None, run: Run | None = None
) -> dg.Definitions:
    """Return assets, checks, jobs and schedules. With dbt's manifest, each model is an asset.

    `run` is what the command was asked for; without one, each Dagster run is its own.
    """
    sources = list(settings.sources.values())
    marts = _marts_asset(manifest)
    transform_assets = [
        build_lake_asset(settings),
        marts,
        build_exports_asset(),
        build_report_asset(),
    ]
    billing = [item for item in sources if item.is_billing]
    telemetry = [item for item in sources if not item.is_billing]
    return dg.Definitions(
        assets=[
            *(asset for item in sources for asset in build_source_assets(item)),
            *transform_assets,
        ],
        asset_checks=[build_conservation_check(), build_focus_check()],
        jobs=[
            *_refresh_job(REFRESH_BILLING, billing),
            *_refresh_job(REFRESH_TELEMETRY, telemetry),
            dg.define_asset_job(
                TRANSFORM,
                selection=dg.AssetSelection.assets(*transform_assets),
                description="Build what the lake's index says has changed, and publish it.",
            ),
        ],
        schedules=_schedules(bool(billing), bool(telemetry)),
        resources={"run": _run_resource(settings, run)},
        executor=dg.in_process_executor,
    )


def _marts_asset(manifest: Path | None) -> dg.AssetsDefinition:
    if manifest is None:
        return build_plain_marts_asset()
    # Two seconds to import: only where the lineage is shown.
    from pipelines.model_assets import build_dbt_assets

    return build_dbt_assets(manifest)


def _refresh_job(
    name: str, sources: list[ConfiguredSource]
) -> "list[UnresolvedAssetJobDefinition]":
    keys = [key for item in sources for key in (raw_key(item), *table_keys(item))]
    if not keys:
        return []
    description = "Land and normalize what vendors have to offer for the partitions."
    selection = dg.AssetSelection.assets(*keys)
    return [dg.define_asset_job(name, selection=selection, description=description)]


def _run_resource(settings: Settings, run: Run | None) -> dg.ResourceDefinition:
    """Return the resource that holds the lake from the first step of a job to its last."""

    @dg.resource
    @contextmanager
    def run_resource(context: dg.InitResourceContext) -> Iterator[Run]:
        this = run or Run(
            settings,
            max_retries=_MAX_RETRIES,
            wait_seconds=_WAIT_SECONDS,
            run_id=context.run.run_id if context.run else new_run_id(),
        )
        with this.hold():
            yield this

    return run_resource


# --- schedules ----------------------------------------------------------------------------------


def _schedules(billing: bool, telemetry: bool) -> list[dg.ScheduleDefinition]:
    """Refresh each morning, then transform: vendors restate a period until its invoice closes."""

    @dg.schedule(
        job_name=REFRESH_BILLING,
        cron_schedule="0 5 * * *",
        execution_timezone="UTC",
        description="The open and the previous billing period.",
    )
    def refresh_billing_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return _last_two(MONTHLY, context)

    @dg.schedule(
        job_name=REFRESH_TELEMETRY,
        cron_schedule="15 5 * * *",
        execution_timezone="UTC",
        description="Today and yesterday.",
    )
    def refresh_telemetry_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return _last_two(DAILY, context)

    transform_daily = dg.ScheduleDefinition(
        name="transform_daily",
        job_name=TRANSFORM,
        cron_schedule="30 5 * * *",
        execution_timezone="UTC",
        description="Whatever the two before it brought.",
    )
    wanted = ((refresh_billing_daily, billing), (refresh_telemetry_daily, telemetry))
    return [*(schedule for schedule, is_needed in wanted if is_needed), transform_daily]


def _last_two(
    partitions: dg.TimeWindowPartitionsDefinition, context: dg.ScheduleEvaluationContext
) -> dg.RunRequest:
    keys = partitions.get_partition_keys(current_time=context.scheduled_execution_time)
    return dg.RunRequest(tags=partition_range_tags(keys[-2], keys[-1]))


def partition_range_tags(first: str, last: str) -> dict[str, str]:
    """Return the tags that make one run of a range of partitions."""
    return {_RANGE_START: first, _RANGE_END: last}
