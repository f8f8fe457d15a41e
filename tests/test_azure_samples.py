"""Real exports that others published: their totals to the last digit."""

import csv
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from azure_exports import Exports

SAMPLES = Path(__file__).parents[2] / "shared/samples/clouds"
SEPTEMBER = ("2023-09-01", "2023-09-30")
FILES = {
    "finops_toolkit/EA_ActualCost_Small.csv": ("actual", 11, "8.5450077867419368"),
    "finops_toolkit/EA_AmortizedCost_Small.csv": ("amortized", 28, "16.296932136636644627485419"),
    "focus_converters/azure_ea_cost_sep2023.csv": ("actual", 27, "1.26136926505726"),
}

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the published samples are not at {SAMPLES}"
)


@pytest.mark.parametrize("name", FILES)
def test_the_vendors_total_is_what_is_normalized_and_the_rounding_that_is_published(
    name: str, tmp_path: Path
) -> None:
    dataset, rows, total = FILES[name]
    with (SAMPLES / name).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    column = "Cost" if "Cost" in lines[0] else "CostInBillingCurrency"
    exports = Exports(tmp_path)
    exports.run((SAMPLES / name).read_bytes(), dataset=dataset, days=SEPTEMBER)
    assert exports.read() == {}
    (delivered,) = exports.delivered()
    with localcontext(prec=60):
        assert sum((Decimal(line[column]) for line in lines), Decimal(0)) == Decimal(total)
        rounding = Decimal(delivered["rounding"])
        assert (delivered["rows"], Decimal(delivered["amount"])) == (rows, Decimal(total))
        assert exports.total() + rounding == Decimal(total)
        assert exports.total("effective_cost") == exports.total()
        assert abs(rounding) <= rows * Decimal("5e-13")
    assert all(charge["service_category"] for charge in exports.charges())


def test_both_ea_header_sets_give_one_schema(tmp_path: Path) -> None:
    categories = []
    for number, (name, (dataset, _, _)) in enumerate(FILES.items()):
        exports = Exports(tmp_path / str(number))
        exports.run((SAMPLES / name).read_bytes(), dataset=dataset, days=SEPTEMBER)
        assert exports.read() == {}
        charges = exports.charges()
        filled = {column for charge in charges for column, value in charge.items() if value}
        categories.append(filled)
    needed = {
        "billing_account_id", "sub_account_id", "charge_period_start", "resource_id", "region_id",
        "service_name", "sku_id", "sku_price_id", "contracted_unit_price", "consumed_quantity",
        "pricing_unit", "tags", "x_usage_type",
    }  # fmt: skip
    assert all(needed <= filled for filled in categories)


def test_the_two_toolkit_files_merge_without_counting_usage_twice(tmp_path: Path) -> None:
    """They hold different rows of one account, so their totals differ; the rule is the same."""
    exports = Exports(tmp_path)
    for name, (dataset, _, _) in list(FILES.items())[:2]:
        exports.run((SAMPLES / name).read_bytes(), dataset=dataset, days=SEPTEMBER)
    assert exports.read() == {}
    # The reservation's purchase, and of the other dataset all but what commitments cover.
    assert len(exports.charges()) == 29
    assert exports.total("effective_cost") == Decimal("16.296932136637")
    covered = Decimal("0.493152") + Decimal("0.006000000468")
    assert exports.total() == Decimal("16.296932136637") - covered + Decimal("3.25")


def test_a_header_without_rows_is_an_empty_month(tmp_path: Path) -> None:
    exports = Exports(tmp_path)
    exports.run((SAMPLES / "finops_toolkit/EA_NoRows.csv").read_bytes(), days=SEPTEMBER)
    assert exports.read() == {}
    assert exports.charges() == []
