"""Rows of GCP's billing export as BigQuery exports them, and their charges."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import _http
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors._sql import session
from connectors.gcp_billing_export import CONNECTOR
from models.manifest import Manifest

HOUR = "2026-10-05 10:00:00 UTC"


def credit(kind: str, amount: Any, name: str = "A credit") -> dict[str, Any]:
    return {"id": name, "full_name": None, "type": kind, "name": name, "amount": amount}


def row(cost: Any, **changes: Any) -> dict[str, Any]:
    """A row of Cloud Storage; `changes` by path with __ for a dot."""
    start = changes.pop("start", HOUR)
    end = datetime.strptime(start, "%Y-%m-%d %H:%M:%S UTC") + timedelta(hours=1)
    whole: dict[str, Any] = {
        "billing_account_id": "01AAAA-BBBBBB-CCCCCC",
        "invoice": {"month": "202610", "publisher_type": "GOOGLE"},
        "cost_type": "regular",
        "service": {"id": "95FF-2EF5-5EA1", "description": "Cloud Storage"},
        "sku": {"id": "E5F0-6A5D-7BAD", "description": "Standard Storage US Multi-region"},
        "usage_start_time": start,
        "usage_end_time": f"{end:%Y-%m-%d %H:%M:%S} UTC",
        "project": {"id": "larkspur-ml", "name": "Larkspur ML", "labels": []},
        "labels": [],
        "system_labels": [],
        "tags": [],
        "location": {"location": "us-central1", "region": "us-central1", "zone": None},
        "export_time": "2026-10-05 14:00:00.123456 UTC",
        "cost": cost,
        "currency": "USD",
        "currency_conversion_rate": 1,
        "usage": {
            "amount": 3600, "unit": "seconds", "amount_in_pricing_units": 1, "pricing_unit": "hour",
        },
        "credits": [],
        "price": None,
    }  # fmt: skip
    for path, value in changes.items():
        outer, _, inner = path.rpartition("__")
        if not outer:
            whole[inner] = value
        else:
            whole[outer] = {**(whole.get(outer) or {}), inner: value}
    return whole


def write(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return file


def set_today(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    moment = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    monkeypatch.setattr(_http, "now", lambda: moment)


def exported(cost: Any, at: str = "2026-11-03 10:00:00.000001 UTC", **more: Any) -> dict[str, Any]:
    return row(cost, export_time=at, **more)


class Gcp:
    """A source of the connector, its files, and the lake that they land in."""

    def __init__(self, root: Path, location: str | None = None, **options: Any) -> None:
        self.folder = root / "export"
        self.folder.mkdir(exist_ok=True)
        self.lake = Lake(root / "lake")
        settings = CONNECTOR.options(**options)
        self.source = Source("gcp", location or str(self.folder), settings)

    def write(self, name: str, *rows: dict[str, Any]) -> Path:
        return write(self.folder, name, *rows)

    def run(self, window: Window = Window()) -> dict[str, str]:  # noqa: B008
        landing = self.lake.land(self.source, CONNECTOR, window).failures
        return landing | normalize(self.lake, self.source, CONNECTOR)

    def charges(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        """The charges of `rows`, or of everything in force after a run."""
        if rows:
            return self._normalized(self.write("rows.json", *rows))
        failures = self.run()
        assert failures == {}, failures
        index = self.lake.index().filter(table="charges", status="current")
        files = [str(self.lake.root / file) for file in index["file"]]
        return _dicts(duckdb.execute("select * from read_parquet(?)", [files]))

    def _normalized(self, file: Path) -> list[dict[str, Any]]:
        """The charges of one file, as the connector has them: without a lake, which takes time."""
        with session() as connection:
            for name, query in CONNECTOR.read(connection, file.parent, [file.name]).items():
                connection.execute(f"create temp view {name} as {query}")
            return _dicts(connection.execute(CONNECTOR.normalize(self.source)["charges"]))

    def billed(self) -> Decimal:
        return sum((charge["billed_cost"] for charge in self.charges()), Decimal(0))

    def landed(self) -> Decimal:
        """Land; return what the loads in force add up to, by the connector's own sum of each."""
        assert self.lake.land(self.source, CONNECTOR, Window()).failures == {}
        in_force = [versions[-1] for versions in self.lake.manifests("gcp").values()]
        return sum((self._sum(manifest) for manifest in in_force), Decimal(0))

    def _sum(self, manifest: Manifest) -> Decimal:
        with session() as connection:
            folder, files = self.lake.folder(manifest), [file.path for file in manifest.files]
            inputs = CONNECTOR.read(connection, folder, files)
            connection.execute(f"create temp view raw as {inputs['raw']}")
            found = connection.execute(
                f"select coalesce(sum(exact(amount)), 0) from ({CONNECTOR.amounts})"
            ).fetchone()
        assert found
        return Decimal(found[0])


def _dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]
