"""The lake: raw deliveries, normalized tables, and the index that says which files are in force.

    raw/<source>/<slot>/<version>/…     the vendor's bytes and manifest.json, never changed
    <table>/<name>.parquet              normalized rows, immutable, named by content
    index.parquet                       one row a table, source and slot; swapped by os.replace

A crash at any point leaves the previous index in force; the next run ends with the same bytes.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import polars as pl

from connectors._base import Connector, Delivery, Source, Window
from models.errors import ContractError
from models.manifest import DeliveredFile, Manifest

_INDEX_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "status": pl.String,  # 'current' or 'failed'
    "source": pl.String,
    "connector": pl.String,
    "slot": pl.String,
    "table": pl.String,
    "version": pl.String,
    "delivery_id": pl.String,
    "billing_period": pl.String,
    "file": pl.String,  # relative to the lake; NULL for a failed delivery
    "fingerprint": pl.String,  # of the delivery and of the code that normalized it
    "delivered": pl.List(
        pl.Struct(
            {
                "billing_period": pl.String,
                "billing_currency": pl.String,
                "rows": pl.Int64,
                "amount": pl.String,
                "rounding": pl.String,
            }
        )
    ),
    "days": pl.List(
        pl.Struct(
            {
                "day": pl.Date,
                "rows": pl.Int64,
                "hash": pl.String,
                # Of the rows that can change the facts of other days, and which days those are.
                "reach_hash": pl.String,
                "reach_from": pl.Date,
                "reach_to": pl.Date,
            }
        )
    ),
    # Of attempts: which providers' calls say whose project and key they are of, a day.
    "dimensions": pl.List(
        pl.Struct(
            {
                "day": pl.Date,
                "provider_name": pl.String,
                "has_sub_account": pl.Boolean,
                "has_api_key": pl.Boolean,
            }
        )
    ),
    "error": pl.String,
}
INDEX_SCHEMA = pl.Schema(_INDEX_COLUMNS)

Progress = Callable[[str], None]


def _silent(message: str) -> None:
    del message


@dataclass
class LandReport:
    """What one landing did: new deliveries, how many were known, and one sentence a failed slot."""

    landed: list[Manifest] = field(default_factory=list)
    known: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Lake:
    """A folder that holds everything a vendor sent and everything made from it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # --- raw deliveries -------------------------------------------------------------------------

    def manifests(self, source: str) -> dict[str, list[Manifest]]:
        """Return the landed manifests of a source by slot, the one in force last."""
        slots: dict[str, list[Manifest]] = {}
        for file in sorted((self.root / "raw" / quote(source, safe="")).glob("*/*/manifest.json")):
            manifest = Manifest.model_validate_json(file.read_bytes())
            slots.setdefault(manifest.slot, []).append(manifest)
        for versions in slots.values():
            versions.sort(key=lambda manifest: (manifest.order, manifest.version))
        return slots

    def folder(self, manifest: Manifest) -> Path:
        """Return the folder of a landed delivery."""
        parts = (manifest.source, manifest.slot, manifest.version)
        return self.root.joinpath("raw", *(quote(part, safe=":@+ ") for part in parts))

    def land(
        self, source: Source, connector: Connector, window: Window, progress: Progress = _silent
    ) -> LandReport:
        """Fetch what the vendor offers and the lake lacks.

        A FetchError is raised (safe to retry); a ContractError stops only its own slot, and is
        recorded so that the reconciliation shows it.
        """
        report = LandReport()
        landed = self.manifests(source.name)
        slots: list[str] = []
        failures: list[dict[str, object]] = []
        for delivery in connector.discover(source, window, landed):
            slots.append(delivery.slot)
            versions = landed.get(delivery.slot, [])
            known = [m for m in versions if m.version == delivery.version]
            if known:
                report.known += 1
                self._put_in_force(known[0], delivery, versions)
                continue
            progress(f"{source.name}: fetching {delivery.slot}")
            try:
                manifest = self._land_one(source, connector, delivery, versions)
            except ContractError as error:
                failures.append(failure_row(source, connector, delivery, str(error)))
                report.failures[delivery.slot] = str(error)
            else:
                report.landed.extend([manifest] if manifest else [])
                report.known += manifest is None
        self._record_failures(source.name, slots, failures)
        return report

    def _land_one(
        self, source: Source, connector: Connector, delivery: Delivery, versions: list[Manifest]
    ) -> Manifest | None:
        """Land one delivery; None where its files are those already in force."""
        incoming = self.root / "raw" / quote(source.name, safe="") / f".incoming-{os.getpid()}"
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        try:
            delivery = connector.fetch(source, delivery, incoming)
            manifest = Manifest(
                source=source.name,
                connector=connector.name,
                slot=delivery.slot,
                version=delivery.version,
                order=delivery.order,
                billing_period=delivery.billing_period,
                request=dict(delivery.request),
                files=_delivered_files(incoming),
            )
            if versions and versions[-1].files == manifest.files:
                return None
            _write_atomically(incoming / "manifest.json", manifest.model_dump_json(indent=2))
            target = self.folder(manifest)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(incoming, target)
            return manifest
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _put_in_force(
        self, known: Manifest, delivery: Delivery, versions: Sequence[Manifest]
    ) -> None:
        """A file may change back to what it was: its old version is then in force again."""
        if delivery.order > versions[-1].order and known is not versions[-1]:
            newer = known.model_copy(update={"order": delivery.order})
            _write_atomically(self.folder(known) / "manifest.json", newer.model_dump_json(indent=2))

    # --- the index ------------------------------------------------------------------------------

    @property
    def index_file(self) -> Path:
        return self.root / "index.parquet"

    def index(self) -> pl.DataFrame:
        """Return the index; empty before the first run, and after one with other columns."""
        if self.index_file.exists():
            index = pl.read_parquet(self.index_file)
            if index.schema == INDEX_SCHEMA:
                return index
        return pl.DataFrame(schema=INDEX_SCHEMA)

    def replace_in_index(self, rows: Iterable[dict[str, object]], gone: pl.Expr) -> None:
        """Swap the index: drop the rows that `gone` selects, add `rows`."""
        added = pl.DataFrame(list(rows), schema=INDEX_SCHEMA)
        index = pl.concat([self.index().filter(~gone), added])
        index = index.sort("source", "slot", "table", "status", nulls_last=True)
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.index_file.with_suffix(f".{os.getpid()}.tmp")
        index.write_parquet(temporary)
        os.replace(temporary, self.index_file)

    def _record_failures(
        self, source: str, slots: list[str], failures: list[dict[str, object]]
    ) -> None:
        """Say which of the slots that were asked for failed, and forget what failed before."""
        outdated = (
            (pl.col("source") == source)
            & (pl.col("status") == "failed")
            & pl.col("slot").is_in(slots)
        )
        if failures or self.index().filter(outdated).height:
            self.replace_in_index(failures, gone=outdated)


def slot_is(source: str, slot: str) -> pl.Expr:
    """Select the index rows of one slot."""
    return (pl.col("source") == source) & (pl.col("slot") == slot)


def failure_row(
    source: Source, connector: Connector, delivery: Delivery | Manifest, error: str
) -> dict[str, object]:
    """Return the index row that says why a delivery is not in force."""
    return {
        "status": "failed",
        "source": source.name,
        "connector": connector.name,
        "slot": delivery.slot,
        "version": delivery.version,
        "billing_period": delivery.billing_period,
        "error": error,
    }


def _delivered_files(folder: Path) -> tuple[DeliveredFile, ...]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        DeliveredFile(
            path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=sha256(path)
        )
        for path in files
    )


def sha256(path: Path) -> str:
    """Return the sha256 of a file, read as a stream."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)
