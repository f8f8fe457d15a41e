"""`unitledger run`: the three jobs in order, in this process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from connectors._base import Window
from models.errors import UnitledgerError
from pipelines.config_tables import write_config_tables
from pipelines.jobs import (
    REFRESH_BILLING,
    REFRESH_TELEMETRY,
    TRANSFORM,
    build_definitions,
    partition_range_tags,
)
from pipelines.logs import LOGGER
from pipelines.run import Run, export
from pipelines.settings import ConfiguredSource
from pipelines.source_assets import partitions_of, raw_key, table_keys
from pipelines.warehouse import is_current

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute(run: Run, sources: list[ConfiguredSource]) -> bool:
    """Refresh the sources, then transform if anything is new; tell whether that was published.

    What fails is in `run.failures`; a failing source does not stop the others.
    """
    with run.hold(), _instance() as instance:
        definitions = build_definitions(run.settings, run=run)
        for job, is_billing in ((REFRESH_BILLING, True), (REFRESH_TELEMETRY, False)):
            mine = [item for item in sources if item.is_billing is is_billing]
            if mine:
                _refresh(definitions, instance, run, job, mine)
        write_config_tables(run.settings)
        if is_current(run.settings) and not run.rebuild:
            LOGGER.info("nothing new: the published warehouse is current")
            with suppress(UnitledgerError):
                export(run)
            return False
        LOGGER.info("building the marts")
        definitions = build_definitions(run.settings, _shown_manifest(run), run)
        return _execute_job(definitions, instance, run, TRANSFORM)


def _shown_manifest(run: Run) -> Path | None:
    """Return dbt's manifest where somebody keeps the events, so that each model has its own."""
    manifest = run.settings.dbt_project / "target" / "manifest.json"
    return manifest if os.environ.get("DAGSTER_HOME") and manifest.exists() else None


def _refresh(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    run: Run,
    job: str,
    sources: list[ConfiguredSource],
) -> None:
    keys = [key for item in sources for key in (raw_key(item), *table_keys(item))]
    tags = _partition_tags(partitions_of(sources[0]), run.window or Window())
    _execute_job(definitions, instance, run, job, tags=tags, asset_selection=keys)


def _execute_job(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    run: Run,
    name: str,
    tags: dict[str, str] | None = None,
    asset_selection: list[dg.AssetKey] | None = None,
) -> bool:
    known = len(run.failures)
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


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """Give Dagster's own instance where DAGSTER_HOME says there is one; else forget the events."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as instance:
            yield instance
    else:
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance
