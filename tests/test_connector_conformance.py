"""What holds for every connector, tried on its sample. A new vendor needs no change here.

One row of data_samples/control_totals.csv a source and billing period says what was delivered:
rows, and for charges the vendor's own total. Telemetry has one row a source, without a period.
"""

import calendar
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from company import ROOT
from connector_samples import (
    SOURCES,
    TOTALS,
    Sample,
    adopt,
    clone,
    cut_largest_file,
    forget,
    sample,
    sentences,
    threads,
)  # fmt: skip

from connectors import all_connectors
from connectors._base import Window
from connectors._lake import Lake
from models.columns import Table
from models.errors import ConfigError
from pipelines.settings import load_settings


@pytest.fixture(scope="module")
def landed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Sample]:
    """Every sample, landed and normalized once; where all tests run, the company has done it."""

    @cache
    def land(name: str) -> Sample:
        known = sample(name, tmp_path_factory.mktemp(name))
        if "PYTEST_XDIST_WORKER" in os.environ and name in IN_COMPANY:
            adopt(known, Lake(request.getfixturevalue("company").folder / "lake"))
        assert known.run() == {}
        return known

    return land


# The sources that the sample company reads as they are.
IN_COMPANY = {
    name
    for name, source in yaml.safe_load((ROOT / "unitledger.yml").read_text())["sources"].items()
    if set(source) == {"connector", "location"}
}
every_source = pytest.mark.parametrize("name", SOURCES)
every_total = pytest.mark.parametrize(
    "stated", TOTALS, ids=lambda row: f"{row['source']}-{row['billing_period'] or 'all'}"
)
every_charge = pytest.mark.parametrize(
    "name", [name for name, row in SOURCES.items() if row["billed_cost"]]
)


def test_every_connector_has_a_sample_and_control_totals() -> None:
    assert {row["connector"] for row in TOTALS} == set(all_connectors())


@pytest.mark.slow
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


def delivered(index: pl.DataFrame, period: str = "") -> list[dict[str, Any]]:
    """What a connector says was delivered: rows, amount and rounding, by slot and currency."""
    totals = [total for slot in index.to_dicts() for total in slot["delivered"]]
    return [total for total in totals if period in ("", total["billing_period"])]


@every_total
def test_as_many_rows_were_delivered_as_the_control_totals_say(
    landed: Callable[[str], Sample], stated: dict[str, str]
) -> None:
    known = landed(stated["source"])
    totals = delivered(known.index(known.connector.produces[0].name), stated["billing_period"])
    assert sum(row["rows"] for row in totals) == int(stated["rows"])
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
    totals = delivered(known.index("charges"), stated["billing_period"])
    normalized = [
        row["billed_cost"]
        for row in known.rows("charges")
        if row["x_billing_period"] == stated["billing_period"]
    ]
    with localcontext(prec=60):
        rounding = sum((Decimal(total["rounding"]) for total in totals), Decimal(0))
        amount = sum((Decimal(total["amount"]) for total in totals), Decimal(0))
        assert {total["billing_currency"] for total in totals} == {stated["billing_currency"]}
        assert amount == Decimal(stated["billed_cost"])
        assert sum(normalized, Decimal(0)) + rounding == Decimal(stated["billed_cost"])
        assert abs(rounding) <= int(stated["rows"]) * Decimal("5e-13")


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
        assert periods[row["x_delivery_id"]] in (row["x_billing_period"], None)
        bounds = (row["billing_period_start"], row["billing_period_end"])
        assert bounds == month(row["x_billing_period"])
        assert row["charge_period_start"] < row["charge_period_end"]


@every_charge
def test_a_window_lands_its_own_billing_period_only(name: str, tmp_path: Path) -> None:
    fresh = sample(name, tmp_path)
    period = max(row["billing_period"] for row in TOTALS if row["source"] == name)
    fresh.lake.land(fresh.source, fresh.connector, Window(period, period))
    manifests = [versions[-1] for versions in fresh.lake.manifests(name).values()]
    assert {manifest.billing_period for manifest in manifests} <= {period, None}
    assert manifests


@pytest.mark.slow
@every_source
def test_a_clone_of_the_sample_gives_the_same_bytes_on_one_thread_as_on_four(
    name: str, tmp_path: Path
) -> None:
    once = sample(name, tmp_path / "once")
    again = sample(name, tmp_path / "again", clone(name, tmp_path))
    for known, number in ((once, 4), (again, 1)):
        with threads(number):
            assert known.run() == {}
    assert once.hashes() == again.hashes()


@pytest.fixture
def broken(
    landed: Callable[[str], Sample], tmp_path: Path
) -> Callable[[str, float], tuple[Sample, str]]:
    """A landed clone of a sample whose largest file is then cut to a part; and that file's slot."""

    def break_it(name: str, left: float) -> tuple[Sample, str]:
        again = sample(name, tmp_path, clone(name, tmp_path))
        shutil.copytree(landed(name).lake.root, again.lake.root)
        return again, cut_largest_file(again, left)

    return break_it


@every_source
def test_a_file_that_is_cut_off_is_a_sentence_and_never_taken_for_a_whole_one(
    broken: Callable[[str, float], tuple[Sample, str]], name: str
) -> None:
    known, slot = broken(name, 0.5)
    forget(known, slot)
    others = known.lake.index()
    assert len(sentences(known)) == 1
    assert known.lake.index().filter(status="current").equals(others)


@every_source
def test_an_empty_file_is_a_sentence_or_delivers_nothing(
    landed: Callable[[str], Sample],
    broken: Callable[[str, float], tuple[Sample, str]],
    name: str,
) -> None:
    known, slot = broken(name, 0)
    forget(known, slot)
    sentences(known)
    table = known.connector.produces[0].name
    before = sum(row["rows"] for row in delivered(landed(name).index(table)))
    assert sum(row["rows"] for row in delivered(known.index(table))) < before


@every_source
def test_a_broken_file_leaves_the_last_good_state(
    broken: Callable[[str, float], tuple[Sample, str]], name: str
) -> None:
    known, _ = broken(name, 0.5)
    before = known.lake.index()
    sentences(known)
    assert known.lake.index().filter(status="current").equals(before)


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
