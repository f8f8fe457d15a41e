"""A source of metrics and the lake that its days land in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import connectors._http
from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.prometheus import CONNECTOR
from connectors.prometheus._options import PrometheusOptions


@dataclass(frozen=True)
class Metrics:
    source: Source
    lake: Lake

    def land(self, first: str, last: str | None = None) -> LandReport:
        return self.lake.land(self.source, CONNECTOR, Window(first, last or first))

    def land_all(self) -> LandReport:
        """Land whatever a run without a window does."""
        return self.lake.land(self.source, CONNECTOR, Window())

    def run(self, first: str, last: str | None = None) -> "Metrics":
        assert self.land(first, last).failures == {}
        failures = normalize(self.lake, self.source, CONNECTOR)
        assert failures == {}, failures
        return self

    def rows(self, table: str, where: str = "true", order: str = "all") -> list[dict[str, Any]]:
        index = self.lake.index().filter(table=table, status="current")
        files = [str(self.lake.root / file) for file in index["file"]]
        query = f"select * from read_parquet(?) where {where} order by {order}"
        cursor = duckdb.execute(query, [files])
        names = [item[0] for item in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def values(self, table: str, columns: Sequence[str], where: str = "true") -> list[Any]:
        """Return some columns of a table's rows, in their order."""
        rows = self.rows(table, where, ", ".join(columns))
        return [tuple(row[name] for name in columns) for row in rows]


def metrics(location: str | Path, root: Path, **options: Any) -> Metrics:
    given = PrometheusOptions.model_validate(options)
    return Metrics(Source("metrics", str(location), given), Lake(root / "lake"))


@contextmanager
def today_is(moment: datetime) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors._http, "now", lambda: moment)
        yield
