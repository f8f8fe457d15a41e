"""Which files are invoices of which month, and what they must add up to."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from invoice_maps import Mapped, csv, plain

from connectors._base import Window
from models.errors import ConfigError, ContractError


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    return lambda **changes: Mapped(tmp_path, plain(**changes))


def cost(*amounts: object, day: str = "2026-10-01") -> str:
    return csv(*[f"{day},{amount}" for amount in amounts])


# --- billing periods and versions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("2026-10.csv", {}),
        ("invoice-larkspur-2026-10-final.csv", {}),
        ("2026-10/20261103T060000Z/anything.csv", {}),
        ("acme_202610.csv", {"path": r"_(?P<year>\d{4})(?P<month>\d{2})\.csv$"}),
        ("2026/10/bill.csv", {"path": r"^(?P<year>\d{4})/(?P<month>\d{1,2})/"}),
        ("bill.csv", {"path": r"\.csv$", "period": "substr(day, 1, 7)"}),
    ],
)
def test_a_path_or_a_column_says_the_billing_period(
    mapped: Any, name: str, files: dict[str, str]
) -> None:
    invoice = mapped(files=files).send(name, cost(1, 2))
    columns = "x_billing_period, billing_period_end::varchar, billed_cost"
    end = "2026-11-01 00:00:00"
    assert invoice.rows(columns) == [("2026-10", end, 1), ("2026-10", end, 2)]
    assert invoice.rows(columns) == [("2026-10", end, 1), ("2026-10", end, 2)]


def test_two_months_in_a_file_of_one_are_a_sentence(mapped: Any) -> None:
    invoice = mapped(files={"path": r"\.csv$", "period": "substr(day, 1, 7)"})
    invoice.send("bill.csv", csv("2026-10-31,1", "2026-11-01,1"))
    with pytest.raises(ContractError, match=r"one billing period is allowed in a file; found"):
        invoice.run()


def test_a_file_that_is_replaced_is_read_again_and_one_that_is_not_is_known(mapped: Any) -> None:
    invoice = mapped().send("2026-10.csv", cost(1)).send("2026-11.csv", cost(5, day="2026-11-01"))
    assert invoice.rows("billed_cost") == [1, 5]
    invoice.send("2026-10.csv", cost(2, 3))
    later = (invoice.folder / "2026-11.csv").stat().st_mtime + 10
    os.utime(invoice.folder / "2026-10.csv", (later, later))
    assert invoice.rows("billed_cost") == [2, 3, 5]
    assert {slot: len(known) for slot, known in invoice.lake.manifests("polar").items()} == {
        "2026-10": 2,
        "2026-11": 1,
    }


def test_the_newest_fetch_is_in_force_whichever_came_first(mapped: Any) -> None:
    invoice = mapped().send("2026-10/20261103T060000Z/a.csv", cost(7))
    assert invoice.rows("billed_cost") == [7]
    invoice.send("2026-10/20261030T060000Z/a.csv", cost(6))
    assert invoice.rows("billed_cost") == [7]


def test_the_same_answer_fetched_again_is_no_new_delivery(mapped: Any) -> None:
    invoice = mapped().send("2026-10/20261102T060000Z/a.csv", cost(7))
    assert invoice.rows("billed_cost") == [7]
    invoice.send("2026-10/20261103T060000Z/a.csv", cost(7))
    assert invoice.rows("billed_cost") == [7]
    assert len(invoice.lake.manifests("polar")["2026-10"]) == 1


def test_two_files_of_a_month_are_a_sentence_and_not_a_double_bill(mapped: Any) -> None:
    invoice = mapped().send("2026-10.csv", cost(1)).send("2026-10 (1).csv", cost(1))
    with pytest.raises(
        ConfigError, match=r"2026-10 \(1\)\.csv and 2026-10\.csv are both of 2026-10"
    ):
        invoice.run()


def test_several_invoices_of_a_month_are_slots_of_their_own(mapped: Any) -> None:
    pattern = r"^(?P<slot>[a-z]+)-(?P<period>\d{4}-\d{2})\.csv$"
    invoice = mapped(files={"path": pattern})
    invoice.send("acme-2026-10.csv", cost(1)).send("beta-2026-10.csv", cost(2))
    assert invoice.rows("billed_cost") == [1, 2]
    assert set(invoice.lake.manifests("polar")) == {"2026-10/acme", "2026-10/beta"}


def test_a_window_leaves_other_months_out(mapped: Any) -> None:
    invoice = mapped().send("2026-10.csv", cost(1)).send("2026-11.csv", cost(5, day="2026-11-01"))
    assert invoice.run(Window("2026-11", "2026-11")) == {}
    assert set(invoice.lake.manifests("polar")) == {"2026-11"}


def test_a_location_without_an_invoice_is_a_sentence(mapped: Any) -> None:
    with pytest.raises(ConfigError, match="has no file whose path matches"):
        mapped().send("readme.txt", "x").run()


# --- control totals -------------------------------------------------------------------------------

LINES = csv("2026-10-01,1.10,a", "2026-10-02,2.20,b", ",3.30,Total", columns="day,cost,what")
OF_ROW = {"control_total": {"value": "cost", "where": "what = 'Total'"}, "where": "what <> 'Total'"}
HEAD = "Polar invoice 17\nTotal due: $1,003.30 (USD)\n"
OF_HEAD = {
    "files": {"skip": 2},
    "control_total": {
        "pattern": r"Total due: (\$[0-9,.]+)",
        "money": {"symbol": "$", "thousands": ","},
    },
}
OF_FIELD = {"records": "lines[]", "control_total": {"value": "invoice_total"}}
DOCUMENT = {"invoice_total": "3.3", "lines": [{"day": "2026-10-01", "cost": 3.3}]}


@pytest.mark.parametrize(
    ("changes", "name", "right", "wrong"),
    [
        (OF_ROW, "sent.csv", LINES, LINES.replace("1.10", "1.00")),
        (OF_HEAD, "sent.csv", HEAD + cost(1000, 3.3), HEAD + cost(1000, 3.2)),
        (OF_FIELD, "sent.json", json.dumps(DOCUMENT), json.dumps(DOCUMENT).replace("3.3}", "3.2}")),
        (
            {"control_total": {"value": "sum"}},
            "sent.csv",
            csv("2026-10-01,1.1,3.3", "2026-10-01,2.2,3.3", columns="day,cost,sum"),
            csv("2026-10-01,1.1,3.3", "2026-10-01,2.1,3.3", columns="day,cost,sum"),
        ),
    ],
)
def test_rows_must_add_up_to_what_the_invoice_states(
    mapped: Any, changes: dict[str, Any], name: str, right: str, wrong: str
) -> None:
    invoice = mapped(**changes)
    assert invoice.quickly("sum(billed_cost) % 1000", right, name) == [(Decimal("3.3"),)]
    with pytest.raises(
        ContractError, match=r"the rows add up to (100)?3\.2, but \S+ states (100)?3\.3$"
    ):
        invoice.quickly("sum(billed_cost)", wrong, name)


def in_files(mapped: Any, total: dict[str, Any], **stated: object) -> Any:
    invoice = mapped(records=[{"files": r"lines"}], control_total=total)
    invoice.send("2026-10/20261103T060000Z/lines.csv", cost(1, 2))
    for name, value in stated.items():
        invoice.send(f"2026-10/20261103T060000Z/{name}.json", json.dumps({"amount": value}))
    return invoice


def test_another_file_may_state_the_total(mapped: Any) -> None:
    total = {"value": "amount", "files": r"\.json$"}
    assert in_files(mapped, total, summary="3.00").rows("billed_cost") == [1, 2]


@pytest.mark.parametrize(
    ("total", "stated", "said"),
    [
        ({}, {}, "the rows add up to 3, but amount, which states it, is missing"),
        ({}, {"a": 4}, "the rows add up to 3, but amount states 4"),
        (
            {"tolerance": "0.5"},
            {"a": 4},
            "the rows add up to 3, but amount states 4, tolerance 0.5",
        ),
        ({}, {"a": 3, "b": 2}, "amount is not the same everywhere: 2, 3"),
        ({"combine": "sum"}, {"a": 3, "b": 2}, "the rows add up to 3, but amount states 5"),
        ({}, {"a": "three"}, "amount, which states a total, is 'three'; allowed: a number"),
    ],
)
def test_a_total_that_differs_or_is_missing_is_a_sentence_with_both_numbers(
    mapped: Any, total: dict[str, Any], stated: dict[str, object], said: str
) -> None:
    total = {"value": "amount", "files": r"\.json$", **total}
    assert in_files(mapped, total, **stated).sentence() == said


@pytest.mark.parametrize(
    ("total", "stated"),
    [
        ({"tolerance": "0.01"}, {"a": "3.01"}),
        ({"optional": True}, {}),
        ({"combine": "sum"}, {"a": 2, "b": 1}),
    ],
)
def test_a_total_may_be_near_in_parts_or_absent_where_the_map_says_so(
    mapped: Any, total: dict[str, Any], stated: dict[str, object]
) -> None:
    total = {"value": "amount", "files": r"\.json$", **total}
    assert in_files(mapped, total, **stated).rows("billed_cost") == [1, 2]


def test_a_stated_number_of_rows_finds_a_page_that_is_missing(mapped: Any) -> None:
    invoice = mapped(records="rows[]", row_count={"value": "total"})
    page = {"total": 2, "rows": [{"day": "2026-10-01", "cost": 1}]}
    with pytest.raises(ContractError, match="the number of rows is 1, but total states 2"):
        invoice.quickly("billed_cost", json.dumps(page), "sent.json")


def test_what_differs_leaves_the_last_good_state(mapped: Any) -> None:
    invoice = mapped(**OF_FIELD).send("2026-10/20261102T060000Z/a.json", json.dumps(DOCUMENT))
    assert invoice.rows("billed_cost") == [Decimal("3.3")]
    wrong = json.dumps(DOCUMENT).replace("3.3}", "9}")
    said = invoice.send("2026-10/20261103T060000Z/a.json", wrong).sentence()
    assert said == "the rows add up to 9, but invoice_total states 3.3"
    assert invoice.lake.index().filter(status="current", table="charges")["version"].to_list() == [
        "20261102T060000Z"
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("hours_to_ms('0.202')", "727200"),
        ("minutes_to_ms('1.5')", "90000"),
        ("seconds_to_ms('0.0004')", "0"),
        ("ms_to_hours(1250500)", "0.347361000000"),
        ("ms_to_hours(8 * 3600000)", "8.000000000000"),
        ("millions('1500001')", "1.500001000000"),
        ("cost_of('1500001', '0.00000088')", "1.320000880000000000"),
        ("number(' 12.50 ')", "12.500000000000"),
        ("number('')", None),
    ],
)
def test_conversions_of_units_are_exact(mapped: Any, expression: str, value: str | None) -> None:
    invoice = mapped(charges={"charge_description": f"cast({expression} as varchar)"})
    assert invoice.quickly("charge_description", csv("2026-10-01,1")) == [(value,)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("x_token_type", "input"),
        ("x_charge_kind", "gpu"),
        ("pricing_category", "Spot"),
        ("charge_frequency", "Monthly"),
        ("x_finality", "open"),
    ],
)
def test_a_word_that_focus_or_the_ledger_does_not_know_is_a_sentence(
    mapped: Any, column: str, value: str
) -> None:
    invoice = mapped(charges={column: "what"})
    invoice.send("2026-10.csv", csv(f"2026-10-01,1,{value}", columns="day,cost,what"))
    said = invoice.sentence()
    assert f"file 2026-10/2026-10.csv, row 1: {column} is {value}; allowed: " in said
