"""The sample company with a part of its telemetry lost, beside counters that lost nothing."""

import os
import shutil
from pathlib import Path

import duckdb
import polars as pl
from company import Company, write_sample_config

from benchmarks.lake import put
from connectors._lake import Lake
from larkspur.company import SAMPLE, SAMPLE_ATTEMPTS, SEED
from larkspur.traffic import traffic
from models.columns import Table
from models.signals import COUNTER_DELTAS
from models.tables import ATTEMPTS
from pipelines.config_tables import write_config_tables
from pipelines.settings import Settings, load_settings
from pipelines.transform import _invoke
from pipelines.warehouse import build_file, prepare

_COUNTERS = {
    "requests": "1",
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_tokens",
    "output_tokens": "output_tokens",
}
_LABELS = ("customer_id", "feature", "workflow", "team", "environment")


def every(percent: float, key: str, seed: int = 0) -> str:
    """Return a condition that this part of the rows meet, with one seed always the same ones."""
    return f"hash({key} || 'lost{seed or ''}') % 10000 < {round(percent * 100)}"


def spoiled(
    company: Company, folder: Path, attempts: str, counted_by: tuple[str, ...] = ()
) -> Path:
    """Build the costs of attempts and their bounds from other attempts; return the warehouse.

    `attempts` is a query of the table `attempts`. `counted_by` names what has counters: 'engine',
    by pod, and 'gateway', by who asked.
    """
    settings = load_settings(write_sample_config(folder))
    shutil.copytree(
        company.folder / "lake",
        folder / "lake",
        copy_function=os.link,
        ignore=shutil.ignore_patterns("facts"),
        dirs_exist_ok=True,
    )
    _rewrite_attempts(settings.lake, attempts)
    if counted_by:
        query = " union all by name ".join(_counters(name) for name in counted_by)
        counted = pl.concat([everything(), _of_the_beta(settings.lake)], how="diagonal_relaxed")
        _put(settings.lake, "counters", COUNTER_DELTAS, query, counted)
    return _build(settings)


def everything() -> pl.DataFrame:
    """Return all requests that the company made, also those that left no span."""
    days: list[pl.DataFrame] = list(traffic(SAMPLE_ATTEMPTS, SAMPLE.days, SEED))
    return pl.concat(days)


def _of_the_beta(lake: Lake) -> pl.DataFrame:
    """Return the requests of the beta, whose spans are not spoiled, in the columns of `traffic`."""
    index = pl.read_parquet(lake.root / "index.parquet")
    listed = index.filter(source="calls_traces", table="attempts", status="current")
    files = [str(lake.root / file) for file in listed["file"]]
    with duckdb.connect() as connection:
        return connection.execute(
            f"""
            select
                epoch_ms(ended_at) as ended_ms, status as outcome, pod_uid, request_model as model,
                uncached_input_tokens + cache_read_tokens as input_tokens,
                cache_read_tokens as cached_tokens, output_tokens, {", ".join(_LABELS)}
            from read_parquet($files)
            """,
            {"files": files},
        ).pl()


def _rewrite_attempts(lake: Lake, query: str) -> None:
    index = pl.read_parquet(lake.root / "index.parquet")
    listed = index.filter(source="traces", table="attempts", status="current")
    for row in listed.iter_rows(named=True):
        with duckdb.connect() as connection:
            connection.execute(
                "create view attempts as select * exclude (x_source, x_delivery_id) "
                f"from read_parquet('{lake.root / row['file']}')"
            )
            frame = connection.execute(query).pl()
        _put(lake, row["slot"], ATTEMPTS, "from frame", frame)


def _put(lake: Lake, slot: str, table: Table, query: str, frame: pl.DataFrame) -> None:
    put(lake, "traces", "otel_genai", slot, table, query, frame)


def _counters(counted_by: str) -> str:
    """Return the counters of each minute: an engine knows its pod, a gateway who asked."""
    keys = ("pod_uid",) if counted_by == "engine" else _LABELS
    where = "and pod_uid is not null" if counted_by == "engine" else ""
    return " union all by name ".join(
        f"""
        select
            date_trunc('minute', make_timestamp(ended_ms * 1000)) as counted_from,
            counted_from + interval 1 minute as counted_to,
            '{counted_by}' as counted_by, '{counter}' as counter, sum({tokens}) as quantity,
            false as is_reset, model, {", ".join(keys)}, 'counters.json' as x_file, 1 as x_row
        from frame where outcome <> 'rejected' {where} group by all
        """
        for counter, tokens in _COUNTERS.items()
    )


def _build(settings: Settings) -> Path:
    write_config_tables(settings)
    prepare(settings)
    (settings.lake.root / "facts").mkdir(exist_ok=True)
    wanted = ("+cost_bounds_monthly", "--exclude-resource-type", "test", "unit_test")
    failed = [item for item in _invoke(settings, ["build", "--select", *wanted]) if not item.passed]
    assert not failed, failed
    return build_file(settings)
