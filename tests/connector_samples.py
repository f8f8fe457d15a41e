"""The samples of all connectors, as the control totals list them; how they land and are broken."""

import csv
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import connectors._normalize
from connectors import all_connectors
from connectors._base import Connector, Source, Window
from connectors._lake import Lake, sha256, slot_is
from connectors._normalize import normalize
from connectors._sql import connect
from models.config import DEFAULT_ATTRIBUTES
from models.errors import UnitledgerError

SAMPLES = Path(__file__).parents[1] / "data_samples"
with (SAMPLES / "control_totals.csv").open() as _file:
    TOTALS = list(csv.DictReader(_file))
SOURCES = {row["source"]: row for row in TOTALS}


@dataclass(frozen=True)
class Sample:
    """A source's sample, and a lake that it lands in."""

    source: Source
    connector: Connector
    lake: Lake

    def run(self) -> dict[str, str]:
        """Land and normalize; return one sentence a failure."""
        landing = self.lake.land(self.source, self.connector, Window()).failures
        return landing | normalize(self.lake, self.source, self.connector)

    def index(self, table: str) -> pl.DataFrame:
        return self.lake.index().filter(table=table, status="current")

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        files = [str(self.lake.root / file) for file in self.index(table)["file"]]
        query = f"select {columns} from read_parquet(?)"
        cursor = duckdb.execute(query, [files])
        names = [item[0] for item in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def hashes(self) -> dict[str, str]:
        """The content of every file of the lake but the raw ones, and the index."""
        root = self.lake.root
        files = [path for path in root.rglob("*") if path.is_file()]
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.relative_to(root).parts[0] != "raw"
        }


def sample(name: str, root: Path, location: Path | None = None) -> Sample:
    row = SOURCES[name]
    connector = all_connectors()[row["connector"]]
    location = location or SAMPLES / row["location"]
    options = connector.options()
    if "map" in connector.options.model_fields:
        # What configures it lies beside its sample.
        options = connector.options.model_validate({"map": SAMPLES / row["location"] / "map.yml"})
        connector = connector.configured(options)
    source = Source(name, str(location), options, DEFAULT_ATTRIBUTES)
    return Sample(source, connector, Lake(root / "lake"))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let DuckDB normalize on this many threads."""

    def connect_with_threads() -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute(f"set threads = {number}")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors._normalize, "session", connect_with_threads)
        yield


def adopt(known: Sample, lake: Lake) -> None:
    """Take over what a run of the sample company has landed and normalized of this sample."""
    mine = lake.index().filter(source=known.source.name)
    files = {path for table in mine["file"].drop_nulls() for path in [lake.root / table]}
    files |= {path for path in (lake.root / "raw" / known.source.name).rglob("*") if path.is_file()}
    for file in files:
        target = known.lake.root / file.relative_to(lake.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)
    known.lake.replace_in_index(mine.to_dicts(), gone=pl.lit(False))


def clone(name: str, folder: Path) -> Path:
    """Copy the sample: the same bytes, at another place and other times."""
    location = SAMPLES / SOURCES[name]["location"]
    return shutil.copytree(location, folder / "clone", copy_function=shutil.copyfile)


def cut_largest_file(known: Sample, left: float) -> str:
    """Cut the largest file in force, where it was sent from, to a part; return its slot."""
    in_force = [versions[-1] for versions in known.lake.manifests(known.source.name).values()]
    size, digest, slot = max(
        (file.size, file.sha256, manifest.slot) for manifest in in_force for file in manifest.files
    )
    for path in Path(known.source.location).rglob("*"):
        if path.is_file() and sha256(path) == digest:
            # Within a line: a text that ends with one looks whole.
            path.write_bytes(path.read_bytes()[: int(size * left)].rstrip(b"\n"))
    return slot


def forget(known: Sample, slot: str) -> None:
    """Make a slot one that never landed."""
    versions = known.lake.manifests(known.source.name)[slot]
    shutil.rmtree(known.lake.folder(versions[-1]).parent)
    known.lake.replace_in_index([], gone=slot_is(known.source.name, slot))


def sentences(known: Sample) -> list[str]:
    """What a run says is wrong, whether of one slot or of the whole source."""
    try:
        said = list(known.run().values())
    except UnitledgerError as error:
        said = [str(error)]
    assert all("\n" not in sentence and len(sentence) < 500 for sentence in said)
    return said
