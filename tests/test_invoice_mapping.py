"""Invoices that a map reads: numbers, times, categories and what follows from them."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invoice_maps import Mapped, csv, plain

from connectors._maps.expressions import create_macros
from connectors._sql import connect
from connectors.invoice_mapping._cleaning import PLAIN_NUMBER, money_sql
from connectors.invoice_mapping._map import Money
from models.errors import ContractError


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    return lambda **changes: Mapped(tmp_path, plain(**changes))


@pytest.mark.parametrize(
    ("parser", "text", "amount"),
    [
        ({}, "3.11", "3.11"),
        ({}, " -0.5 ", "-0.5"),
        ({}, "+2", "2"),
        ({}, "1e-06", "0.000001"),
        ({"symbol": "$"}, "$3.11", "3.11"),
        ({"symbol": "$"}, "-$3.11", "-3.11"),
        ({"symbol": "$"}, "$-3.11", "-3.11"),
        ({"symbol": "$", "thousands": ","}, "$1,234,567.80", "1234567.80"),
        ({"symbol": "$", "thousands": ","}, "($1,234.50)", "-1234.50"),
        ({"symbol": "€", "thousands": ".", "decimal": ","}, "1.234,50 €", "1234.50"),
        ({"symbol": "CHF", "thousands": "'"}, "CHF 1'234.50", "1234.50"),
        ({"thousands": " ", "decimal": ","}, "1 234,5", "1234.5"),
        ({"decimal": ","}, "0,005-", "-0.005"),
        ({}, "−7.25", "-7.25"),
        ({"divisor": 100}, "12345", "123.45"),
        ({"divisor": 100}, "12.5e1", "1.25"),
        ({"divisor": 10_000_000_000}, "37756000", "0.0037756"),
        ({"sign": -1}, "3.11", "-3.11"),
        ({"sign": -1, "symbol": "$"}, "-$3.11", "3.11"),
        ({"sign": -1, "divisor": 100}, "(250)", "2.50"),
    ],
)  # fmt: skip
def test_money_is_read_as_the_vendor_writes_it(
    mapped: Any, parser: dict[str, Any], text: str, amount: str
) -> None:
    invoice = mapped(money={"cost": parser}, files={"delimiter": ";"})
    line = csv(f"2026-10-01;{text}", columns="day;cost")
    assert invoice.quickly("billed_cost", line) == [(Decimal(amount),)]


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ({"thousands": ","}, "1,23"),
        ({"thousands": ","}, "12,34,567"),
        ({"thousands": ".", "decimal": ","}, "1.23"),
        ({}, "1,234.50"),
        ({}, "$3.11"),
        ({}, "--3"),
        ({}, "n/a"),
        ({"symbol": "$"}, "USD 3"),
        ({}, "1_000"),
        ({}, "0x10"),
        ({}, "inf"),
    ],
)
def test_a_number_that_is_written_otherwise_is_a_sentence(
    mapped: Any, parser: dict[str, Any], text: str
) -> None:
    invoice = mapped(money={"cost": parser}, files={"delimiter": ";"})
    lines = csv("2026-10-01;1", f"2026-10-02;{text}", columns="day;cost")
    with pytest.raises(ContractError) as said:
        invoice.quickly("billed_cost", lines)
    sentence = f"file 2026-10/sent.csv, row 2: cost is {text!r}; allowed: a number such as "
    assert str(said.value).startswith(sentence)


def written(number: Decimal, money: Money) -> str:
    """A number as somebody would write it who knows nothing of the parser."""
    digits = f"{abs(number):f}"
    whole, _, fraction = digits.partition(".")
    groups = []
    while len(whole) > 3 and money.thousands:
        whole, group = whole[:-3], whole[-3:]
        groups.insert(0, group)
    text = money.thousands.join([whole, *groups])
    text += f"{money.decimal}{fraction}" if fraction else ""
    return f"-{money.symbol}{text}" if number < 0 else f"{money.symbol}{text}"


@settings(max_examples=100, deadline=None)
@given(
    number=st.decimals(min_value=-(10**10), max_value=10**10, places=6),
    symbol=st.sampled_from(["", "$", "€", "US$", "kr "]),
    separators=st.sampled_from(
        [("", "."), (",", "."), (".", ","), ("'", "."), (" ", ","), ("_", ".")]
    ),
    power=st.integers(min_value=0, max_value=10),
    sign=st.sampled_from([1, -1]),
)
def test_whatever_the_notation_no_digit_is_lost(
    number: Decimal, symbol: str, separators: tuple[str, str], power: int, sign: Any
) -> None:
    thousands: Any
    decimal: Any
    thousands, decimal = separators
    money = Money(symbol=symbol, thousands=thousands, decimal=decimal, divisor=10**power, sign=sign)
    row = CONNECTION.execute(
        f"select exact(number), regexp_full_match(number, ?) from (select {money_sql('t', money)} "
        "as number from (select ? as t))",
        [PLAIN_NUMBER, written(number, money)],
    ).fetchone()
    assert row == (number.scaleb(-power) * sign, True)


CONNECTION = connect()
create_macros(CONNECTION)


@pytest.mark.parametrize(
    ("parser", "text", "instant"),
    [
        ({}, "2026-10-01", "2026-10-01 00:00:00"),
        ({}, "2026-10-01T12:30:00Z", "2026-10-01 12:30:00"),
        ({}, "2026-10-01T12:30:00+02:00", "2026-10-01 10:30:00"),
        ({}, "2026-10-01 12:30:00 +0000", "2026-10-01 12:30:00"),
        ({}, "2026-10-01 12:30:00 UTC", "2026-10-01 12:30:00"),
        ({"zone": "Europe/Berlin"}, "2026-10-01", "2026-09-30 22:00:00"),
        ({"zone": "Europe/Berlin"}, "2026-10-26", "2026-10-25 23:00:00"),
        ({"zone": "America/Los_Angeles"}, "2026-10-01 00:00", "2026-10-01 07:00:00"),
        ({"zone": "Europe/Berlin"}, "2026-10-01T00:00:00Z", "2026-10-01 00:00:00"),
        ({"format": "%d.%m.%Y"}, "02.10.2026", "2026-10-02 00:00:00"),
        ({"format": "%m/%d/%Y %H:%M"}, "10/02/2026 05:00", "2026-10-02 05:00:00"),
        ({"format": "%m/%d/%Y", "zone": "Asia/Tokyo"}, "10/02/2026", "2026-10-01 15:00:00"),
        ({"format": "%d %b %Y %H:%M %z"}, "02 Oct 2026 05:00 +0200", "2026-10-02 03:00:00"),
        ({"format": "epoch_seconds"}, "1791504000", "2026-10-09 00:00:00"),
        ({"format": "epoch_milliseconds"}, "1791504000500", "2026-10-09 00:00:00.5"),
    ],
)
def test_an_instant_is_read_as_the_vendor_writes_it(
    mapped: Any, parser: dict[str, Any], text: str, instant: str
) -> None:
    found = mapped(times={"day": parser}).quickly("charge_period_start", csv(f"{text},1"))
    assert found == [(datetime.fromisoformat(instant),)]


@pytest.mark.parametrize("text", ["10/02/2026", "26-10-01", "soon", "2026-13-01", "2026-10-32"])
def test_an_instant_that_is_written_otherwise_is_a_sentence(mapped: Any, text: str) -> None:
    with pytest.raises(ContractError) as said:
        mapped().quickly("charge_period_start", csv(f"{text},1"))
    assert str(said.value) == (
        f"file 2026-10/sent.csv, row 1: day is {text!r}; "
        "allowed: a time such as 2026-10-01T00:00:00Z"
    )


@pytest.mark.parametrize(
    ("unit", "text", "end"),
    [
        ("second", "2026-10-31 23:59:59", "2026-11-01"),
        ("day", "2026-10-31", "2026-11-01"),
        ("month", "2026-10-01", "2026-11-01"),
    ],
)
def test_an_inclusive_end_becomes_the_first_instant_after_it(
    mapped: Any, unit: str, text: str, end: str
) -> None:
    invoice = mapped(times={"until": {"inclusive": unit}}, charges={"charge_period_end": "until"})
    line = csv(f"2026-10-01,1,{text}", columns="day,cost,until")
    assert invoice.quickly("charge_period_end", line) == [(datetime.fromisoformat(end),)]


RULES = [
    {"column": "what", "matches": "(?i)tax", "category": "Tax"},
    {"column": "what", "matches": "(?i)credit", "category": "Credit"},
    {"column": "cost", "matches": "^-", "category": "Refund"},
    {"column": "what", "matches": "^Plan", "category": "Purchase"},
    {"column": "what", "matches": "^GPU", "category": "Usage"},
]
LINES = csv(
    "2026-10-01,9,GPU hours", "2026-10-01,-1,GPU hours", "2026-10-01,-2,Tax credit",
    "2026-10-01,-3,Welcome credit", "2026-10-01,4,Plan L", columns="day,cost,what",
)  # fmt: skip


def test_the_first_rule_that_matches_says_the_category(mapped: Any) -> None:
    invoice = mapped(categories=RULES).send("2026-10.csv", LINES)
    assert invoice.rows("charge_category, charge_frequency, x_line_item_type, billed_cost") == [
        ("Usage", "Usage-Based", None, 9),
        ("Usage", "Usage-Based", "Refund", -1),
        ("Tax", "Usage-Based", None, -2),
        ("Credit", "Usage-Based", None, -3),
        ("Purchase", "One-Time", None, 4),
    ]


def test_a_row_that_no_rule_knows_is_a_sentence_that_shows_it(mapped: Any) -> None:
    unknown = csv("2026-10-01,9,Mystery fee", columns="day,cost,what")
    said = mapped(categories=RULES).send("2026-10.csv", unknown).sentence()
    assert said == (
        "polar 2026-10: file 2026-10/2026-10.csv, row 1: charge_kind is 'Mystery fee'; "
        "allowed: Usage, Purchase, Tax, Credit, Adjustment, Refund"
    )


PRICED = {
    "sku_id": "'gpu'",
    "pricing_quantity": "number(hours)",
    "pricing_unit": "'Hours'",
    "list_unit_price": "price",
}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return Mapped(tmp_path_factory.mktemp("priced"), plain(money={"price": {}}, charges=PRICED))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.decimals(min_value=0, max_value=10**6, places=4),
            st.decimals(min_value=0, max_value=10**6, places=9),
            st.one_of(st.none(), st.decimals(min_value=0, max_value=1000, places=10)),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_list_cost_is_price_times_quantity_exactly_and_billed_cost_the_vendors(
    priced: Mapped, rows: list[tuple[Decimal, Decimal, Decimal | None]]
) -> None:
    lines = [
        f"2026-10-01,{cost:f},{hours:f},{'' if price is None else f'{price:f}'}"
        for cost, hours, price in rows
    ]
    found = priced.quickly(
        "billed_cost, effective_cost, list_cost, contracted_cost, list_unit_price, "
        "contracted_unit_price, pricing_quantity, sku_price_id, consumed_quantity",
        csv(*lines, columns="day,cost,hours,price"),
    )
    for (cost, hours, stated), row in zip(rows, found, strict=True):
        billed, effective, listed, contracted, price, contract_price, quantity, sku, used = row
        assert billed == effective == cost
        if price is None:
            assert (quantity, sku, used) == (None, None, None)
            assert listed == contracted == cost
            assert hours < Decimal("0.000001") or cost / hours >= 10**8
        else:
            assert abs(quantity - hours) <= Decimal("0.0000005")
            assert stated is None or abs(price - stated) <= Decimal("0.0000005")
            assert listed == price * quantity
            assert contracted == contract_price * quantity


def test_the_vendors_price_is_kept_where_its_product_can_be_written(mapped: Any) -> None:
    lines = csv("2026-10-01,2.35,315,0.0074", columns="day,cost,hours,price")
    invoice = mapped(money={"price": {}}, charges=PRICED).send("2026-10.csv", lines)
    columns = "list_unit_price, pricing_quantity, list_cost, billed_cost, sku_price_id"
    assert invoice.rows(columns) == [
        (Decimal("0.0074"), 315, Decimal("2.3310"), Decimal("2.35"), "gpu-usd")
    ]


def test_a_credit_has_no_sku_no_quantity_and_no_machine(mapped: Any) -> None:
    machine = {"resource_id": "'m-1'", "x_charge_kind": "'capacity'", "x_gpu_count": "'8'"}
    invoice = mapped(
        money={"price": {}},
        categories=[
            {"column": "cost", "matches": "^-", "category": "Credit"},
            {"category": "Usage"},
        ],
        charges=PRICED | machine | {"x_billed_milliseconds": "hours_to_ms(hours)"},
    ).send(
        "2026-10.csv",
        csv("2026-10-01,4,0.5,8", "2026-10-01,-4,0.5,8", columns="day,cost,hours,price"),
    )
    columns = (
        "charge_category, sku_id, sku_price_id, pricing_quantity, consumed_quantity, "
        "x_charge_kind, x_billed_milliseconds, x_gpu_count, sku_price_details"
    )
    assert invoice.rows(columns) == [
        ("Usage", "gpu", "gpu-usd", Decimal("0.5"), Decimal("0.5"), "capacity", 1_800_000, 8,
         '{"GpuCount":8}'),
        ("Credit", None, None, None, None, None, None, None, None),
    ]  # fmt: skip
