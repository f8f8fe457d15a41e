"""Rows of GCP's billing export as charges: credits, months, categories, prices, tags, machines."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gcp_rows import Gcp, credit, row

PRICED = {"effective_price": "0.02", "list_price": "0.025", "pricing_unit_quantity": "1"}


@pytest.fixture
def gcp(tmp_path: Path) -> Gcp:
    return Gcp(tmp_path)


def test_credits_do_not_fan_out(gcp: Gcp) -> None:
    # A row with several credits is one row; one without any is still there.
    taken = [credit("SUSTAINED_USAGE_DISCOUNT", "-30.5"), credit("DISCOUNT", "-3.4841")]

    charges = gcp.charges(row("33.996", credits=taken), row("7.25"))

    assert [charge["billed_cost"] for charge in charges] == [Decimal("0.0119"), Decimal("7.25")]


def test_a_promotion_is_a_credit_of_its_own_and_other_credits_lower_the_price(gcp: Gcp) -> None:
    credits = [
        credit("PROMOTION", "-2.5", "Startup program"),
        credit("FREE_TIER", "-1"),
        credit("RESELLER_MARGIN", "0.125"),
        credit("PROMOTION", "-0.5", "Trial"),
    ]

    usage, *promotions = gcp.charges(row("10", credits=credits))

    assert (usage["charge_category"], usage["billed_cost"]) == ("Usage", Decimal("9.125"))
    assert usage["effective_cost"] == usage["billed_cost"]
    assert [
        (item["charge_category"], item["charge_description"], item["billed_cost"])
        for item in promotions
    ] == [
        ("Credit", "Startup program", Decimal("-2.5")),
        ("Credit", "Trial", Decimal("-0.5")),
    ]
    assert {item["x_row"] for item in promotions} == {usage["x_row"]}


def test_parts_of_a_row_add_up_to_it_though_each_is_rounded(gcp: Gcp) -> None:
    tiny = "-0.00000000000049"
    gcp.write("a.json", row("1", credits=[credit("PROMOTION", tiny)] * 3))
    charges = gcp.charges()

    (total,) = gcp.lake.index().filter(table="charges")["delivered"][0]
    billed = sum(charge["billed_cost"] for charge in charges)
    assert Decimal(total["amount"]) == 1 + 3 * Decimal(tiny)
    assert billed == Decimal(total["amount"]) - Decimal(total["rounding"])
    assert abs(Decimal(total["rounding"])) <= Decimal("5e-13")


def test_the_invoice_month_stands_apart_from_the_month_of_usage(gcp: Gcp) -> None:
    late = row(1, start="2026-10-31 20:00:00 UTC", invoice__month="202611")

    (charge,) = gcp.charges(late)

    assert charge["x_billing_period"] == "2026-11"
    assert charge["billing_period_start"] == datetime(2026, 11, 1)
    assert charge["charge_period_start"] == datetime(2026, 10, 31, 20)
    assert charge["charge_class"] is None


def test_a_correction_is_one_of_a_month_that_is_closed(gcp: Gcp) -> None:
    info = {"id": "adj-1", "type": "USAGE_CORRECTION", "mode": "PARTIAL_CORRECTION"}
    expected = {
        ("2026-10-31 20:00:00 UTC", "202611"): "Correction",
        ("2026-10-31 20:00:00 UTC", "202610"): None,
        # Half past eleven in the evening of October 31, where Google's months end.
        ("2026-11-01 06:30:00 UTC", "202611"): "Correction",
        ("2026-11-01 07:00:00 UTC", "202611"): None,
    }

    charges = gcp.charges(*[
        row(-10, start=start, invoice__month=month, adjustment_info=info)
        for start, month in expected
    ])  # fmt: skip

    assert [charge["charge_class"] for charge in charges] == list(expected.values())
    assert {(item["charge_category"], item["billed_cost"]) for item in charges} == {("Usage", -10)}


CATEGORIES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "Usage", "Usage-Based"),
    ({"cost_type": "tax"}, "Tax", "One-Time"),
    ({"cost_type": "rounding_error"}, "Adjustment", "One-Time"),
    ({"cost_type": "adjustment"}, "Adjustment", "One-Time"),
    ({"adjustment_info__type": "GOODWILL", "cost_type": "adjustment"}, "Credit", "One-Time"),
    ({"adjustment_info__type": "SLA_VIOLATION", "cost_type": "adjustment"}, "Credit", "One-Time"),
    ({"adjustment_info__type": "BALANCE_TRANSFER", "cost_type": "adjustment"}, "Adjustment",
     "One-Time"),
    ({"adjustment_info__type": "PRICE_CORRECTION", "cost_type": "adjustment"}, "Usage",
     "Usage-Based"),
    ({"service__description": "Support"}, "Purchase", "Recurring"),
]  # fmt: skip


def test_cost_types_and_adjustments_have_their_category(gcp: Gcp) -> None:
    charges = gcp.charges(*[row(3, price=PRICED, **changes) for changes, _, _ in CATEGORIES])

    for charge, (_, category, frequency) in zip(charges, CATEGORIES, strict=True):
        assert (charge["charge_category"], charge["charge_frequency"]) == (category, frequency)
        assert charge["billed_cost"] == charge["effective_cost"] == 3
        if category not in ("Usage", "Purchase"):
            assert charge["sku_id"] is charge["sku_price_id"] is charge["list_unit_price"] is None
            assert charge["list_cost"] == charge["contracted_cost"] == 3


def test_list_and_contracted_cost_are_price_times_quantity(gcp: Gcp) -> None:
    usage = {"amount": 1, "unit": "seconds", "amount_in_pricing_units": 123.456,
             "pricing_unit": "gibibyte month"}  # fmt: skip

    (charge,) = gcp.charges(
        row("2.46912", usage=usage, price=PRICED, cost_at_list="3.0864",
            credits=[credit("DISCOUNT", "-0.5")])
    )  # fmt: skip

    assert charge["list_unit_price"] == Decimal("0.025")
    assert charge["list_cost"] == Decimal("0.025") * Decimal("123.456")
    assert charge["contracted_cost"] == Decimal("0.02") * Decimal("123.456")
    assert charge["billed_cost"] == Decimal("1.96912")
    assert (charge["pricing_quantity"], charge["pricing_unit"]) == (
        Decimal("123.456"),
        "GiB-Months",
    )
    assert charge["pricing_category"] == "Standard"


def test_a_price_that_is_not_the_cost_gives_way_to_their_quotient(gcp: Gcp) -> None:
    # Tiers within an hour: the price is the last tier's.
    usage = {"amount": 8, "unit": "requests", "amount_in_pricing_units": 8, "pricing_unit": "count"}

    (charge,) = gcp.charges(row("5", usage=usage, price=PRICED))

    assert charge["contracted_unit_price"] == Decimal("0.625")
    assert charge["contracted_cost"] == 5


def test_a_row_without_quantity_has_no_price(gcp: Gcp) -> None:
    (charge,) = gcp.charges(row("5", usage=None, price=PRICED))

    names = ("sku_price_id", "list_unit_price", "contracted_unit_price", "pricing_quantity",
             "pricing_category", "consumed_quantity", "pricing_unit", "consumed_unit")  # fmt: skip
    assert {charge[name] for name in names} == {None}
    assert charge["list_cost"] == charge["contracted_cost"] == 5


def test_amounts_are_in_the_billing_currency_and_in_dollars_too(gcp: Gcp) -> None:
    (charge,) = gcp.charges(row("0.02", currency="EUR", currency_conversion_rate=0.8, price=PRICED))

    assert (charge["billing_currency"], charge["billed_cost"]) == ("EUR", Decimal("0.02"))
    assert charge["pricing_currency"] == "USD"
    assert charge["pricing_currency_effective_cost"] == Decimal("0.025")
    assert charge["pricing_currency_list_unit_price"] == Decimal("0.03125")


def test_labels_tags_and_project_labels_are_one_flat_object(gcp: Gcp) -> None:
    (charge,) = gcp.charges(
        row(
            1,
            labels=[{"key": "team", "value": "knowledge"}, {"key": "note", "value": ""}],
            project__labels=[{"key": "team", "value": "owner"}],
            system_labels=[{"key": "compute.googleapis.com/cores", "value": "4"}],
            tags=[
                {"key": "team", "value": "a", "inherited": True, "namespace": "42"},
                {"key": "team", "value": "b", "inherited": False, "namespace": "42"},
                {"key": "env", "value": 'Zoë\'s "prod"', "inherited": False, "namespace": "42"},
            ],
        )
    )

    assert json.loads(charge["tags"]) == {
        "team": "knowledge",
        "note": "",
        "project/team": "owner",
        "tag/42/team": "a",
        "tag/42/env": 'Zoë\'s "prod"',
        "compute.googleapis.com/cores": "4",
    }
    assert charge["billed_cost"] == 1


def test_rows_that_gke_splits_among_namespaces_are_parts_and_no_copies(gcp: Gcp) -> None:
    def part(cost: str, namespace: str) -> dict[str, Any]:
        labels = [
            {"key": "goog-k8s-cluster-name", "value": "prod"},
            {"key": "k8s-namespace", "value": namespace},
        ]
        return row(cost, labels=labels, service__description="Compute Engine")

    charges = gcp.charges(part("3", "assist"), part("1.5", "kube:unallocated"), row("2"))

    assert sum(charge["billed_cost"] for charge in charges) == Decimal("6.5")
    assert [
        (charge["allocated_method_id"], charge["allocated_resource_id"]) for charge in charges
    ] == [("gke-cost-allocation", "prod/assist"), ("gke-cost-allocation", None), (None, None)]


def test_reservations_say_whether_they_were_used(gcp: Gcp) -> None:
    def reserved(unused: str | None) -> dict[str, Any]:
        labels = {"reservation_name": "gpus", "is_unused_reservation": unused}
        return row(
            1,
            system_labels=[
                {"key": f"compute.googleapis.com/{key}", "value": value}
                for key, value in labels.items()
                if value
            ],
        )

    charges = gcp.charges(reserved("true"), reserved("false"), reserved(None))

    assert {charge["capacity_reservation_id"] for charge in charges} == {"gpus"}
    found = [charge["capacity_reservation_status"] for charge in charges]
    assert found == ["Unused", "Used", "Used"]


def test_what_a_partner_sells_is_the_partners_and_google_invoices_it(gcp: Gcp) -> None:
    (charge,) = gcp.charges(
        row(1, invoice__publisher_type="PARTNER", seller_name="Anthropic PBC",
            service__description="Claude Opus 4.5")
    )  # fmt: skip

    assert charge["service_provider_name"] == charge["publisher_name"] == "Anthropic PBC"
    assert charge["invoice_issuer_name"] == charge["provider_name"] == "Google Cloud"
    assert charge["host_provider_name"] is None


def test_support_belongs_to_no_project(gcp: Gcp) -> None:
    (charge,) = gcp.charges(row(29, service__description="Support", project=None))

    assert charge["sub_account_id"] is charge["sub_account_name"] is None
    assert charge["service_subcategory"] == "Support"


MACHINE = "//compute.googleapis.com/projects/1/zones/us-central1-b/instances/42"


MACHINE_ROWS = [
    ("A2 Instance Core running in Americas", "seconds", 24 * 1800, 1_800_000),
    ("A2 Instance Ram running in Americas", "byte-seconds", 170 * 2**30 * 1800, 1_800_000),
    ("Nvidia Tesla A100 GPU running in Americas", "seconds", 2 * 1800, 1_800_000),
    ("Spot Preemptible A2 Instance Core running in Iowa", "seconds", 24, 1_000),
]


def test_machines_are_capacity_with_their_time_and_gpus(gcp: Gcp) -> None:
    labels = {"cores": "24", "memory": str(170 * 1024), "machine_spec": "a2-highgpu-2g"}
    system_labels = [
        {"key": f"compute.googleapis.com/{key}", "value": value} for key, value in labels.items()
    ]

    charges = gcp.charges(*[
        row(1, service__description="Compute Engine", sku__description=sku, price=PRICED,
            resource={"name": "trainer", "global_name": MACHINE}, system_labels=system_labels,
            usage={"amount": amount, "unit": unit, "amount_in_pricing_units": 1,
                   "pricing_unit": "hour"})
        for sku, unit, amount, _ in MACHINE_ROWS
    ])  # fmt: skip

    for charge, (*_, milliseconds) in zip(charges, MACHINE_ROWS, strict=True):
        assert charge["x_charge_kind"] == "capacity"
        assert (charge["resource_id"], charge["resource_name"]) == (MACHINE, "trainer")
        assert (charge["x_billed_milliseconds"], charge["x_gpu_count"]) == (milliseconds, 2)
    assert [charge["pricing_category"] for charge in charges] == [*["Standard"] * 3, "Dynamic"]


def test_storage_and_network_of_a_machine_are_no_machine_time(gcp: Gcp) -> None:
    rows = [
        row(1, service__description="Compute Engine", sku__description=sku,
            resource={"name": "trainer", "global_name": MACHINE})
        for sku in ("Storage PD Capacity", "Network Inter Zone Data Transfer Out", "External IP")
    ]  # fmt: skip

    assert {charge["x_charge_kind"] for charge in gcp.charges(*rows)} == {None}
