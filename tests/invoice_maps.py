"""Maps written in tests, and what becomes of an invoice that they read."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml
from connector_samples import SAMPLES, Sample

from connectors import all_connectors
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._maps.yaml_file import load_map
from connectors._normalize import normalize
from connectors._sql import session
from connectors.invoice_mapping import MappedOptions, connector_of
from connectors.invoice_mapping._map import Map

LATE = "20261103T060000Z"  # when the last answers of the sample were fetched
ABOUT = dict.fromkeys(
    ("interface", "granularity", "restated", "cannot_tell", "tested_with"), "a test"
) | {"vendor": "Polar Cloud", "kind": "gpu"}

# The least that a map says; tests put their own in its place.
PLAIN: dict[str, Any] = {
    "title": "Polar Cloud invoice",
    "documentation": "https://polar.example/billing",
    "about": ABOUT,
    "money": {"cost": {}},
    "times": {"day": {}},
    "categories": [{"category": "Usage"}],
    "charges": {
        "billed_cost": "cost",
        "charge_period_start": "day",
        "charge_period_end": "cast(day as timestamp) + interval 1 day",
    },
    "constants": {
        "billing_currency": "USD",
        "service_category": "Compute",
        "service_name": "Polar",
    },
    "control_total": {"none": "a test"},
}


def plain(**changes: Any) -> dict[str, Any]:
    """PLAIN with other sections; a section that is a mapping is added to, None leaves it out."""
    content = dict(PLAIN)
    for key, value in changes.items():
        if isinstance(value, dict) and key in ("charges", "constants", "money", "times"):
            content[key] = {**content[key], **value}
        else:
            content[key] = value
    return {key: value for key, value in content.items() if value is not None}


def csv(*rows: str, columns: str = "day,cost") -> str:
    return "\n".join([columns, *rows]) + "\n"


class Mapped:
    """A lake that a map's connector lands in, from a folder of files."""

    def __init__(self, root: Path, content: Mapping[str, Any]) -> None:
        file = root / "map.yml"
        file.write_text(yaml.safe_dump(dict(content), allow_unicode=True))
        self.map_ = load_map(file, Map)
        self.connector = connector_of("polar", self.map_)
        self.folder = root / "sent"
        self.folder.mkdir(exist_ok=True)
        self.lake = Lake(root / "lake")

    def send(self, name: str, content: str | bytes) -> "Mapped":
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def run(self, window: Window | None = None) -> dict[str, str]:
        """Land and normalize; return one sentence a failure."""
        source = Source("polar", str(self.folder), MappedOptions())
        landing = self.lake.land(source, self.connector, window or Window()).failures
        return landing | normalize(self.lake, source, self.connector)

    def sentence(self) -> str:
        (said,) = self.run().values()
        assert "\n" not in said
        return said

    def rows(self, columns: str, **filters: str) -> list[Any]:
        """Columns of the normalized rows: tuples, or values where it is one column."""
        assert self.run() == {}
        table = self.connector.produces[0].name
        index = self.lake.index().filter(table=table, status="current", **filters)
        files = [str(self.lake.root / file) for file in index["file"]]
        query = f"select {columns} from read_parquet(?) order by x_billing_period, x_file, x_row"
        found = duckdb.execute(query, [files]).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def quickly(self, columns: str, content: str | bytes, name: str = "sent.csv") -> list[Any]:
        """Columns of the normalized rows of one file, without a lake."""
        self.send(f"2026-10/{name}", content)
        source = Source("polar", str(self.folder), MappedOptions())
        with session() as connection:
            (query,) = self.connector.read(connection, self.folder, [f"2026-10/{name}"]).values()
            connection.execute(f"create temp view raw as {query}")
            (normalized,) = self.connector.normalize(source).values()
            return connection.execute(f"select {columns} from ({normalized})").fetchall()


# --- the shipped maps -----------------------------------------------------------------------------


def read(tmp_path: Path, name: str, files: dict[str, Any]) -> Sample:
    """Land files by their path; a value that is no text is written as JSON."""
    for path, content in files.items():
        file = tmp_path / "sent" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    connector = all_connectors()[name]
    source = Source(name, str(tmp_path / "sent"), connector.options())
    return Sample(source, connector, Lake(tmp_path / "lake"))


def columns(landed: Sample, names: str, table: str = "charges") -> list[tuple[Any, ...]]:
    rows = landed.rows(table)
    rows.sort(key=lambda row: (row["x_billing_period"], row["x_file"], row["x_row"]))
    return [tuple(row[name] for name in names.split(", ")) for row in rows]


def answer(name: str, file: str, month: str = "2026-10") -> Any:
    """A saved answer, its numbers as decimals."""
    text = (SAMPLES / name / month / LATE / file).read_text()
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)
