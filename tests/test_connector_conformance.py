"""What holds for every connector, tried on its sample. A new vendor needs no change here.

One row of data_samples/control_totals.csv a source and billing period says what was delivered:
rows, and for charges the vendor's own total. Telemetry has one row a source, without a period.
"""

import calendar
import csv
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

import connectors._normalize
from connectors import all_connectors
from connectors._base import Connector, Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors._sql import connect
from models.config import DEFAULT_ATTRIBUTES
from models.errors import ConfigError, UnitledgerError
from models.tables import Table
from pipelines.settings import load_settings

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
    source = Source(name, str(location), connector.options(), DEFAULT_ATTRIBUTES)
    return Sample(source, connector, Lake(root / "lake"))


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """Every sample, landed and normalized once."""
    known: dict[str, Sample] = {}

    def land(name: str) -> Sample:
        if name not in known:
            known[name] = sample(name, tmp_path_factory.mktemp(name))
            assert known[name].run() == {}
        return known[name]

    return land


every_source = pytest.mark.parametrize("name", SOURCES)
every_total = pytest.mark.parametrize(
    "stated", TOTALS, ids=lambda row: f"{row['source']}-{row['billing_period'] or 'all'}"
)
every_charge = pytest.mark.parametrize(
    "name", [name for name, row in SOURCES.items() if row["billing_period"]]
)


def test_every_connector_has_a_sample_and_control_totals() -> None:
    assert {row["connector"] for row in TOTALS} == set(all_connectors())


@every_source
def test_landing_and_normalizing_again_adds_nothing(
    landed: Callable[[str], Sample], name: str
) -> None:
    known = landed(name)
    before = known.hashes()
    report = known.lake.land(known.source, known.connector, Window())
    assert (report.landed, report.failures) == ([], {})
    assert report.known >= known.lake.index()["slot"].n_unique() > 0
    assert known.run() == {}
    assert known.hashes() == before


def delivered(index: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What a connector says was delivered: rows, amount and rounding, a row a slot and currency."""
    for slot in index.to_dicts():
        yield from slot["delivered"]


@every_total
def test_as_many_rows_were_delivered_as_the_control_totals_say(
    landed: Callable[[str], Sample], stated: dict[str, str]
) -> None:
    known = landed(stated["source"])
    index = known.index(known.connector.produces[0].name)
    if stated["billing_period"]:
        index = index.filter(billing_period=stated["billing_period"])
    assert sum(row["rows"] for row in delivered(index)) == int(stated["rows"])
    in_other_tables = known.lake.index().filter(pl.col("table") != known.connector.produces[0].name)
    assert list(delivered(in_other_tables)) == []


@pytest.mark.parametrize(
    "stated",
    [row for row in TOTALS if row["billed_cost"]],
    ids=lambda row: f"{row['source']}-{row['billing_period']}",
)
def test_the_vendors_total_is_delivered_and_normalized_but_for_rounding(
    landed: Callable[[str], Sample], stated: dict[str, str]
) -> None:
    known = landed(stated["source"])
    index = known.index("charges").filter(billing_period=stated["billing_period"])
    (total,) = delivered(index)
    normalized = [
        row["billed_cost"]
        for row in known.rows("charges")
        if row["x_billing_period"] == stated["billing_period"]
    ]
    with localcontext(prec=60):
        rounding = Decimal(total["rounding"])
        assert total["billing_currency"] == stated["billing_currency"]
        assert Decimal(total["amount"]) == Decimal(stated["billed_cost"])
        assert sum(normalized, Decimal(0)) + rounding == Decimal(stated["billed_cost"])
        assert abs(rounding) <= total["rows"] * Decimal("5e-13")


def tables_of(known: Sample) -> Iterator[tuple[Table, str]]:
    for table in known.connector.produces:
        for file in known.index(table.name)["file"]:
            yield table, str(known.lake.root / file)


@every_source
def test_columns_types_and_required_values_are_those_of_the_contract(
    landed: Callable[[str], Sample], name: str
) -> None:
    files = list(tables_of(landed(name)))
    assert {table.name for table, _ in files} == {
        table.name for table in landed(name).connector.produces
    }
    for table, file in files:
        relation = duckdb.read_parquet(file)
        types = [str(type).lower().replace(",", ", ") for type in relation.types]
        assert list(zip(relation.columns, types, strict=True)) == [
            (column.name, column.type) for column in table.columns
        ]
        required = [column.name for column in table.columns if not column.nullable]
        counts = relation.aggregate(", ".join(f"count({column})" for column in required)).fetchone()
        assert set(counts or ()) == {len(relation)}


@every_source
def test_every_row_says_where_it_was_delivered(landed: Callable[[str], Sample], name: str) -> None:
    known = landed(name)
    places = {
        (name, manifest.delivery_id, file.path)
        for versions in known.lake.manifests(name).values()
        for manifest in versions[-1:]
        for file in manifest.files
    }
    for table in known.connector.produces:
        rows = known.rows(table.name, "x_source, x_delivery_id, x_file, x_row")
        assert {(row["x_source"], row["x_delivery_id"], row["x_file"]) for row in rows} <= places
        assert all(row["x_row"] >= 1 for row in rows)


def month(period: str) -> tuple[datetime, datetime]:
    first = datetime.strptime(period, "%Y-%m")
    days = calendar.monthrange(first.year, first.month)[1]
    return first, datetime.fromordinal(first.toordinal() + days)


@every_charge
def test_periods_are_half_open_and_those_of_the_slot(
    landed: Callable[[str], Sample], name: str
) -> None:
    known = landed(name)
    periods = dict(known.index("charges").select("delivery_id", "billing_period").rows())
    charges = known.rows("charges")
    assert charges
    for row in charges:
        assert row["x_billing_period"] == periods[row["x_delivery_id"]]
        bounds = (row["billing_period_start"], row["billing_period_end"])
        assert bounds == month(row["x_billing_period"])
        assert row["charge_period_start"] < row["charge_period_end"]


@every_charge
def test_a_window_lands_its_own_billing_period_only(name: str, tmp_path: Path) -> None:
    fresh = sample(name, tmp_path)
    period = max(row["billing_period"] for row in TOTALS if row["source"] == name)
    fresh.lake.land(fresh.source, fresh.connector, Window(period, period))
    manifests = [versions[-1] for versions in fresh.lake.manifests(name).values()]
    assert {manifest.billing_period for manifest in manifests} == {period}


@every_source
@pytest.mark.parametrize("threads", [1, 4])
def test_a_copy_of_the_sample_gives_the_same_bytes_on_any_number_of_threads(
    landed: Callable[[str], Sample],
    name: str,
    threads: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect_with_threads() -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute(f"set threads = {threads}")
        return connection

    monkeypatch.setattr(connectors._normalize, "connect", connect_with_threads)
    again = sample(name, tmp_path, copy_of(name, tmp_path))
    assert again.run() == {}
    assert again.hashes() == landed(name).hashes()


def copy_of(name: str, folder: Path) -> Path:
    """A clone of the sample: the same bytes, at other times."""
    location = SAMPLES / SOURCES[name]["location"]
    return shutil.copytree(location, folder / "clone", copy_function=shutil.copyfile)


def damage(location: Path, left: float) -> None:
    """Cut the largest data file of a location to a part of itself."""
    files = [path for path in location.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: (path.stat().st_size, path.name))
    content = largest.read_bytes()
    largest.write_bytes(content[: int(len(content) * left)])


def sentences(broken: Sample) -> list[str]:
    """What a run says is wrong, whether of one slot or of the whole source."""
    try:
        return list(broken.run().values())
    except UnitledgerError as error:
        return [str(error)]


def are_short(said: list[str]) -> bool:
    return all("\n" not in sentence and len(sentence) < 500 for sentence in said)


@every_source
def test_a_file_that_is_cut_off_is_one_sentence_and_never_taken_for_a_whole_one(
    landed: Callable[[str], Sample], name: str, tmp_path: Path
) -> None:
    broken = sample(name, tmp_path, copy_of(name, tmp_path))
    damage(Path(broken.source.location), 0.5)
    said = sentences(broken)
    assert said
    assert are_short(said)
    good = landed(name).lake.index().filter(status="current")
    current = broken.lake.index().filter(status="current")
    assert current.height < good.height
    assert set(current["fingerprint"]) <= set(good["fingerprint"])


@every_source
def test_an_empty_file_is_one_sentence_or_delivers_nothing(name: str, tmp_path: Path) -> None:
    broken = sample(name, tmp_path, copy_of(name, tmp_path))
    damage(Path(broken.source.location), 0)
    said = sentences(broken)
    assert are_short(said)
    stated = sum(int(row["rows"]) for row in TOTALS if row["source"] == name)
    table = broken.connector.produces[0].name
    assert sum(row["rows"] for row in delivered(broken.index(table))) < stated


@every_source
def test_a_broken_file_leaves_the_last_good_state(
    landed: Callable[[str], Sample], name: str, tmp_path: Path
) -> None:
    good = sample(name, tmp_path, copy_of(name, tmp_path))
    assert good.run() == {}
    before = good.lake.index()
    damage(Path(good.source.location), 0.5)
    sentences(good)
    assert good.lake.index().filter(status="current").equals(before)


@pytest.mark.parametrize("connector", all_connectors())
def test_an_option_that_a_connector_does_not_know_is_a_configuration_error(
    connector: str, tmp_path: Path
) -> None:
    source = {"connector": connector, "location": ".", "no_such_option": 1}
    file = tmp_path / "unitledger.yml"
    file.write_text(yaml.safe_dump({"sources": {"mine": source}}))
    with pytest.raises(ConfigError, match=r"sources\.mine\.no_such_option: unknown key; allowed: "):
        load_settings(file)


@every_source
def test_a_location_that_does_not_exist_is_a_configuration_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        sample(name, tmp_path, tmp_path / "nowhere").run()
