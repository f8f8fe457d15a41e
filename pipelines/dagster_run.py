"""The steps of a run as Dagster's jobs, in this process: where DAGSTER_HOME keeps their events."""

import dagster as dg

from connectors._base import Window
from pipelines.jobs import (
    REFRESH_BILLING,
    REFRESH_TELEMETRY,
    TRANSFORM,
    build_definitions,
    partition_range_tags,
)
from pipelines.logs import LOGGER
from pipelines.run import Run
from pipelines.settings import ConfiguredSource
from pipelines.source_assets import partitions_of, raw_key, table_keys

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def refresh(run: Run, sources: list[ConfiguredSource]) -> None:
    """Land and normalize; a source that fails is in `run.failures`, and stops no other."""
    definitions = build_definitions(run.settings, run=run)
    for job, is_billing in ((REFRESH_BILLING, True), (REFRESH_TELEMETRY, False)):
        mine = [item for item in sources if item.is_billing is is_billing]
        if mine:
            keys = [key for item in mine for key in (raw_key(item), *table_keys(item))]
            tags = _partition_tags(partitions_of(mine[0]), run.window or Window())
            _execute_job(definitions, run, job, tags=tags, asset_selection=keys)


def transform(run: Run) -> bool:
    """Build, publish and export; tell whether that was published."""
    manifest = run.settings.dbt_project / "target" / "manifest.json"
    definitions = build_definitions(run.settings, manifest if manifest.exists() else None, run)
    return _execute_job(definitions, run, TRANSFORM)


def _execute_job(
    definitions: dg.Definitions,
    run: Run,
    name: str,
    tags: dict[str, str] | None = None,
    asset_selection: list[dg.AssetKey] | None = None,
) -> bool:
    known = len(run.failures)
    with dg.DagsterInstance.get() as instance:
        result = definitions.resolve_job_def(name).execute_in_process(
            run_config=_QUIET,
            instance=instance,
            tags={"unitledger/run_id": run.run_id} | (tags or {}),
            asset_selection=asset_selection,
            raise_on_error=False,
        )
    if not result.success and len(run.failures) == known:
        for event in result.filter_events(lambda event: event.is_step_failure):
            LOGGER.error("%s: %s", event.step_key, event.step_failure_data.error_display_string)
        run.fail(f"{name}: failed; the log is {run.log_file}")
    return result.success


def _partition_tags(
    partitions: dg.TimeWindowPartitionsDefinition, window: Window
) -> dict[str, str]:
    """Return the partitions under which Dagster records the run; the open ones if it is unbounded.

    What is fetched follows the run's window alone, whatever the clock says.
    """
    keys = partitions.get_partition_keys()
    if window.start or window.end:
        keys = [key for key in keys if window.covers(key)] or keys[-1:]
    else:
        keys = keys[-2:]
    return partition_range_tags(keys[0], keys[-1])
