"""What finance receives: each billing period's tables as CSV and Parquet, in immutable versions.

A version is made only where the content differs. Nothing in it comes from the clock.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from models.errors import ConfigError
from pipelines.exports._files import write_table
from pipelines.exports._inputs import as_of, billing_periods, deliveries, origins
from pipelines.exports._manifest import ExportManifest
from pipelines.exports._tables import EXPORT_TABLES
from pipelines.exports._versions import (
    incoming,
    latest_manifest,
    next_version,
    point_latest,
    publish,
)
from pipelines.lock import lake_lock
from pipelines.logs import LOGGER
from pipelines.settings import Settings
from pipelines.warehouse import read_published

__all__ = ["ExportResult", "export_all", "export_period"]


@dataclass(frozen=True)
class ExportResult:
    """The newest version of a period; `is_new` where this export made it."""

    manifest: ExportManifest
    folder: Path
    is_new: bool


def export_all(settings: Settings) -> list[ExportResult]:
    """Export every delivered billing period; return the newest version of each."""
    with lake_lock(settings.lake.root), read_published(settings) as connection:
        made_from = origins(connection, billing_periods(connection))
        return [
            _export(connection, settings, period, origin) for period, origin in made_from.items()
        ]


def export_period(settings: Settings, period: str) -> ExportResult:
    """Export one billing period ('2026-10'). One that nobody delivered is a ConfigError."""
    with lake_lock(settings.lake.root), read_published(settings) as connection:
        known = billing_periods(connection)
        if period not in known:
            raise ConfigError(
                f"{period}: no bill of this period was delivered; delivered: "
                + (", ".join(known) or "none")
            )
        return _export(connection, settings, period, origins(connection, [period])[period])


def _export(
    connection: duckdb.DuckDBPyConnection, settings: Settings, period: str, origin: str
) -> ExportResult:
    folder, note = settings.exports / period, settings.lake.root / "exported" / period
    try:
        previous = latest_manifest(folder)
        # A note in the lake saves the work where nothing is new.
        made_from = f"{folder} {origin}"
        if previous and _read(note) == f"{previous.version} {made_from}":
            manifest, is_new = previous, False
        else:
            manifest, is_new = _export_changed(connection, folder, period, previous)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{manifest.version} {made_from}")
        point_latest(folder, manifest.version)
    except (OSError, duckdb.IOException) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{settings.exports}: cannot be written: {first}") from None
    return ExportResult(manifest, folder / manifest.version, is_new)


def _read(note: Path) -> str:
    return note.read_text() if note.exists() else ""


def _export_changed(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    period: str,
    previous: ExportManifest | None,
) -> tuple[ExportManifest, bool]:
    """Write a version; keep it only if a file differs from the one before."""
    with incoming(folder) as temporary:
        manifest = _write(connection, period, next_version(folder), temporary)
        if previous and previous.files == manifest.files:
            return previous, False
        manifest = manifest.follow(previous) if previous else manifest
        publish(temporary, manifest)
    LOGGER.info("exports: %s %s is new", manifest.billing_period, manifest.version)
    for change in manifest.changes:
        LOGGER.info("exports: %s %s: %s", manifest.billing_period, manifest.version, change)
    return manifest, True


def _write(
    connection: duckdb.DuckDBPyConnection, period: str, version: str, folder: Path
) -> ExportManifest:
    # Threads would share the rows of a Parquet file out differently.
    connection.execute("set threads = 1")
    return ExportManifest(
        billing_period=period,
        version=version,
        as_of=as_of(connection, period),
        tables=tuple(write_table(connection, table, period, folder) for table in EXPORT_TABLES),
        deliveries=deliveries(connection, period),
    )
