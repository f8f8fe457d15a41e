"""A vendor's answers about October as somebody saved them, and the lake that they are read into."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from connectors._base import Connector, Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize


class SavedPages:
    """A folder of saved pages; each vendor's own class names its connector."""

    connector: ClassVar[Connector]

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.source = Source(
            self.connector.name, str(root / "pages"), self.connector.options(**options)
        )
        self.lake = Lake(root / "lake")

    def save(self, pages: Mapping[str, str], fetched_at: str = "20261103T060000Z") -> None:
        folder = self.root / "pages" / "2026-10" / fetched_at
        folder.mkdir(parents=True)
        for name, text in pages.items():
            (folder / name).write_text(text)

    def failures(self) -> list[str]:
        landed = self.lake.land(self.source, self.connector, Window()).failures
        return [*landed.values(), *normalize(self.lake, self.source, self.connector).values()]

    def table(self, name: str = "charges") -> list[dict[str, Any]]:
        """Return the rows in force."""
        listed = self.lake.index().filter(table=name, status="current")["file"]
        files = [str(self.lake.root / file) for file in listed]
        return duckdb.from_parquet(files).to_arrow_table().to_pylist()

    def charges_of(self, pages: Mapping[str, str]) -> list[dict[str, Any]]:
        """Save these pages, read them without a failure, and return their charges."""
        self.save(pages)
        assert self.failures() == []
        return self.table()
