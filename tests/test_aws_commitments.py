"""Commitments, discounts and what is final, over whole months of the sample's AWS accounts."""

import csv
import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aws_exports import Normalized, charges_of, line, normalized, write_cur2
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.aws_cur import CONNECTOR as LEGACY
from connectors.aws_cur._columns import parquet_name
from connectors.aws_cur2 import CONNECTOR

SAMPLES = Path(__file__).parents[1] / "data_samples"
FOLDERS = {"aws_prod": "aws_cur2", "aws_ai": "aws_ai", "aws_legacy": "aws_cur"}
PLAN = "arn:aws:savingsplans::111122223333:savingsplan/plan-1"


@pytest.fixture(scope="module", params=FOLDERS)
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Normalized:
    connector = LEGACY if request.param == "aws_legacy" else CONNECTOR
    root = tmp_path_factory.mktemp(request.param)
    return normalized(root, connector, SAMPLES / FOLDERS[request.param])


def delivered(result: Normalized) -> Iterator[dict[str, Any]]:
    """The lines of October as they lie in the lake, under CUR 2.0's names."""
    manifest = result.lake.manifests("aws")["2026-10"][-1]
    folder = result.lake.folder(manifest)
    for file in manifest.files:
        if file.path.endswith(".parquet"):
            yield from pq.read_table(folder / file.path).to_pylist()
        else:
            with gzip.open(folder / file.path, "rt", newline="") as text:
                for row in csv.DictReader(text):
                    yield {parquet_name(header): value for header, value in row.items()}


def amount(row: dict[str, Any], column: str) -> Decimal:
    return Decimal(str(row.get(column) or 0))


def test_what_is_billed_is_what_it_costs_and_what_is_paid_for_other_months(
    month: Normalized,
) -> None:
    """AWS's own identity: unblended = amortized + trueup + upfront."""
    unblended = trueup = upfront = Decimal(0)
    for row in delivered(month):
        kind = row["line_item_line_item_type"]
        if row["line_item_operation"] in ("EKSPod-EC2", "ECSTask-EC2"):
            continue
        cost = amount(row, "line_item_unblended_cost")
        unblended += cost
        if kind == "SavingsPlanUpfrontFee" or (
            kind == "Fee" and row["reservation_reservation_a_r_n"]
        ):
            upfront += cost
        if kind == "SavingsPlanRecurringFee":
            trueup -= amount(row, "savings_plan_amortized_upfront_commitment_for_billing_period")
        if kind == "RIFee":
            trueup -= amount(row, "reservation_amortized_upfront_fee_for_billing_period")
            # A fee row tells the whole month's share, its usage rows only what was used of it.
    october = [row for row in month.rows() if row["x_billing_period"] == "2026-10"]
    effective = sum((row["effective_cost"] for row in october), Decimal(0))
    assert sum((row["billed_cost"] for row in october), Decimal(0)) == unblended
    assert effective == unblended - trueup - upfront
    assert upfront > 0 > trueup


def test_covered_rows_bill_nothing_and_purchases_cost_nothing(month: Normalized) -> None:
    rows = [row for row in month.rows() if row["commitment_discount_id"]]
    assert {row["commitment_discount_status"] for row in rows} == {"Used", "Unused", None}
    for row in rows:
        if row["charge_category"] == "Purchase":
            assert row["effective_cost"] == 0
        else:
            assert row["billed_cost"] == 0


def test_a_month_is_final_once_it_has_its_invoice(month: Normalized) -> None:
    found = {(row["x_billing_period"], row["x_finality"]) for row in month.rows()}
    assert found == {("2026-10", "final"), ("2026-11", "provisional")}
    assert all((row["x_finality"] == "final") == bool(row["invoice_id"]) for row in month.rows())


def test_without_the_column_nothing_is_said_of_finality(tmp_path: Path) -> None:
    [unknown] = charges_of(tmp_path / "a", CONNECTOR, line())
    [known] = charges_of(tmp_path / "b", CONNECTOR, line(bill_invoice_id=""))
    assert (unknown["x_finality"], known["x_finality"]) == (None, "provisional")


@pytest.mark.parametrize(
    "columns",
    [
        {"discount_total_discount": "-0.25", "discount_bundled_discount": "0"},
        {"discount": {"edp_discount": "-0.25"}},
    ],
)
def test_a_discount_that_neither_rows_nor_net_costs_show_is_an_error(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    rows = [line(), line(**columns)]
    failures = normalized(tmp_path, CONNECTOR, write_cur2(tmp_path / "export", rows)).failures
    assert failures["2026-10"].startswith(
        "file cur-00001.csv.gz, row 2 has a discount, but there is no column "
        "line_item_net_unblended_cost"
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"line_item_net_unblended_cost": "0.75", "discount_total_discount": "-0.25"},
        {"discount_total_discount": "-0.25", "discount_bundled_discount": "-0.25"},
        {"discount_total_discount": "0.0", "discount": {"edp_discount": "0"}},
        {"discount": {"bundled_discount": "-0.25"}},
    ],
)
def test_a_discount_that_is_accounted_for_is_no_error(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    [row] = charges_of(tmp_path, CONNECTOR, line(**columns))
    assert row["billed_cost"] == Decimal(columns.get("line_item_net_unblended_cost", "1"))


def test_a_savings_plans_commitment_already_holds_its_upfront_share(tmp_path: Path) -> None:
    """Commitment to date is of the row's own interval: what is left of it is what nobody used."""
    plan = {"savings_plan_savings_plan_a_r_n": PLAN, "line_item_product_code": "x"}
    rows = [
        line(
            line_item_line_item_type="SavingsPlanRecurringFee",
            line_item_unblended_cost="12",
            line_item_usage_start_date=f"2026-10-0{day}T00:00:00.000Z",
            line_item_usage_end_date=f"2026-10-0{day + 1}T00:00:00.000Z",
            savings_plan_total_commitment_to_date="24",
            savings_plan_used_commitment=used,
            savings_plan_amortized_upfront_commitment_for_billing_period="12",
            **plan,
        )
        for day, used in ((5, "20"), (6, "23.5"))
    ]
    charges = charges_of(tmp_path, CONNECTOR, *rows)
    assert [row["billed_cost"] for row in charges] == [12, 0, 12, 0]
    assert [row["effective_cost"] for row in charges] == [0, 4, 0, Decimal("0.5")]


_SHARES = st.lists(st.decimals("0.01", "5", places=4), min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(used=_SHARES, upfront=st.sampled_from(["0", "0.5", "1"]))
def test_over_a_month_a_plan_costs_its_commitment_however_it_was_paid(
    tmp_path_factory: pytest.TempPathFactory, used: list[Decimal], upfront: str
) -> None:
    """Used and unused parts together are the commitment; cash is its recurring part."""
    plan = {"savings_plan_savings_plan_a_r_n": PLAN, "line_item_product_code": "AmazonEC2"}
    commitment = sum(used, Decimal(1))
    covered = [
        line(
            line_item_line_item_type=kind,
            line_item_unblended_cost=str(sign * share * 2),
            savings_plan_savings_plan_effective_cost=str(share) if sign > 0 else "",
            **plan,
        )
        for share in used
        for kind, sign in (("SavingsPlanCoveredUsage", 1), ("SavingsPlanNegation", -1))
    ]
    recurring = commitment * (1 - Decimal(upfront))
    fee = line(
        line_item_line_item_type="SavingsPlanRecurringFee",
        line_item_unblended_cost=str(recurring),
        savings_plan_total_commitment_to_date=str(commitment),
        savings_plan_used_commitment=str(sum(used)),
        **plan,
    )
    rows = charges_of(tmp_path_factory.mktemp("plan"), CONNECTOR, *covered, fee)
    assert sum(row["effective_cost"] for row in rows) == commitment
    assert sum(row["billed_cost"] for row in rows) == recurring
