"""What each delivery changed: it adds up, and does not depend on when anybody looked."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_vendor import SOURCE, Vendor, deliver, land

from connectors._lake import Lake
from connectors._normalize import normalize

# A bill: the cost of each day that it has, in tenths of a cent.
bills = st.dictionaries(st.integers(1, 5), st.integers(-9999, 9999), min_size=1, max_size=5)


def rows_of(bill: dict[int, int]) -> list[str]:
    return [f"2026-10-{day:02d},USD,{Decimal(cost) / 1000}" for day, cost in sorted(bill.items())]


def history(lake: Lake) -> list[dict[str, Any]]:
    """The restatements of the toy vendor, in the order of deliveries."""
    (file,) = lake.index().filter(table="restatements", status="current")["file"]
    cursor = duckdb.execute(
        "from read_parquet(?) order by delivery_number", [str(lake.root / file)]
    )
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def expected(before: dict[int, int], after: dict[int, int]) -> dict[str, Any]:
    kept = before.keys() & after.keys()
    gained, lost = after.keys() - before.keys(), before.keys() - after.keys()
    cost = Decimal(1) / 1000
    return {
        "rows_gained": len(gained),
        "rows_lost": len(lost),
        "rows_changed": sum(before[day] != after[day] for day in kept),
        "billed_cost_before": cost * sum(before.values()),
        "billed_cost_after": cost * sum(after.values()),
        "billed_cost_gained": cost * sum(after[day] for day in gained),
        "billed_cost_lost": cost * sum(before[day] for day in lost),
        "billed_cost_changed": cost * sum(after[day] - before[day] for day in kept),
    }


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(versions=st.lists(bills, min_size=1, max_size=4, unique_by=str), data=st.data())
def test_each_delivery_says_what_it_gained_lost_and_changed_whatever_the_order_of_arrival(
    versions: Sequence[dict[int, int]], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(range(len(versions))))
    looks = data.draw(st.lists(st.booleans(), min_size=len(versions), max_size=len(versions)))
    with TemporaryDirectory() as folder:
        lake, vendor = Lake(Path(folder)), Vendor()
        for number, looks_now in zip(arrivals, looks, strict=True):
            land(lake, vendor, number, rows_of(versions[number]))
            if looks_now:
                assert normalize(lake, SOURCE, vendor.connector()) == {}
        assert normalize(lake, SOURCE, vendor.connector()) == {}
        found = history(lake)

    wanted = [
        expected(before, after)
        for before, after in zip([{}, *versions[:-1]], versions, strict=True)
    ]
    assert [{name: row[name] for name in wanted[0]} for row in found] == wanted
    names = [f"toy/2026-10/v{number}" for number in range(len(versions))]
    assert [(row["delivery_before"], row["delivery_after"]) for row in found] == list(
        zip([None, *names[:-1]], names, strict=True)
    )
    assert sum(row["billed_cost_after"] - row["billed_cost_before"] for row in found) == (
        Decimal(sum(versions[-1].values())) / 1000
    )


def test_a_delivery_that_cannot_be_read_changed_nothing(tmp_path: Path) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    assert deliver(lake, vendor, 1, ["2026-10-01,USD,1"]) == {}
    assert deliver(lake, vendor, 2, ["2026-10-01,USD,one"]) != {}
    assert deliver(lake, vendor, 3, ["2026-10-01,USD,4"]) == {}
    assert [(row["delivery_before"], row["delivery_after"]) for row in history(lake)] == [
        (None, "toy/2026-10/v1"),
        ("toy/2026-10/v1", "toy/2026-10/v3"),
    ]
    assert history(lake)[1]["billed_cost_changed"] == Decimal(3)


def test_looking_again_writes_nothing(tmp_path: Path) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    deliver(lake, vendor, 1, ["2026-10-01,USD,1"])
    before = lake.index_file.stat().st_mtime_ns
    assert normalize(lake, SOURCE, vendor.connector()) == {}
    assert lake.index_file.stat().st_mtime_ns == before


@pytest.mark.parametrize("currencies", [("USD", "EUR")])
def test_currencies_are_told_apart(tmp_path: Path, currencies: tuple[str, str]) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    deliver(lake, vendor, 1, [f"2026-10-01,{currency},1" for currency in currencies])
    assert {row["billing_currency"]: row["billed_cost_after"] for row in history(lake)} == {
        currency: Decimal(1) for currency in currencies
    }
