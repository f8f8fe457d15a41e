"""OpenAI's saved pages: line items, units, money, tokens, and what is refused."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from saved_pages import SavedPages

from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.openai_costs import CONNECTOR
from models.errors import ConfigError

SAMPLES = Path(__file__).parents[1] / "data_samples"
OCTOBER_1 = 1790812800
DAY = 86_400


def line(item: str | None, amount: str, quantity: str = "null", unit: str | None = None) -> str:
    """One result of the costs endpoint, as the API would print it."""
    return (
        f'{{"object": "organization.costs.result", "amount": {{"value": {amount}, '
        f'"currency": "usd"}}, "line_item": {json.dumps(item)}, "project_id": "proj_1", '
        f'"api_key_id": "key_1", "quantity": {quantity}, "quantity_unit": {json.dumps(unit)}}}'
    )


def page(*results: str, day: int = 0, has_more: str = "false") -> str:
    """One page with one bucket."""
    start = OCTOBER_1 + day * DAY
    return (
        f'{{"object": "page", "data": [{{"object": "bucket", "start_time": {start}, "end_time": '
        f'{start + DAY}, "results": [{", ".join(results)}]}}], "has_more": {has_more}, '
        '"next_page": null}'
    )


class Saved(SavedPages):
    """Pages of OpenAI's."""

    connector = CONNECTOR

    def charges(self, *results: str) -> list[dict[str, Any]]:
        return self.charges_of({"costs-0001.json": page(*results)})


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return Saved(tmp_path)


def test_every_amount_is_the_vendors_text_to_the_last_digit(saved: Saved) -> None:
    amounts = ["0.1234567890123456789", "1e-06", "12", '"0.895874000000"', "2.5E-13", "-0.004"]
    charges = saved.charges(*(line("gpt-5, output", amount) for amount in amounts))
    exact = [Decimal(amount.strip('"')) for amount in amounts]
    rounded = [amount.quantize(Decimal("1e-12")) for amount in exact]  # half to even
    assert [row["billed_cost"] for row in charges] == rounded
    assert [row["effective_cost"] for row in charges] == rounded
    delivered = saved.lake.index()["delivered"].to_list()[0][0]
    assert Decimal(delivered["amount"]) == sum(exact)
    assert Decimal(delivered["rounding"]) == sum(exact) - sum(rounded)


LINE_ITEMS: list[tuple[str | None, str | None, str | None, str | None]] = [
    ("gpt-5-mini, input", "gpt-5-mini", "uncached_input", None),
    ("GPT-4o mini, input", "GPT-4o mini", "uncached_input", None),
    ("gpt-6-astra, input_tokens", "gpt-6-astra", "uncached_input", None),
    ("gpt-5, Cached Input", "gpt-5", "cache_read", None),
    ("gpt-5, cache writes", "gpt-5", "cache_write_5m", None),
    ("gpt-5, cache write 12h", "gpt-5", "cache_write_1h", None),
    ("gpt-5, output", "gpt-5", "output", None),
    ("ft:gpt-4o, acme, input", "ft:gpt-4o, acme", "uncached_input", None),
    ("priority | gpt-5, output", "gpt-5", "output", "priority"),
    ("gpt-5, input, long context", "gpt-5", "uncached_input", None),
    ("gpt-audio-mini audio, input", "gpt-audio-mini", "audio_input", None),
    ("gpt-audio-mini, audio output", "gpt-audio-mini", "audio_output", None),
    ("gpt-image-2 text, cached input", "gpt-image-2", "cache_read", None),
    ("gpt-image-2 image, output", "gpt-image-2", None, None),
    ("gpt-audio-mini audio, cached input", "gpt-audio-mini", None, None),
    ("web search tool calls", None, None, None),
    (None, None, None, None),
]


def test_a_line_item_names_a_model_a_meter_and_a_tier(saved: Saved) -> None:
    charges = saved.charges(*(line(item, "1.5", "3000", "tokens") for item, *_ in LINE_ITEMS))
    for charge, (item, model, token_type, tier) in zip(charges, LINE_ITEMS, strict=True):
        assert (charge["x_model"], charge["x_token_type"]) == (model, token_type), item
        assert charge["x_service_tier"] == tier, item
        assert charge["x_charge_kind"] == ("tokens" if token_type else None), item
        assert charge["x_usage_type"] == item


@pytest.mark.parametrize(
    ("unit", "quantity", "consumed", "focus_unit", "priced", "pricing_unit"),
    [
        ("tokens", "223853", "223853", "Tokens", "0.223853", "1000000 Tokens"),
        ("1000_tokens", "41.518", "41518", "Tokens", "0.041518", "1000000 Tokens"),
        ("duration_minutes", "12.25", "12.25", "Minutes", "12.25", "Minutes"),
        ("characters", "45", "45", "Characters", "0.000045", "1000000 Characters"),
        ("images", "2", "2", "Images", "2", "Images"),
        # The list of units is open: a new one is kept as it is, and is no token.
        ("parsecs", "2.5", "2.5", "parsecs", "2.5", "parsecs"),
    ],
)
def test_quantities_have_the_units_of_focus(
    saved: Saved,
    unit: str,
    quantity: str,
    consumed: str,
    focus_unit: str,
    priced: str,
    pricing_unit: str,
) -> None:
    (charge,) = saved.charges(line("gpt-5, input", "0.06", quantity, unit))
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (Decimal(consumed), focus_unit)
    assert (charge["pricing_quantity"], charge["pricing_unit"]) == (Decimal(priced), pricing_unit)
    assert charge["x_charge_kind"] == ("tokens" if focus_unit == "Tokens" else None)


def test_list_and_contracted_cost_are_exactly_price_times_quantity(saved: Saved) -> None:
    charges = saved.charges(
        line("gpt-5-mini, input", "0.055963", "223853", "tokens"),
        line("gpt-5-mini, output", "1e-06", "3", "tokens"),
        line("gpt-5, output", "250000.01", "25000000001", "tokens"),
        line("gpt-5, input", "0", "17", "tokens"),
    )
    for charge in charges:
        price, quantity = charge["list_unit_price"], charge["pricing_quantity"]
        assert (
            price == charge["contracted_unit_price"] == round(charge["billed_cost"] / quantity, 6)
        )
        assert price * quantity == charge["list_cost"] == charge["contracted_cost"]
        assert abs(charge["list_cost"] - charge["billed_cost"]) <= quantity * Decimal("0.0000005")
    # At size, the rounded price is the contract's own: $10 for a million tokens.
    assert charges[2]["list_unit_price"] == Decimal(10)


def test_a_price_beyond_all_reason_is_left_out(saved: Saved) -> None:
    (charge,) = saved.charges(line("gpt-5, input", "1234567.89", "1", "tokens"))
    assert (charge["list_unit_price"], charge["list_cost"]) == (None, Decimal("1234567.89"))


def test_without_a_quantity_nothing_is_said_about_price(saved: Saved) -> None:
    (charge,) = saved.charges(line("web search tool calls", "0.35"))
    silent = (
        "sku_price_id", "sku_price_details", "list_unit_price", "contracted_unit_price",
        "pricing_category", "pricing_quantity", "pricing_unit", "consumed_quantity",
        "consumed_unit",
    )  # fmt: skip
    assert {name: charge[name] for name in silent} == dict.fromkeys(silent)
    assert charge["list_cost"] == charge["contracted_cost"] == Decimal("0.35")
    assert charge["sku_id"] == "web-search-tool-calls"


def test_negative_amounts_survive_as_a_refund_or_a_credit(saved: Saved) -> None:
    refund, credit, bare = saved.charges(
        line("gpt-5, input", "-0.25", "100000", "tokens"),
        line("Promotional credit, October", "-5", "1", "images"),
        line(None, "-1.5"),
    )
    assert [row["billed_cost"] for row in (refund, credit, bare)] == [
        Decimal("-0.25"), Decimal(-5), Decimal("-1.5"),
    ]  # fmt: skip
    assert (refund["charge_category"], refund["x_token_type"]) == ("Usage", "uncached_input")
    assert (refund["consumed_quantity"], refund["list_unit_price"]) == (Decimal(100000), None)
    assert refund["list_cost"] == Decimal("-0.25")
    assert credit["charge_category"] == bare["charge_category"] == "Credit"
    assert credit["consumed_quantity"] is credit["sku_price_id"] is credit["x_charge_kind"] is None


def test_two_currencies_are_kept_apart(saved: Saved) -> None:
    euro = line("gpt-5, output", "2.5").replace('"usd"', '"eur"')
    charges = saved.charges(line("gpt-5, output", "1"), euro)
    assert [row["billing_currency"] for row in charges] == ["USD", "EUR"]
    delivered = saved.lake.index()["delivered"].to_list()[0]
    assert {row["billing_currency"]: Decimal(row["amount"]) for row in delivered} == {
        "EUR": Decimal("2.5"),
        "USD": Decimal(1),
    }


def test_a_month_without_costs_is_an_empty_month(saved: Saved) -> None:
    nothing = '{"object": "page", "data": [], "has_more": false, "next_page": null}'
    saved.save({"costs-0001.json": nothing})
    assert saved.failures() == []
    assert saved.table() == []


def test_the_newest_fetch_is_in_force_and_landing_again_adds_nothing(saved: Saved) -> None:
    saved.save({"costs-0001.json": page(line("gpt-5, output", "2"))}, "20261103T060000Z")
    saved.save({"costs-0001.json": page(line("gpt-5, output", "1"))}, "20261101T060000Z")
    assert saved.failures() == []
    assert [row["billed_cost"] for row in saved.table()] == [Decimal(2)]
    index = saved.lake.index_file.read_bytes()
    assert saved.failures() == []
    assert saved.lake.index_file.read_bytes() == index


GOOD = page(line("gpt-5, output", "1"))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"costs-0001.json": GOOD.replace('"usd"', '"doubloon"')},
         "row 1: billing_currency is not an ISO 4217 code (DOUBLOON)"),
        ({"costs-0001.json": page(line("x", "1"), line("y", '"two"'))},
         "file costs-0001.json, row 2: amount_value is 'two'; allowed: money"),
        ({"costs-0001.json": page(line("x", "NaN"))}, "amount_value is 'NaN'; allowed: money"),
        ({"costs-0001.json": page(line("x", "null"))}, "row 1: billed_cost is empty"),
        ({"costs-0001.json": page(line("x", "1", '"many"', "tokens"))},
         "row 1: quantity is 'many'; allowed: quantity"),
        ({"costs-0001.json": ""}, "costs-0001.json is empty"),
        ({"costs-0001.json": GOOD[:-40]}, "costs-0001.json is not complete JSON"),
        ({"costs-0001.json": '{"error": {"message": "no"}}'}, "it has no list 'data'"),
        ({"costs-0001.json": '{"data": [{"start_time": 1}]}'}, "without start_time or the list"),
        ({"costs-0001.json": GOOD, "costs-0002.json": GOOD},
         "costs-0001.json and costs-0002.json have the same bucket: a page came twice"),
        ({"costs-0001.json": page(line("x", "1"), has_more="true")},
         "costs-0001.json says that there is more, but the next page is not there"),
        ({"costs-0001.json": page(line("x", "1"), day=31)},
         "has a bucket of 2026-11; it belongs to 2026-10 alone"),
        ({"completions-0001.json": GOOD}, "costs-0001.json is missing"),
        ({"costs-0001.json": GOOD, "cost.json": GOOD}, "cost.json is not <endpoint>-0001.json"),
        ({}, "has no .json file"),
    ],
)  # fmt: skip
def test_a_broken_delivery_is_refused_in_one_sentence(
    saved: Saved, pages: dict[str, str], said: str
) -> None:
    saved.save(pages)
    (sentence,) = saved.failures()
    assert said in sentence
    assert "\n" not in sentence
    assert saved.lake.index().filter(pl.col("status") == "current").is_empty()


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda path: None, "is not a folder or a URL"), (Path.mkdir, "has no folder like 2026-10/")],
)
def test_a_location_without_pages_is_a_mistake_in_the_configuration(
    saved: Saved, make: Callable[[Path], None], said: str
) -> None:
    make(saved.root / "pages")
    with pytest.raises(ConfigError, match=said):
        saved.failures()


def test_the_sample_adds_up_to_its_own_pages(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    source = Source("openai", str(SAMPLES / "openai"), CONNECTOR.options())
    lake.land(source, CONNECTOR, Window("2026-10", "2026-10"))
    assert normalize(lake, source, CONNECTOR) == {}
    expected: dict[str, Decimal] = {}
    for file in (SAMPLES / "openai" / "2026-10").glob("*/costs-*.json"):
        for bucket in json.loads(file.read_text(), parse_float=Decimal)["data"]:
            for result in bucket["results"]:
                item = result["line_item"]
                value = Decimal(result["amount"]["value"])
                expected[item] = expected.get(item, Decimal(0)) + value
    charges = pl.read_parquet(tmp_path / "charges" / "*.parquet")
    found = charges.group_by("charge_description").agg(pl.sum("billed_cost"))
    assert dict(found.iter_rows()) == expected
    assert charges["x_charge_kind"].unique().to_list() == ["tokens"]
    billed = charges.group_by("x_token_type").agg(pl.sum("consumed_quantity"))
    used = pl.read_parquet(tmp_path / "token_usage" / "*.parquet")
    counted = used.group_by("token_type").agg(pl.sum("quantity").cast(pl.Decimal(38, 12)))
    assert dict(billed.iter_rows()) == dict(counted.iter_rows())
