"""Prices, quantities and costs of AWS lines: one follows from the others, to the last digit."""

from decimal import Decimal
from pathlib import Path

from aws_exports import charges_of, line

from connectors.aws_cur2 import CONNECTOR


def test_list_and_contracted_costs_are_prices_times_quantities(tmp_path: Path) -> None:
    """The price of three thousand million units has no end: costs follow what is shown of it."""
    [row] = charges_of(
        tmp_path,
        CONNECTOR,
        line(
            line_item_usage_amount="3000000000",
            line_item_unblended_cost="1000.0000001",
            pricing_public_on_demand_cost="1000.0000001",
            pricing_public_on_demand_rate="0.5",
            pricing_rate_code="SKU.TERM.RATE",
        ),
    )
    price = (Decimal("1000.0000001") / 3_000_000_000).quantize(Decimal("1e-12"))
    assert row["list_unit_price"] == row["contracted_unit_price"] == price
    assert row["list_cost"] == row["contracted_cost"] == price * 3_000_000_000
    assert row["billed_cost"] == row["effective_cost"] == Decimal("1000.0000001")


def test_a_rate_that_rounds_to_the_cost_is_the_price(tmp_path: Path) -> None:
    """AWS rounds costs to ten decimals; its rate is still what an hour costs."""
    hours, rate = Decimal("0.6388888889"), Decimal("6.88")
    cost = (hours * rate).quantize(Decimal("1e-10"))
    [row] = charges_of(
        tmp_path,
        CONNECTOR,
        line(
            line_item_usage_amount=str(hours),
            line_item_unblended_cost=str(cost),
            line_item_unblended_rate=str(rate),
            pricing_public_on_demand_cost=str(cost),
            pricing_public_on_demand_rate=str(rate),
            pricing_rate_code="SKU.TERM.RATE",
        ),
    )
    assert row["list_unit_price"] == row["contracted_unit_price"] == rate
    assert row["list_cost"] == (hours * rate).quantize(Decimal("1e-12"))
    assert row["billed_cost"] == cost
