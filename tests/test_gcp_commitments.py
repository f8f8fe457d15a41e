"""Committed use discounts, in Google's older model and in its newer one.

The hour of an E2-Standard-8 and a one-year flexible commitment is Google's own example
(docs: spend-based CUDs, data model updates), in both models.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gcp_rows import Gcp, credit, row

OLD, NEW = "subscriptions/e52fd279", "subscriptions/1fd3b130"
CREDIT = "Committed use discount - dollar based: GCE Commitments"
RAM = {"sku": {"id": "RAM SKU", "description": "E2 Instance Ram running in Americas"}}
CORE = {"sku": {"id": "CORE SKU", "description": "E2 Instance Core running in Americas"}}
FLEXIBLE = {"id": "9BC7", "description": "Compute Flexible CUDs 1 Year"}
RAM_PRICE, CORE_PRICE = "0.02181159", "0.00292353"


def usage(cost: str, sku: dict[str, Any], amount: str, price: str, **more: Any) -> dict[str, Any]:
    return row(
        cost,
        service__description="Compute Engine",
        usage={"amount": amount, "unit": "seconds", "amount_in_pricing_units": amount,
               "pricing_unit": "hour"},
        price={"effective_price": price, "pricing_unit_quantity": "1"},
        **sku,
        **more,
    )  # fmt: skip


def older(cost: str, sku: dict[str, Any], amount: str, price: str, covered: str) -> dict[str, Any]:
    taken = credit("COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", covered, CREDIT)
    return usage(cost, sku, amount, price, credits=[taken])


def older_fee(cost: str, amount: str, originating: str | None) -> dict[str, Any]:
    labels = [{"key": "goog-originating-sku-id", "value": originating}] if originating else []
    sku = {"sku": {"id": "OLD FEE", "description": "Commitment - dollar based v1: GCE for 1 year"}}
    subscription = {"instance_id": OLD}
    return usage(cost, sku, amount, "0.0072", labels=labels, subscription=subscription)


def newer(cost: str, sku: dict[str, Any], amount: str, price: str) -> dict[str, Any]:
    subscription = {"instance_id": NEW}
    return usage(cost, sku, amount, price, consumption_model=FLEXIBLE, subscription=subscription)


def newer_fee(cost: str, offset: str | None, originating: str | None) -> dict[str, Any]:
    labels = [{"key": "goog-originating-sku-id", "value": originating}] if originating else []
    credits = [credit("FEE_UTILIZATION_OFFSET", offset)] if offset else []
    sku = {"sku": {"id": "NEW FEE", "description": "Compute Flexible CUDs - 1 Year"}}
    subscription = {"instance_id": NEW}
    return usage(cost, sku, cost, "1", labels=labels, credits=credits, subscription=subscription)


# More was used than committed to.
OLDER_OVER = [
    older_fee("0.046868", "6.509490", "RAM SKU"),
    older_fee("0.025132", "3.490510", "CORE SKU"),
    older("0.174496", RAM, "8", RAM_PRICE, "-0.065095"),
    older("0.093568", CORE, "32", CORE_PRICE, "-0.034905"),
]
NEWER_OVER = [
    newer_fee("0.046868", "-0.046868", "RAM SKU"),
    newer_fee("0.025132", "-0.025132", "CORE SKU"),
    usage("0.109398", RAM, "5.015577498", RAM_PRICE),
    usage("0.058648", CORE, "20.06066639", CORE_PRICE),
    newer("0.046868", RAM, "2.984422502", "0.01570434"),
    newer("0.025132", CORE, "11.93933361", "0.00210494"),
]
# Less was.
OLDER_UNDER = [
    older_fee("0.022994", "3.194", None),
    older_fee("0.125637", "17.450", "RAM SKU"),
    older_fee("0.067369", "9.357", "CORE SKU"),
    older("0.174496", RAM, "8", RAM_PRICE, "-0.174496"),
    older("0.093568", CORE, "32", CORE_PRICE, "-0.093568"),
]
NEWER_UNDER = [
    newer_fee("0.022994", None, None),
    newer_fee("0.125637", "-0.1256348", "RAM SKU"),
    newer_fee("0.067369", "-0.0673581", "CORE SKU"),
    newer("0.125637", RAM, "8", "0.0157043448"),
    newer("0.067369", CORE, "32", "0.0021049416"),
]


@pytest.fixture
def gcp(tmp_path: Path) -> Gcp:
    return Gcp(tmp_path)


def total(charges: list[dict[str, Any]], column: str, **where: Any) -> Decimal:
    return sum(
        (
            charge[column]
            for charge in charges
            if all(charge[name] == value for name, value in where.items())
        ),
        Decimal(0),
    )


@pytest.mark.parametrize(
    ("rows", "net", "used", "unused"),
    [
        (OLDER_OVER, "0.240064", "0.072", "0"),
        (NEWER_OVER, "0.240046", "0.072", "0"),
        (OLDER_UNDER, "0.216", "0.193006", "0.022994"),
        (NEWER_UNDER, "0.2160131", "0.193006", "0.0230071"),
    ],
    ids=["older, over", "newer, over", "older, under", "newer, under"],
)
def test_googles_example_is_the_same_in_both_models(
    gcp: Gcp, rows: list[dict[str, Any]], net: str, used: str, unused: str
) -> None:
    charges = gcp.charges(*rows)

    assert total(charges, "billed_cost") == total(charges, "effective_cost") == Decimal(net)
    fee = {"charge_category": "Purchase"}
    assert total(charges, "billed_cost", **fee) == Decimal(used) + Decimal(unused)
    assert total(charges, "effective_cost", **fee) == 0
    for status, cost in (("Used", used), ("Unused", unused)):
        assert total(charges, "billed_cost", commitment_discount_status=status) == 0
        assert total(charges, "effective_cost", commitment_discount_status=status) == Decimal(cost)
    committed = [charge for charge in charges if charge["commitment_discount_id"]]
    assert {charge["commitment_discount_id"] for charge in committed} <= {OLD, NEW}
    for charge in committed:
        if charge["commitment_discount_status"] != "Used":
            assert charge["resource_id"] == charge["commitment_discount_id"]
        assert charge["commitment_discount_category"] == "Spend"


@pytest.mark.parametrize("rows", [OLDER_OVER, NEWER_OVER], ids=["older", "newer"])
def test_what_each_sku_used_of_a_commitment_is_its_effective_cost(
    gcp: Gcp, rows: list[dict[str, Any]]
) -> None:
    charges = gcp.charges(*rows)

    for sku, cost in (("RAM SKU", "0.046868"), ("CORE SKU", "0.025132")):
        where = {"sku_id": sku, "commitment_discount_status": "Used"}
        assert total(charges, "effective_cost", **where) == Decimal(cost)


def test_a_row_that_is_covered_in_part_is_two_that_add_up(gcp: Gcp) -> None:
    charges = gcp.charges(*OLDER_OVER)

    covered, rest = (charge for charge in charges if charge["sku_id"] == "RAM SKU")
    assert (covered["pricing_category"], rest["pricing_category"]) == ("Committed", "Standard")
    assert (covered["billed_cost"], rest["billed_cost"]) == (0, Decimal("0.109401"))
    assert covered["pricing_quantity"] + rest["pricing_quantity"] == 8
    assert covered["consumed_quantity"] + rest["consumed_quantity"] == 8
    assert abs(covered["contracted_cost"] - Decimal("0.065095")) < Decimal("0.000002")
    assert rest["commitment_discount_id"] is None


def test_without_names_of_skus_a_days_fee_is_shared_by_what_was_covered(gcp: Gcp) -> None:
    fee = older_fee("0.10", "13.9", None)
    rows = [older("2", RAM, "8", "0.25", "-2"), older("1", CORE, "4", "0.25", "-1")]

    charges = gcp.charges(fee, *rows)

    shares = [item["effective_cost"] for item in charges if item["charge_category"] == "Usage"]
    # In whole units of 1e-12, and what is left by rounding with the last.
    assert shares == [Decimal("0.066666666666"), Decimal("0.033333333334")]
    assert {item["commitment_discount_id"] for item in charges} == {OLD}


def test_a_fee_without_any_covered_usage_is_all_unused(gcp: Gcp) -> None:
    purchase, unused = gcp.charges(older_fee("0.10", "13.9", None))

    assert (purchase["billed_cost"], purchase["effective_cost"]) == (Decimal("0.10"), 0)
    assert (unused["billed_cost"], unused["effective_cost"]) == (0, Decimal("0.10"))
    assert unused["commitment_discount_status"] == "Unused"
    assert unused["sku_price_id"] is unused["consumed_quantity"] is None


def test_commitments_of_resources_are_apart_from_those_of_spend(gcp: Gcp) -> None:
    sku = {"sku": {"id": "CPU FEE", "description": "Commitment v1: N1 Cpu in Iowa for 1 Year"}}
    covering = credit("COMMITTED_USAGE_DISCOUNT", "-4", "Committed Usage Discount: CPU")
    rows = [
        usage("3", sku, "3", "1", subscription={"instance_id": "resource-1"}),
        usage("4", CORE, "4", "1", credits=[covering]),
        older_fee("1", "1", None),
    ]

    charges = gcp.charges(*rows)

    used = [item for item in charges if item["commitment_discount_status"] == "Used"]
    assert [(item["effective_cost"], item["commitment_discount_id"]) for item in used] == [
        (3, "resource-1")
    ]
    assert used[0]["commitment_discount_category"] == "Usage"
    assert used[0]["commitment_discount_type"] == "Resource-based CUD"
    unused = total(charges, "effective_cost", commitment_discount_status="Unused")
    assert unused == 1


def test_a_standard_export_names_no_subscription_but_a_fee_by_its_sku(gcp: Gcp) -> None:
    rows = [item | {"subscription": None} for item in OLDER_UNDER]

    charges = gcp.charges(*rows)

    assert {charge["commitment_discount_id"] for charge in charges} == {"OLD FEE"}
    assert total(charges, "effective_cost") == total(charges, "billed_cost") == Decimal("0.216")


def test_covered_usage_whose_fee_is_in_another_load_costs_nothing_there(gcp: Gcp) -> None:
    gcp.write("fee.json", older_fee("0.10", "13.9", None))
    gcp.write("usage.json", older("2", RAM, "8", "0.25", "-2"))

    charges = gcp.charges()

    assert total(charges, "billed_cost") == total(charges, "effective_cost") == Decimal("0.10")


def test_a_promotion_that_pays_for_covered_usage_is_still_a_credit(gcp: Gcp) -> None:
    item = newer("0.5", RAM, "8", "0.0625")
    item["credits"] = [credit("PROMOTION", "-0.2")]

    charges = gcp.charges(item)

    assert [
        (charge["charge_category"], charge["billed_cost"], charge["effective_cost"])
        for charge in charges
    ] == [
        ("Usage", 0, Decimal("0.5")),
        ("Purchase", Decimal("0.5"), 0),
        ("Credit", Decimal("-0.2"), Decimal("-0.2")),
    ]


def test_usage_taken_back_takes_its_commitment_back_too(gcp: Gcp) -> None:
    info = {"id": "adj-1", "type": "USAGE_CORRECTION"}
    rows = [newer("0.5", RAM, "8", "0.0625"), newer("-0.5", RAM, "-8", "0.0625")]
    rows[1]["adjustment_info"] = info

    charges = gcp.charges(*rows)

    for column in ("billed_cost", "effective_cost", "contracted_cost", "pricing_quantity"):
        assert sum(charge[column] or 0 for charge in charges) == 0
