"""The shipped maps of model vendors, and those without money: what is special about each."""

import csv
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

import pytest
from connector_samples import SAMPLES, Sample, sample
from invoice_maps import answer, columns


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """The sample of a source, landed once."""

    @cache
    def land(name: str) -> Sample:
        landed = sample(name, tmp_path_factory.mktemp(name))
        assert landed.run() == {}
        return landed

    return land


# --- Together, Mistral, Baseten, xAI --------------------------------------------------------------


def test_what_togethers_credits_cover_is_cost_all_the_same_and_says_so(known: Any) -> None:
    expected: dict[str | None, Decimal] = {}
    for page in ("usage-0001.json", "usage-0002.json"):
        for window in answer("together", page)["data"]:
            for item in window["line_items"]:
                kind = item.get("applied_credit", {}).get("type")
                expected[kind] = expected.get(kind, Decimal(0)) + Decimal(item["cost"])
    found: dict[str | None, Decimal] = {}
    for month, kind, cost in columns(
        known("together"), "x_billing_period, x_line_item_type, billed_cost"
    ):
        if month == "2026-10":
            found[kind] = found.get(kind, Decimal(0)) + cost
    assert found == expected
    assert set(found) == {None, "PREPAID", "CREDIT"}


def test_togethers_tokens_have_the_price_of_a_million(known: Any) -> None:
    names = "x_charge_kind, x_token_type, list_unit_price, pricing_unit, consumed_unit"
    rows = columns(known("together"), f"{names}, billed_cost, list_cost")
    tokens = [row for row in rows if row[0] == "tokens"]
    assert {row[1:5] for row in tokens} == {
        ("uncached_input", Decimal("0.88"), "1000000 Tokens", "Tokens"),
        ("output", Decimal("0.88"), "1000000 Tokens", "Tokens"),
    }
    assert all(billed == listed for *_, billed, listed in rows)
    assert {row[3] for row in rows if row[0] is None} == {"GPU-Hours"}


def test_mistrals_cost_is_what_was_paid_for_at_its_price_in_its_currency(known: Any) -> None:
    usage = answer("mistral", "usage.json")
    prices = {price["billing_metric"]: Decimal(price["price"]) for price in usage["prices"]}
    entries = [
        entry
        for category in ("completion", "ocr")
        for meters in usage[category]["models"].values()
        for listed in meters.values()
        for entry in listed
    ]
    owed = sum(
        (entry["value_paid"] * prices[entry["billing_metric"]] for entry in entries), Decimal(0)
    )
    rows = columns(
        known("mistral"), "x_billing_period, billing_currency, billed_cost, x_token_type"
    )
    assert sum((cost for month, _, cost, _ in rows if month == "2026-10"), Decimal(0)) == owed
    assert {(currency, kind) for _, currency, _, kind in rows} == {
        ("EUR", "uncached_input"), ("EUR", "output"), ("EUR", None),
    }  # fmt: skip
    assert sum(cost == 0 for _, _, cost, _ in rows) == 2


def test_basetens_products_less_their_credits_are_the_bill(known: Any) -> None:
    landed = known("baseten")
    rows = columns(landed, "charge_category, billed_cost, x_charge_kind, x_gpu_count")
    assert [row for row in rows if row[0] == "Credit"] == [("Credit", -20, None, None)] * 2
    assert {row[2:] for row in rows if row[0] == "Usage"} == {("capacity", 1), (None, None)}
    dedicated = answer("baseten", "usage_summary.json")["dedicated_usage"]["breakdown"][0]
    minutes = [day["minutes"] for day in dedicated["daily"]]
    billed = columns(landed, "x_billing_period, x_billed_milliseconds")
    assert [ms for month, ms in billed if month == "2026-10" and ms] == [
        int(minute) * 60_000 for minute in minutes
    ]


def test_xais_cents_are_dollars_and_its_vat_is_tax(known: Any) -> None:
    invoice = answer("xai", "preview.json")["coreInvoice"]
    rows = columns(
        known("xai"), "x_billing_period, charge_category, billed_cost, x_model, x_token_type"
    )
    october = [row[1:] for row in rows if row[0] == "2026-10"]
    cents = [Decimal(line["amount"]) / 100 for line in invoice["lines"]]
    assert [cost for kind, cost, *_ in october if kind == "Usage"] == cents
    assert ("Tax", Decimal(invoice["vatCost"]) / 100, None, None) in october
    assert [row[2:] for row in october][:4] == [
        ("grok-4.3", "uncached_input"), ("grok-4.3", "cache_read"), ("grok-4.3", "output"),
        (None, None),
    ]  # fmt: skip


# --- without money --------------------------------------------------------------------------------


def lines(name: str) -> list[dict[str, str]]:
    (file,) = (SAMPLES / name).glob("*2026-10.csv")
    with file.open() as opened:
        return list(csv.DictReader(opened))


def test_lambdas_hours_are_billed_minutes_and_no_money(known: Any) -> None:
    landed = known("lambda")
    assert [table.name for table in landed.connector.produces] == ["metered_usage"]
    names = "sku_id, consumed_quantity, x_billed_milliseconds, x_gpu_count, x_charge_kind"
    for (sku, hours, ms, gpus, kind), run in zip(
        columns(landed, names, "metered_usage"), lines("lambda"), strict=True
    ):
        assert (sku, kind, gpus) == (run["instance_type"], "capacity", int(sku[4]))
        assert ms % 60_000 == 0
        quantity = (Decimal(ms) / 3_600_000).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert hours == quantity


def test_fireworks_meters_are_rows_of_their_own_and_zeros_are_none(known: Any) -> None:
    expected = [
        (meter, Decimal(row[meter]))
        for row in lines("fireworks")
        for meter in ("prompt_tokens", "completion_tokens", "accelerator_seconds")
        if row[meter] != "0"
    ]
    names = "x_billing_period, sku_meter, consumed_quantity, consumed_unit, x_token_type"
    rows = [
        row[1:]
        for row in columns(known("fireworks"), names, "metered_usage")
        if row[0] == "2026-10"
    ]
    assert [row[:2] for row in rows] == expected
    assert {row[0]: row[2:] for row in rows} == {
        "prompt_tokens": ("Tokens", "uncached_input"),
        "completion_tokens": ("Tokens", "output"),
        "accelerator_seconds": ("Seconds", None),
    }
