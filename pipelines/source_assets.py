"""Two assets a source, from a factory: `raw/<source>` lands, `<table>/<source>` normalizes."""

import warnings
from collections.abc import Iterator

import dagster as dg

from connectors._base import Window
from models.errors import FetchError
from pipelines.metadata import landing_metadata, table_metadata
from pipelines.run import Run, land, normalize_source
from pipelines.settings import ConfiguredSource

# A new code location shows this many partitions; what is older can be asked for with --period.
FIRST_PERIOD = "2024-01"
_RETRY_SECONDS = 60
_WHOLE, _READABLE = "deliveries_are_whole", "deliveries_are_readable"

MONTHLY = dg.MonthlyPartitionsDefinition(start_date=FIRST_PERIOD, fmt="%Y-%m", end_offset=1)
DAILY = dg.DailyPartitionsDefinition(start_date=f"{FIRST_PERIOD}-01", end_offset=1)

warnings.filterwarnings("ignore", category=dg.BetaWarning)


def partitions_of(item: ConfiguredSource) -> dg.TimeWindowPartitionsDefinition:
    """Bills come by billing period, telemetry by day."""
    return MONTHLY if item.is_billing else DAILY


def raw_key(item: ConfiguredSource) -> dg.AssetKey:
    """Return the key of what a source delivered."""
    return dg.AssetKey(["raw", item.name])


def table_keys(item: ConfiguredSource) -> list[dg.AssetKey]:
    """Return the keys of the tables that a source's deliveries become."""
    return [dg.AssetKey([table.name, item.name]) for table in item.connector.produces]


def build_source_assets(item: ConfiguredSource) -> list[dg.AssetsDefinition]:
    """Return the assets of one source."""
    return [_raw_asset(item), _table_assets(item)]


def _raw_asset(item: ConfiguredSource) -> dg.AssetsDefinition:
    key = raw_key(item)

    @dg.multi_asset(
        name=f"raw__{item.name}",
        specs=[
            dg.AssetSpec(
                key,
                description=f"{item.connector.title}, as delivered to {item.source.location}.",
                group_name="raw",
                partitions_def=partitions_of(item),
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(_WHOLE, asset=key, description="Every delivery could be fetched.")
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"run"},
    )
    def raw(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        run: Run = context.resources.run
        try:
            report = land(run, item, window_of(context, run))
        except FetchError as error:
            if context.retry_number >= run.max_retries:
                raise
            raise dg.RetryRequested(run.max_retries, _RETRY_SECONDS) from error
        yield dg.MaterializeResult(asset_key=key, metadata=landing_metadata(report))
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=_WHOLE,
            passed=not report.failures,
            metadata=dict(report.failures),
        )

    return raw


def _table_spec(item: ConfiguredSource, key: dg.AssetKey) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[raw_key(item)],
        description=f"{item.name} in the columns of the lake's table {key.path[0]}.",
        group_name=key.path[0],
        partitions_def=partitions_of(item),
    )


def _table_assets(item: ConfiguredSource) -> dg.AssetsDefinition:
    keys = table_keys(item)

    @dg.multi_asset(
        name=f"tables__{item.name}",
        specs=[_table_spec(item, key) for key in keys],
        check_specs=[
            dg.AssetCheckSpec(
                _READABLE, asset=keys[0], description="Every delivery fits the contract."
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"run"},
    )
    def tables(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        run: Run = context.resources.run
        failures = normalize_source(run, item)
        index = run.settings.lake.index()
        for key in keys:
            metadata = table_metadata(index, key.path[0], item.name)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        yield dg.AssetCheckResult(
            asset_key=keys[0],
            check_name=_READABLE,
            passed=not failures,
            metadata=dict(failures),
        )

    return tables


def window_of(context: dg.AssetExecutionContext, run: Run) -> Window:
    """Return what the run asks for: its own window, else the partitions that Dagster names."""
    if run.window is not None:
        return run.window
    if context.has_partition_key:
        return Window(context.partition_key, context.partition_key)
    keys = context.partition_key_range
    return Window(keys.start, keys.end)
