"""The lake: what is in force whatever the order of arrival, and money that keeps its digits."""

from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_vendor import Vendor, deliver, in_force

from connectors._lake import Lake
from connectors._sql import session
from models.errors import FetchError

costs = st.decimals(min_value=-(10**9), max_value=10**9, places=15, allow_nan=False)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(
    bills=st.lists(st.lists(costs, min_size=1, max_size=4), min_size=2, max_size=3),
    data=st.data(),
)
def test_the_newest_version_is_in_force_whatever_the_order_of_arrival(
    bills: list[list[Decimal]], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(range(len(bills))))
    replayed = [*arrivals, *arrivals]
    with TemporaryDirectory() as folder:
        lake, vendor = Lake(Path(folder)), Vendor()
        for version in replayed:
            rows = [f"2026-10-01,USD,{cost:f}" for cost in bills[version]]
            assert deliver(lake, vendor, version, rows) == {}
        cents = Decimal("0.000000000001")
        newest = sum(
            (cost.quantize(cents, rounding=ROUND_HALF_EVEN) for cost in bills[-1]), Decimal(0)
        )
        versions, total = in_force(lake)
        assert total == newest
        # A version whose bytes are those in force is not landed again.
        assert versions == [f"v{len(bills) - 1}"] or bills[-1] in bills[:-1]


@settings(max_examples=20, deadline=None)
@given(amounts=st.lists(costs, min_size=1, max_size=50))
def test_money_is_rounded_half_even_to_twelve_decimals(amounts: list[Decimal]) -> None:
    ties = [amount + Decimal("0.0000000000005") for amount in amounts]
    texts = [f"{amount:f}" for amount in (*amounts, *ties)]
    with session() as connection:
        query = "select money(text) from (select unnest(?) as text)"
        found = [row[0] for row in connection.execute(query, [texts]).fetchall()]
    rounded = [Decimal(text).quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN) for text in texts]
    assert found == rounded


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("1.5e3", "1500"),
        ("6e-07", "0.000000600000"),
        ("-1.5E-7", "-0.000000150000"),
        ("0E-9", "0"),
        (" 3 ", "3"),
    ],
)
def test_money_is_read_from_every_spelling_that_vendors_use(text: str, money: str) -> None:
    with session() as connection:
        found = connection.execute("select money(?)", [text]).fetchone()
    assert found == (Decimal(money),)


def test_a_bad_delivery_keeps_the_last_good_rows_and_says_why(tmp_path: Path) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    deliver(lake, vendor, 1, ["2026-10-01,USD,1.5"])

    failures = deliver(lake, vendor, 2, ["2026-10-01,USD,2", "2026-10-02,USD,two"])

    sentence = "toy 2026-10: file bill.csv, row 2: cost is 'two'; allowed: money"
    assert failures == {"2026-10": sentence}
    assert in_force(lake) == (["v1"], Decimal("1.5"))
    failed = lake.index().filter(pl.col("status") == "failed")
    assert failed["error"].to_list() == [sentence]
    # A corrected delivery is in force, and nothing is said to have failed any more.
    assert deliver(lake, vendor, 3, ["2026-10-01,USD,2"]) == {}
    assert in_force(lake) == (["v3"], Decimal(2))
    assert set(lake.index()["status"]) == {"current"}


def test_currencies_are_delivered_apart_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    deliver(lake, vendor, 1, ["2026-10-01,USD,1.5", "2026-10-01,EUR,2.25"])
    delivered = lake.index()["delivered"].to_list()[0]
    assert {item["billing_currency"]: Decimal(item["amount"]) for item in delivered} == {
        "EUR": Decimal("2.25"),
        "USD": Decimal("1.5"),
    }

    assert deliver(lake, vendor, 2, ["2026-10-01,XYZ,1"]) == {
        "2026-10": "toy 2026-10: file bill.csv, row 1:"
        " billing_currency is not an ISO 4217 code (XYZ)"
    }


def test_a_fetch_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    lake, vendor = Lake(tmp_path), Vendor()
    vendor.fails = True

    with pytest.raises(FetchError, match="the line was cut"):
        deliver(lake, vendor, 1, ["2026-10-01,USD,1"])

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_every_amount_is_as_exact_short_or_long() -> None:
    texts = ["0.1", "-0.5", "123456.123456", "1234567.1", "0.000000000001", ".5", "5", "-1.1e-3"]
    texts += ["3600", "-999999999999", "1000000000000", "137438953472.0", "-123456789012.654321"]
    texts += ["99.0000000000015", "-1.9999999999995000", "12345678901234.5", "1E3"]
    with session() as connection:
        query = "select exact(text), money(text) from (select unnest(?) as text)"
        rows = connection.execute(query, [texts]).fetchall()
    rounded = [Decimal(text).quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN) for text in texts]
    assert rows == [(Decimal(text), cost) for text, cost in zip(texts, rounded, strict=True)]
