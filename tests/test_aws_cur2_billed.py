"""What a CUR 2.0 delivery bills in all: each discount once, each cent once, rounded half-even."""

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._aws.columns import LINE_TYPES
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.aws_cur2 import CONNECTOR

PLAN = "arn:aws:savingsplans::111122223333:savingsplan/plan-1"
Row = dict[str, str]


def line(kind: str, cost: str, **columns: str) -> Row:
    return {
        "line_item_line_item_type": kind,
        "line_item_unblended_cost": cost,
        "bill_payer_account_id": "111122223333",
        "bill_billing_period_start_date": "2026-10-01T00:00:00Z",
        "line_item_currency_code": "USD",
        "line_item_usage_start_date": "2026-10-05T07:00:00Z",
        "line_item_usage_end_date": "2026-10-05T08:00:00Z",
        "line_item_operation": "RunInstances",
        **columns,
    }


def billed(root: Path, *rows: Row) -> list[Decimal]:
    """Return what the charges of these lines bill; with its rounding it is what was delivered."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    path = "data/BILLING_PERIOD=2026-10/cur-00001.csv.gz"
    manifest = json.dumps({"dataFiles": [f"s3://bucket/cur/{path}"]})
    for file, content in {
        path: gzip.compress(text.getvalue().encode(), mtime=0),
        "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json": manifest.encode(),
    }.items():
        (root / file).parent.mkdir(parents=True)
        (root / file).write_bytes(content)
    lake, source = Lake(root / "lake"), Source("aws", str(root), CONNECTOR.options())
    assert not lake.land(source, CONNECTOR, Window()).failures
    assert normalize(lake, source, CONNECTOR) == {}
    [slot] = lake.index().filter(table="charges").to_dicts()
    charges = duckdb.execute(f"select billed_cost from '{lake.root / slot['file']}'").fetchall()
    [delivered] = slot["delivered"]
    total = sum((cost for (cost,) in charges), Decimal(0))
    assert total + Decimal(delivered["rounding"]) == Decimal(delivered["amount"])
    return [cost for (cost,) in charges]


def test_discount_rows_subtract_once_though_net_costs_are_there_too(tmp_path: Path) -> None:
    usage = line("Usage", "12.50", line_item_net_unblended_cost="11.25")
    discount = line("EdpDiscount", "-1.25", line_item_net_unblended_cost="0")
    assert billed(tmp_path, usage, discount) == [Decimal("12.50"), Decimal("-1.25")]


def test_net_costs_are_billed_where_no_rows_subtract_the_discount(tmp_path: Path) -> None:
    lines = (
        line("Usage", "12.50", line_item_net_unblended_cost="11.25"),
        line("BundledDiscount", "-0.5", line_item_net_unblended_cost=""),
        line("Tax", "1", line_item_net_unblended_cost=""),
    )
    assert billed(tmp_path, *lines) == [Decimal("11.25"), 0, 1]


def test_a_bundled_discount_without_net_costs_is_subtracted_by_its_row(tmp_path: Path) -> None:
    lines = (line("Usage", "12.50"), line("BundledDiscount", "-0.5"))
    assert sum(billed(tmp_path, *lines)) == 12


_MONEY = st.decimals("-1000", "1000", places=14).map(lambda amount: f"{amount:f}")
_LINES = st.builds(
    lambda kind, cost, plan, hour: line(
        kind,
        cost,
        savings_plan_savings_plan_a_r_n=plan,
        savings_plan_savings_plan_effective_cost="1",
        savings_plan_total_commitment_to_date="2",
        savings_plan_used_commitment="1",
        reservation_effective_cost="1",
        line_item_usage_start_date=f"2026-10-05T0{hour}:00:00Z",
        line_item_usage_end_date=f"2026-10-05T0{hour + 1}:00:00Z",
    ),
    st.sampled_from(sorted(LINE_TYPES)),
    _MONEY,
    st.sampled_from(["", PLAN]),
    st.integers(0, 2),
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(rows=st.lists(_LINES, min_size=1, max_size=12))
def test_whatever_the_lines_billed_is_the_sum_of_unblended_costs(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    total = sum(billed(tmp_path_factory.mktemp("lines"), *rows))
    unblended = sum(Decimal(row["line_item_unblended_cost"]) for row in rows)
    assert abs(total - unblended) <= len(rows) * Decimal("5e-13")


def test_money_is_rounded_half_even_however_it_is_printed(tmp_path: Path) -> None:
    printed = {
        "0.0000000000005": "0",
        "0.0000000000015": "2e-12",
        "-0.0000000000025": "-2e-12",
        "7.9605e-09": "7.960e-9",
        "6e-07": "6e-7",
        ".5": "0.5",
        "999999.999999": "999999.999999",
        "1234567.5": "1234567.5",
        "12345678901234": "12345678901234",
    }
    rounded = sorted(Decimal(text) for text in printed.values())
    assert sorted(billed(tmp_path, *(line("Usage", text) for text in printed))) == rounded
