"""What each CUR 2.0 line item type costs, worked out by hand in Decimal."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors._aws.columns import DISCOUNTS
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.aws_cur2 import CONNECTOR

PLAN = "arn:aws:savingsplans::111122223333:savingsplan/plan-1"
RESERVATION = "arn:aws:ec2:us-west-2:111122223333:reserved-instances/ri-1"
OCTOBER = "2026-10-01T00:00:00.000Z"
Row = dict[str, Any]
Charges = Callable[..., list[Row]]


def line(kind: str = "Usage", cost: str = "0", **columns: str) -> Row:
    """A line of an hour of one machine, as the export has it in csv."""
    return {
        "line_item_line_item_type": kind,
        "line_item_unblended_cost": cost,
        "bill_payer_account_id": "111122223333",
        "bill_billing_period_start_date": OCTOBER,
        "line_item_currency_code": "USD",
        "line_item_usage_account_id": "444455556666",
        "line_item_usage_start_date": "2026-10-05T07:00:00.000Z",
        "line_item_usage_end_date": "2026-10-05T08:00:00.000Z",
        "line_item_operation": "RunInstances",
        "line_item_product_code": "AmazonEC2",
        **columns,
    }


def machine(kind: str, cost: str, hours: str = "1", **columns: str) -> Row:
    """An hour, or a part of it, of an EC2 instance with a published price of 12.50."""
    return line(
        kind,
        cost,
        line_item_usage_type="USW2-BoxUsage:p5.4xlarge",
        line_item_resource_id="i-0123456789abcdef0",
        line_item_usage_amount=hours,
        pricing_unit="Hrs",
        pricing_rate_code="SKU1.TERM.RATE",
        pricing_public_on_demand_cost=str(Decimal("12.50") * Decimal(hours)),
        pricing_public_on_demand_rate="12.50",
        line_item_unblended_rate="12.50",
        **columns,
    )


def write_export(root: Path, rows: list[Row]) -> Path:
    """Write an overwrite-mode csv.gz export of October, with the columns that the rows have."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    data, metadata = (root / kind / "BILLING_PERIOD=2026-10" for kind in ("data", "metadata"))
    data.mkdir(parents=True)
    metadata.mkdir(parents=True)
    (data / "cur-00001.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    key = "s3://bucket/prefix/cur/data/BILLING_PERIOD=2026-10/cur-00001.csv.gz"
    (metadata / "cur-Manifest.json").write_text(json.dumps({"dataFiles": [key]}))
    return root


def charges_of(root: Path, rows: list[Row]) -> list[Row]:
    """Land and normalize the rows, check that none of their money is lost, return the charges."""
    lake = Lake(root / "lake")
    source = Source("aws", str(write_export(root / "export", rows)), CONNECTOR.options())
    report = lake.land(source, CONNECTOR, Window())
    assert not report.failures
    assert normalize(lake, source, CONNECTOR) == {}
    [slot] = lake.index().filter(table="charges").to_dicts()
    [delivered] = slot["delivered"]
    assert delivered["rows"] == len(rows)
    connection = duckdb.connect()
    cursor = connection.execute("select * from read_parquet(?)", [str(lake.root / slot["file"])])
    names = [column[0] for column in cursor.description or []]
    charges = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    billed = sum((charge["billed_cost"] for charge in charges), Decimal(0))
    assert billed + Decimal(delivered["rounding"]) == Decimal(delivered["amount"])
    return charges


@pytest.fixture
def charges(tmp_path: Path) -> Charges:
    return lambda *rows: charges_of(tmp_path, list(rows))


def costs(charge: Row) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return billed, effective, list and contracted cost."""
    names = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
    billed, effective, listed, contracted = (charge[name] for name in names)
    return billed, effective, listed, contracted


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


def savings_plan_hour() -> list[Row]:
    """A plan of $10 an hour, half of it paid upfront, of which an hour uses $8."""
    plan = {"savings_plan_savings_plan_a_r_n": PLAN}
    return [
        machine(
            "SavingsPlanCoveredUsage",
            "12.50",
            savings_plan_savings_plan_effective_cost="8",
            **plan,
        ),
        machine("SavingsPlanNegation", "-12.50", **plan),
        line(
            "SavingsPlanRecurringFee",
            "5",
            line_item_product_code="ComputeSavingsPlans",
            savings_plan_total_commitment_to_date="10",
            savings_plan_used_commitment="8",
            **plan,
        ),
    ]


def test_a_savings_plan_of_10_half_upfront_and_used_for_8_bills_5_and_costs_8_and_2(
    charges: Charges,
) -> None:
    covered, fee, unused = charges(*savings_plan_hour())
    assert costs(covered) == decimals("0", "8", "12.50", "12.50")
    assert costs(fee)[:2] == decimals("5", "0")
    assert costs(unused) == decimals("0", "2", "0", "0")


def test_a_savings_plan_says_on_each_row_whether_it_was_used(charges: Charges) -> None:
    rows = charges(*savings_plan_hour())
    assert [row["charge_category"] for row in rows] == ["Usage", "Purchase", "Usage"]
    assert [row["commitment_discount_status"] for row in rows] == ["Used", None, "Unused"]
    assert {row["commitment_discount_id"] for row in rows} == {PLAN}
    assert {row["commitment_discount_category"] for row in rows} == {"Spend"}
    assert [row["resource_id"] for row in rows] == ["i-0123456789abcdef0", PLAN, PLAN]
    assert rows[0]["pricing_category"] == "Committed"


def test_an_upfront_fee_is_billed_once_and_costs_nothing_by_itself(charges: Charges) -> None:
    [fee] = charges(line("SavingsPlanUpfrontFee", "43800", savings_plan_savings_plan_a_r_n=PLAN))
    assert costs(fee)[:2] == decimals("43800", "0")
    assert (fee["charge_category"], fee["charge_frequency"]) == ("Purchase", "One-Time")


def test_what_negations_do_not_take_back_becomes_a_row_of_its_own(charges: Charges) -> None:
    covered, fee, taken_back = savings_plan_hour()[0], savings_plan_hour()[2], Decimal("12.49")
    negation = machine(
        "SavingsPlanNegation", str(-taken_back), savings_plan_savings_plan_a_r_n=PLAN
    )
    rows = charges(covered, negation, fee)
    [rest] = [row for row in rows if row["charge_category"] == "Adjustment"]
    assert costs(rest)[:2] == (Decimal("12.50") - taken_back,) * 2
    assert (rest["commitment_discount_id"], rest["resource_id"]) == (PLAN, None)
    assert rest["x_row"] == 1


def test_negations_are_paired_by_plan_account_and_hour_but_not_across_hours(
    charges: Charges,
) -> None:
    covered, negation, _ = savings_plan_hour()
    later = {
        "line_item_usage_start_date": "2026-10-05T08:00:00.000Z",
        "line_item_usage_end_date": "2026-10-05T09:00:00.000Z",
    }
    rest = [r for r in charges(covered, negation | later) if r["charge_category"] == "Adjustment"]
    assert [row["billed_cost"] for row in rest] == [Decimal("12.50"), Decimal("-12.50")]


def test_reserved_usage_costs_its_share_and_the_monthly_fee_what_nobody_used(
    charges: Charges,
) -> None:
    used, fee, unused = charges(
        machine(
            "DiscountedUsage",
            "0",
            reservation_reservation_a_r_n=RESERVATION,
            reservation_effective_cost="7.25",
        ),
        line(
            "RIFee",
            "100",
            line_item_usage_end_date="2026-10-31T23:59:59.000Z",
            reservation_reservation_a_r_n=RESERVATION,
            reservation_unused_amortized_upfront_fee_for_billing_period="3.10",
            reservation_unused_recurring_fee="1.05",
        ),
    )
    assert costs(used) == decimals("0", "7.25", "12.50", "12.50")
    assert used["commitment_discount_type"] == "Reserved Instance"
    assert used["commitment_discount_category"] == "Usage"
    assert costs(fee)[:2] == decimals("100", "0")
    assert costs(unused)[:2] == decimals("0", "4.15")
    assert str(fee["charge_period_end"]) == "2026-11-01 00:00:00"


def test_a_fully_used_commitment_has_no_unused_row(charges: Charges) -> None:
    [fee] = charges(
        line(
            "SavingsPlanRecurringFee",
            "5",
            savings_plan_savings_plan_a_r_n=PLAN,
            savings_plan_total_commitment_to_date="10",
            savings_plan_used_commitment="10",
        )
    )
    assert fee["charge_category"] == "Purchase"


def test_a_fee_is_effective_unless_it_buys_a_reservation(charges: Charges) -> None:
    support, reservation = charges(
        line("Fee", "100", line_item_product_code="AWSSupportBusiness"),
        line("Fee", "900", reservation_reservation_a_r_n=RESERVATION),
    )
    assert costs(support)[:2] == decimals("100", "100")
    assert support["charge_frequency"] == "Recurring"
    assert costs(reservation)[:2] == decimals("900", "0")
    assert reservation["resource_id"] == RESERVATION


def test_tax_and_credit_cost_what_they_bill(charges: Charges) -> None:
    tax, credit = charges(line("Tax", "8.21"), line("Credit", "-250"))
    assert costs(tax) == decimals("8.21", "8.21", "8.21", "8.21")
    assert costs(credit) == decimals("-250", "-250", "-250", "-250")
    assert (tax["charge_category"], credit["charge_category"]) == ("Tax", "Credit")


def test_a_refund_is_a_correction_only_of_an_earlier_period(charges: Charges) -> None:
    september = {
        "line_item_usage_start_date": "2026-09-30T23:00:00Z",
        "line_item_usage_end_date": "2026-10-01T00:00:00Z",
    }
    late, early = charges(line("Refund", "-3", **september), line("Refund", "-2"))
    assert (late["charge_category"], late["charge_class"]) == ("Usage", "Correction")
    assert (early["charge_category"], early["charge_class"]) == ("Usage", None)
    assert costs(late)[:2] == decimals("-3", "-3")
    assert late["x_charge_kind"] is None


def test_the_refund_of_an_upfront_fee_gives_back_cash_but_no_cost(charges: Charges) -> None:
    [refund] = charges(
        line(
            "Refund",
            "-500",
            line_item_line_item_description="Refund for one-time fee for Savings Plan ID: plan-1",
            savings_plan_savings_plan_a_r_n=PLAN,
        )
    )
    assert costs(refund)[:2] == decimals("-500", "0")
    assert refund["charge_category"] == "Purchase"


def test_rows_that_split_a_node_among_its_pods_are_left_out(charges: Charges) -> None:
    pods = [
        line("Usage", "0.9", line_item_operation=operation)
        for operation in ("EKSPod-EC2", "ECSTask-EC2")
    ]
    [node] = charges(machine("Usage", "12.50"), *pods)
    assert node["billed_cost"] == Decimal("12.50")


def test_a_net_bill_takes_the_net_costs_of_commitments(charges: Charges) -> None:
    covered, negation, fee = savings_plan_hour()
    rows = charges(
        covered
        | {
            "line_item_net_unblended_cost": "11",
            "savings_plan_net_savings_plan_effective_cost": "7.2",
        },
        negation | {"line_item_net_unblended_cost": "-11"},
        fee | {"line_item_net_unblended_cost": "4.5"},
    )
    assert [costs(row)[:2] for row in rows] == [
        decimals("0", "7.2"),
        decimals("4.5", "0"),
        decimals("0", "2"),
    ]


def test_other_line_types_cost_what_they_bill(charges: Charges) -> None:
    kinds = [*DISCOUNTS, "FlatRateSubscription", "FlateRateSubscription"]
    rows = {row["x_line_item_type"]: row for row in charges(*(line(k, "-0.75") for k in kinds))}
    assert sorted(rows) == sorted(kinds)
    for kind, row in rows.items():
        assert costs(row) == decimals("-0.75", "-0.75", "-0.75", "-0.75"), kind
        assert row["charge_category"] == ("Adjustment" if kind in DISCOUNTS else "Purchase"), kind
