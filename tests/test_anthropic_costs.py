"""Anthropic's saved pages: cents, quantities, names, finality, and what is refused."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from anthropic_pages import (
    Saved,
    bucket,
    cost_row,
    legacy_cost,
    legacy_usage,
    page,
    usage_row,
)

SHARED = Path(__file__).parents[2] / "shared" / "samples" / "vendors" / "anthropic"


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return Saved(tmp_path)


def test_cents_become_dollars_to_the_last_digit(saved: Saved) -> None:
    cents = ["12345.678", "25", "0", "0.0000001", "1.23456789012345678", "-3.5"]
    charges = saved.charges_of({"cost-0001.json": page(*(cost_row(amount) for amount in cents))})
    exact = [Decimal(amount) / 100 for amount in cents]
    rounded = [amount.quantize(Decimal("1e-12")) for amount in exact]
    assert [row["billed_cost"] for row in charges] == rounded
    assert [row["effective_cost"] for row in charges] == rounded
    (delivered,) = saved.lake.index().filter(table="charges")["delivered"].to_list()[0]
    assert Decimal(delivered["amount"]) == sum(exact)
    assert Decimal(delivered["rounding"]) == sum(exact) - sum(rounded)


def test_the_list_amount_is_the_list_cost(saved: Saved) -> None:
    (charge,) = saved.charges_of({"cost-0001.json": page(cost_row("12345.678", "20000.000"))})
    assert (charge["list_cost"], charge["contracted_cost"]) == (200, Decimal("123.45678"))


@pytest.mark.parametrize(
    ("vendor_type", "token_type"),
    [
        ("uncached_input_tokens", "uncached_input"),
        ("cache_read_input_tokens", "cache_read"),
        ("cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"),
        ("cache_creation.ephemeral_1h_input_tokens", "cache_write_1h"),
        ("output_tokens", "output"),
    ],
)
def test_a_token_type_is_known_by_its_name(saved: Saved, vendor_type: str, token_type: str) -> None:
    (charge,) = saved.charges_of({"cost-0001.json": page(cost_row("1", token_type=vendor_type))})
    assert (charge["x_charge_kind"], charge["x_token_type"]) == ("tokens", token_type)
    assert charge["x_model"] == "claude-opus-5-5"


@pytest.mark.parametrize("cost_type", ["web_search", "code_execution", "session_usage", None])
def test_what_is_not_tokens_is_a_charge_without_a_token_type(
    saved: Saved, cost_type: str | None
) -> None:
    row = cost_row("10", cost_type=cost_type, token_type=None, model=None)
    (charge,) = saved.charges_of({"cost-0001.json": page(row)})
    assert charge["billed_cost"] == Decimal("0.1")
    assert [charge[name] for name in ("x_charge_kind", "x_token_type", "x_model")] == [None] * 3
    silent = ("sku_price_id", "list_unit_price", "pricing_quantity", "consumed_quantity")
    assert [charge[name] for name in silent] == [None] * 4


def test_a_cost_has_the_quantity_that_the_usage_counted(saved: Saved) -> None:
    # 450 dollars of list price 500: 20 million tokens at 25 dollars a million, a tenth off.
    costs = page(
        cost_row("45000", "50000", workspace_id="wrkspc_1"),
        cost_row("30", cost_type="web_search", token_type=None, workspace_id="wrkspc_1"),
        cost_row("7", token_type="uncached_input_tokens", workspace_id=None),
    )
    used = usage_row(output_tokens=20_000_000, searches=30, workspace_id="wrkspc_1")
    tokens, searches, none = saved.charges_of(
        {"cost-0001.json": costs, "usage-0001.json": page(used)}
    )
    assert (tokens["consumed_quantity"], tokens["consumed_unit"]) == (20_000_000, "Tokens")
    assert (tokens["pricing_quantity"], tokens["pricing_unit"]) == (20, "1000000 Tokens")
    assert tokens["list_unit_price"] == 25
    assert tokens["contracted_unit_price"] == Decimal("22.5")
    assert json.loads(tokens["sku_price_details"])["x_TokenDirection"] == "Output"
    assert (searches["consumed_quantity"], searches["consumed_unit"]) == (30, "Requests")
    assert (searches["pricing_quantity"], searches["list_unit_price"]) == (Decimal("0.03"), 10)
    assert none["consumed_quantity"] is None


def test_list_and_contracted_cost_are_exactly_price_times_quantity(saved: Saved) -> None:
    (charge,) = saved.charges_of(
        {
            "cost-0001.json": page(cost_row("100.01", "333.337")),
            "usage-0001.json": page(usage_row(output_tokens=1_234_567)),
        }
    )
    quantity = charge["pricing_quantity"]
    assert charge["list_unit_price"] == (Decimal("3.33337") / quantity).quantize(Decimal("1e-6"))
    assert charge["list_unit_price"] * quantity == charge["list_cost"]
    assert charge["contracted_unit_price"] * quantity == charge["contracted_cost"]
    assert charge["billed_cost"] == Decimal("1.0001")
    assert abs(charge["list_cost"] - Decimal("3.33337")) <= quantity * Decimal("5e-7")


def quantities(saved: Saved, costs: Sequence[dict[str, Any]], used: Sequence[Any]) -> list[Any]:
    charges = saved.charges_of({"cost-0001.json": page(*costs), "usage-0001.json": page(*used)})
    return [charge["consumed_quantity"] for charge in charges]


def test_usage_that_is_grouped_finer_is_added_up(saved: Saved) -> None:
    used = [usage_row(output_tokens=5, api_key_id=key) for key in ("one", "two", None)]
    assert quantities(saved, [cost_row("1")], used) == [15]


def test_usage_that_is_grouped_coarser_is_nobodys_quantity(saved: Saved) -> None:
    costs = [cost_row("1", workspace_id="wrkspc_1"), cost_row("1", workspace_id=None)]
    assert quantities(saved, costs, [usage_row(output_tokens=5)]) == [None, None]


def test_two_costs_of_one_group_do_not_both_have_its_quantity(saved: Saved) -> None:
    costs = page(bucket(legacy_cost("1"), legacy_cost("2", description="Fast mode")))
    used = page(bucket(legacy_usage(output_tokens=5)))
    charges = saved.charges_of({"cost_report-0001.json": costs, "messages-0001.json": used})
    assert [charge["consumed_quantity"] for charge in charges] == [None, None]


@pytest.mark.parametrize(
    ("refreshed_at", "finality"),
    [
        ("2026-10-03T00:00:00Z", ["final", "final"]),
        ("2026-10-02T23:59:59Z", ["final", "provisional"]),
        ("2026-10-02T02:00:00+02:00", ["final", "provisional"]),
        (None, [None, None]),
    ],
)
def test_a_day_is_final_once_the_answer_is_complete_until_its_end(
    saved: Saved, refreshed_at: str | None, finality: list[str | None]
) -> None:
    rows = [cost_row("1", day=1), cost_row("1", day=2)]
    charges = saved.charges_of({"cost-0001.json": page(*rows, data_refreshed_at=refreshed_at)})
    assert [charge["x_finality"] for charge in charges] == finality


def test_a_workspace_has_its_name_and_the_default_one_has_none(saved: Saved) -> None:
    names = page({"id": "wrkspc_1", "name": "Evaluation"}, last_id="wrkspc_1")
    costs = page(*(cost_row("1", workspace_id=key) for key in ("wrkspc_1", "wrkspc_2", None)))
    charges = saved.charges_of({"cost-0001.json": costs, "workspaces-0001.json": names})
    assert [(row["sub_account_id"], row["sub_account_name"]) for row in charges] == [
        ("wrkspc_1", "Evaluation"),
        ("wrkspc_2", "wrkspc_2"),
        (None, None),
    ]


def test_what_tells_customers_apart_is_a_tag(saved: Saved) -> None:
    (charge,) = saved.charges_of(
        {"cost-0001.json": page(cost_row("1", user_profile_id="uprof_1", session_id="sesn_1"))}
    )
    assert json.loads(charge["tags"]) == {"user_profile_id": "uprof_1", "session_id": "sesn_1"}


def test_tier_speed_and_context_make_another_price(saved: Saved) -> None:
    charges = saved.charges_of(
        {
            "cost-0001.json": page(
                cost_row("1"),
                cost_row("1", service_tier="standard", speed="standard", context_window="0-200k"),
                cost_row("1", service_tier="batch"),
                cost_row("1", speed="fast", inference_geo="us", context_window="200k-1M"),
            )
        }
    )
    assert [charge["sku_id"] for charge in charges] == [
        "claude-opus-5-5-output-tokens",
        "claude-opus-5-5-output-tokens",
        "claude-opus-5-5-output-tokens-batch",
        "claude-opus-5-5-output-tokens-fast-200k-1m-us",
    ]
    assert [charge["x_service_tier"] for charge in charges] == [None, "standard", "batch", None]


def test_the_legacy_costs_know_no_key_and_no_priority_tier(saved: Saved) -> None:
    costs = [
        legacy_cost("123.45"),
        legacy_cost(
            "50", description="Code Execution Usage", cost_type="code_execution", model=None,
            token_type=None, service_tier=None, context_window=None, inference_geo=None,
        ),
    ]  # fmt: skip
    used = [
        legacy_usage(api_key_id="one", output_tokens=400),
        legacy_usage(api_key_id="two", output_tokens=500),
        legacy_usage(api_key_id="two", output_tokens=7, service_tier="priority"),
    ]
    tokens, code = saved.charges_of(
        {"cost_report-0001.json": page(bucket(*costs)), "messages-0001.json": page(bucket(*used))}
    )
    assert (tokens["billed_cost"], code["billed_cost"]) == (Decimal("1.2345"), Decimal("0.5"))
    assert tokens["charge_description"] == "Some tokens"
    assert (tokens["consumed_quantity"], tokens["list_unit_price"]) == (
        900, (Decimal("1.2345") / Decimal("0.0009")).quantize(Decimal("1e-6")),
    )  # fmt: skip
    counted = [row for row in saved.table("token_usage") if row["token_type"] == "output"]
    assert [(row["api_key_id"], row["service_tier"], row["quantity"]) for row in counted] == [
        ("one", "standard", 400), ("two", "standard", 500), ("two", "priority", 7),
    ]  # fmt: skip


GOOD = page(cost_row("1"))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"cost-0001.json": page(cost_row("1", cost_type="gifts", token_type=None))},
         "file cost-0001.json, row 1: cost_type is 'gifts'; allowed: tokens, web_search"),
        ({"cost-0001.json": page(cost_row("1"), cost_row("1", token_type="odd_tokens"))},
         "file cost-0001.json, row 2: token_type is 'odd_tokens'; allowed: uncached_input_tokens"),
        ({"cost-0001.json": page(cost_row("one dollar"))}, "one dollar"),
        ({"cost-0001.json": GOOD, "cost-0002.json": GOOD},
         "cost-0001.json and cost-0002.json have the same row: a page came twice"),
        ({"cost-0001.json": page(cost_row("1"), has_more=True, next_page="x")},
         "cost-0001.json says that there is more, but the next page is not there"),
        ({"cost-0001.json": GOOD, "cost_report-0001.json": page(bucket(legacy_cost("1")))},
         "cost, cost_report are of the analytics and of the legacy reports, which overlap"),
        ({"cost-0001.json": GOOD, "messages-0001.json": page()}, "overlap; keep one kind"),
        ({"usage-0001.json": page(usage_row())},
         "cost-0001.json or cost_report-0001.json is missing; found usage-0001.json"),
        ({"cost-0001.json": GOOD, "claude_code-0001.json": page()},
         "claude_code-0001.json is not <endpoint>-0001.json; allowed: cost, usage"),
        ({"cost-0001.json": GOOD.replace("2026-10-01", "2026-09-01")},
         "cost-0001.json has a row of 2026-09; it belongs to 2026-10 alone"),
        ({"cost-0001.json": page("a text")}, "row 1: a text is not an object"),  # type: ignore[arg-type]
        ({"cost-0001.json": GOOD, "usage-0001.json": page(
            usage_row(output_tokens=5)).replace('"total_tokens": 5', '"total_tokens": 6')},
         "total_tokens is 6, but its token types add up to 5"),
        ({"cost-0001.json": page(cost_row("1"), data_refreshed_at="soon")},
         "cost-0001.json has data_refreshed_at 'soon': not a time with a zone"),
        ({"cost-0001.json": GOOD[:-30]}, "cost-0001.json is not complete JSON"),
        ({"cost-0001.json": GOOD.replace('"USD"', '"doubloon"')}, "not an ISO 4217 code"),
    ],
)  # fmt: skip
def test_a_broken_delivery_is_refused_in_one_sentence(
    saved: Saved, pages: dict[str, str], said: str
) -> None:
    saved.save(pages)
    (sentence,) = saved.failures()
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.skipif(not SHARED.is_dir(), reason="the documented examples are not here")
def test_the_documented_examples_are_read(tmp_path: Path) -> None:
    october = {
        name: re.sub("2026-09|2025-08", "2026-10", (SHARED / f"{name}.json").read_text())
        for name in ("analytics_cost.constructed", "legacy_cost_report.constructed",
                     "legacy_usage_report_messages.documented")
    }  # fmt: skip
    analytics, legacy = Saved(tmp_path / "analytics"), Saved(tmp_path / "legacy")
    charges = analytics.charges_of({"cost-0001.json": october["analytics_cost.constructed"]})
    assert [row["billed_cost"] for row in charges] == [Decimal("123.45678"), Decimal("0.25")]
    whole = json.loads(october["legacy_usage_report_messages.documented"]) | {"has_more": False}
    charges = legacy.charges_of(
        {
            "cost_report-0001.json": october["legacy_cost_report.constructed"],
            "messages-0001.json": json.dumps(whole),
        }
    )
    assert [row["billed_cost"] for row in charges] == [Decimal("1.2345"), Decimal("0.5")]
    counted = {row["token_type"]: row["quantity"] for row in legacy.table("token_usage")}
    assert counted == {
        "uncached_input": 1500, "cache_read": 200, "cache_write_5m": 500,
        "cache_write_1h": 1000, "output": 500,
    }  # fmt: skip
