"""A folder of files, read by one connector into a lake of its own."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from connectors._base import Connector, Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize


@dataclass
class LandedSource:
    """What a connector makes of the files in `folder`."""

    root: Path
    connector: Connector
    options: Mapping[str, Any] | None = None
    location: str = ""

    def __post_init__(self) -> None:
        self.folder, self.lake = self.root / "sent", Lake(self.root / "lake")
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def source(self) -> Source:
        options = self.connector.options.model_validate(self.options or {})
        return Source("mine", self.location or str(self.folder), options)

    def save(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        body = text.encode()
        file.write_bytes(gzip.compress(body) if path.endswith(".gz") else body)
        return file

    def failures(self) -> dict[str, str]:
        landed = self.lake.land(self.source, self.connector, Window()).failures
        return landed | normalize(self.lake, self.source, self.connector)

    def rows(self, table: str = "") -> list[dict[str, Any]]:
        """Land, normalize without a failure, and return what is in force."""
        failures = self.failures()
        assert failures == {}, failures
        return self.current(table)

    def current(self, table: str = "") -> list[dict[str, Any]]:
        """What is in force, without another run."""
        name = table or self.connector.produces[0].name
        index = self.lake.index().filter(table=name, status="current")
        files = [str(self.lake.root / file) for file in index["file"]]
        return duckdb.read_parquet(files).to_arrow_table().to_pylist() if files else []
