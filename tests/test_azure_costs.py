"""What an Azure line costs: actual and amortized merged, commitments, prices, other currencies."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure_exports import EA, PLAN, RESERVATION, Exports, Row, csv_bytes, line

HUNDREDTH = Decimal("0.01")
RESERVED = {"PricingModel": "Reservation", "benefitId": RESERVATION}
PLANNED = {"PricingModel": "SavingsPlan", "benefitId": PLAN}
FEE = {"ChargeType": "Purchase", "Frequency": "Recurring", "Quantity": "1"}

# A month of one reservation (31 used up, 9 unused), one savings plan (12, of which 2 unused), and
# 20 of usage that neither covers.
ACTUAL = [
    line("20"),
    line("0", **RESERVED),
    line("40", UnitPrice="40", **RESERVED, **FEE),
    line("0", **PLANNED),
    line("12", UnitPrice="12", **PLANNED, **FEE),
]
AMORTIZED = [
    line("20"),
    line("31", **RESERVED),
    line("9", **RESERVED | {"ChargeType": "UnusedReservation"}),
    line("10", **PLANNED),
    line("2", **PLANNED | {"ChargeType": "UnusedSavingsPlan"}),
]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def sums(charges: list[dict[str, Any]], by: str, column: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for charge in charges:
        found[charge[by]] = found.get(charge[by], Decimal(0)) + charge[column]
    return found


def test_the_two_datasets_are_one_bill_and_never_added_up(exports: Exports) -> None:
    exports.run(ACTUAL)
    exports.run(AMORTIZED, dataset="amortized")
    assert exports.read() == {}
    assert exports.total() == Decimal(20 + 40 + 12)
    assert exports.total("effective_cost") == Decimal(20 + 31 + 9 + 10 + 2)
    (delivered,) = exports.delivered()
    assert (delivered["rows"], Decimal(delivered["amount"])) == (10, Decimal(72))


def test_what_is_paid_for_a_commitment_is_what_is_used_of_it_and_what_is_not(
    exports: Exports,
) -> None:
    exports.run(ACTUAL)
    exports.run(AMORTIZED, dataset="amortized")
    assert exports.read() == {}
    charges = [charge for charge in exports.charges() if charge["commitment_discount_id"]]
    billed = sums(charges, "commitment_discount_id", "billed_cost")
    assert billed == sums(charges, "commitment_discount_id", "effective_cost")
    assert billed == {RESERVATION.lower(): Decimal(40), PLAN.lower(): Decimal(12)}
    for charge in charges:
        is_fee = charge["charge_category"] == "Purchase"
        assert charge["effective_cost" if is_fee else "billed_cost"] == 0
    assert sums(charges, "commitment_discount_status", "effective_cost") == {
        None: Decimal(0),
        "Used": Decimal(41),
        "Unused": Decimal(11),
    }
    assert {
        (charge["commitment_discount_type"], charge["commitment_discount_category"])
        for charge in charges
    } == {("Reservation", "Usage"), ("Savings Plan", "Spend")}


def test_refunds_of_commitments_come_from_the_actual_dataset_alone(exports: Exports) -> None:
    refund = line("-5", **RESERVED | {"ChargeType": "Refund", "Frequency": "OneTime"})
    exports.run([*ACTUAL, refund])
    exports.run(AMORTIZED, dataset="amortized")
    assert exports.read() == {}
    assert exports.total() == Decimal(67)
    assert exports.total("effective_cost") == Decimal(72)
    (charge,) = (row for row in exports.charges() if row["x_line_item_type"] == "Refund")
    assert (charge["charge_category"], charge["charge_class"]) == ("Purchase", None)
    assert (charge["billed_cost"], charge["effective_cost"]) == (Decimal(-5), Decimal(0))


@pytest.mark.parametrize(("dataset", "rows"), [("actual", ACTUAL), ("amortized", AMORTIZED)])
def test_one_dataset_alone_is_billed_and_effective_alike(
    exports: Exports, dataset: str, rows: list[Row]
) -> None:
    exports.run(rows, dataset=dataset)
    assert exports.read() == {}
    assert exports.total() == exports.total("effective_cost") == Decimal(72)
    assert len(exports.charges()) == 5


def test_an_on_demand_purchase_is_in_both_datasets_and_counted_once(exports: Exports) -> None:
    support = line("30", ChargeType="Purchase", Frequency="OneTime", PublisherType="Marketplace")
    exports.run([*ACTUAL, support])
    exports.run([*AMORTIZED, support], dataset="amortized")
    assert exports.read() == {}
    assert exports.total() == Decimal(102)
    assert exports.total("effective_cost") == Decimal(102)


def test_a_pair_whose_datasets_differ_shows_a_difference_and_hides_none(exports: Exports) -> None:
    exports.run([*ACTUAL, line("1.5")])
    exports.run(AMORTIZED, dataset="amortized")
    assert exports.read() == {}
    (delivered,) = exports.delivered()
    assert Decimal(delivered["amount"]) - exports.total() == Decimal("1.5")


def test_two_equal_lines_are_two_charges(exports: Exports) -> None:
    exports.run([line("6"), line("6")])
    assert exports.read() == {}
    assert exports.total() == Decimal(12)


def test_commitment_ids_are_one_whatever_their_case(exports: Exports) -> None:
    fields = {"PricingModel": "Reservation", "benefitId": RESERVATION.upper()}
    plan = {"PricingModel": "SavingsPlan", "benefitId": PLAN}
    exports.run([line("0", **fields), line("0", **plan)])
    assert exports.read() == {}
    ids = [row["commitment_discount_id"] for row in exports.charges()]
    assert ids == [RESERVATION.lower(), PLAN.lower()]


# --- prices and quantities ------------------------------------------------------------------------


# Unit of measure, quantity: consumed, and the units of both.
MEASURES = [
    ("1 Hour", "24", "24", "Hours", "Hours"),
    ("100 Hours", "0.24", "24", "Hours", "100 Hours"),
    ("10K", "0.0004", "4", "Units", "10000 Units"),
    ("1 GB/Month", "2.5", "2.5", "GB-Months", "GB-Months"),
    ("1M", "0.25", "250000", "Units", "1000000 Units"),
    ("1,000", "2", "2000", "Units", "1000 Units"),
    ("1/Month", "0.5", "0.5", "Units/Month", "Units/Month"),
    ("1K/Month", "2", "2000", "Units/Month", "1000 Units/Month"),
    ("5 MB", "2", "10", "MB", "5 MB"),
    ("1 Widget", "3", "3", "Widget", "Widget"),
    ("", "3", "3", "Units", "Units"),
]


def test_a_unit_of_measure_is_a_number_of_units(exports: Exports) -> None:
    costs = [Decimal(quantity) * Decimal("0.25") for _, quantity, *_ in MEASURES]
    exports.run(
        [
            line(f"{cost}", UnitOfMeasure=measure, Quantity=quantity)
            for cost, (measure, quantity, *_) in zip(costs, MEASURES, strict=True)
        ]
    )
    assert exports.read() == {}
    charges = exports.charges()
    for charge, cost, (_, quantity, consumed, unit, pricing_unit) in zip(
        charges, costs, MEASURES, strict=True
    ):
        assert (charge["consumed_quantity"], charge["consumed_unit"]) == (Decimal(consumed), unit)
        assert charge["pricing_quantity"] == Decimal(quantity)
        assert charge["pricing_unit"] == pricing_unit
        assert charge["contracted_cost"] == charge["billed_cost"] == cost
        assert charge["list_cost"] == 2 * cost


def test_a_quantity_of_single_units_is_divided_by_its_block(exports: Exports) -> None:
    fields = {"UnitOfMeasure": "100 Hours", "Quantity": "24", "EffectivePrice": "0.25"}
    exports.run([line("6", **fields, UnitPrice="25", PayGPrice="50")])
    assert exports.read() == {}
    (charge,) = exports.charges()
    assert (charge["consumed_quantity"], charge["pricing_quantity"]) == (24, Decimal("0.24"))
    assert (charge["contracted_cost"], charge["list_cost"]) == (6, 12)


def test_costs_are_prices_times_quantities_exactly(exports: Exports) -> None:
    exports.run([*ACTUAL, line("0.0003", Quantity="0.027265128", UnitPrice="0.011199923")])
    exports.run(AMORTIZED, dataset="amortized")
    assert exports.read() == {}
    priced = [charge for charge in exports.charges() if charge["sku_price_id"]]
    assert priced
    for charge in priced:
        for cost, price in (
            ("list_cost", "list_unit_price"),
            ("contracted_cost", "contracted_unit_price"),
        ):
            difference = charge[cost] - charge[price] * charge["pricing_quantity"]
            assert abs(difference) <= Decimal("5e-13")


def test_what_has_no_price_has_none_of_what_goes_with_it(exports: Exports) -> None:
    exports.run(
        [
            line("-0.0000000031", ChargeType="RoundingAdjustment", Quantity="0"),
            line("3", ChargeType="Tax", Quantity="", UnitPrice="", PayGPrice="", EffectivePrice=""),
            line("-4", ChargeType="Credit", Quantity="1", UnitPrice="-4"),
            line("9", **RESERVED | {"ChargeType": "UnusedReservation"}),
        ]
    )
    assert exports.read() == {}
    charges = exports.charges()
    assert [charge["charge_category"] for charge in charges] == [
        "Adjustment",
        "Tax",
        "Credit",
        "Usage",
    ]
    for charge in charges:
        for column in (
            "sku_price_id", "list_unit_price", "contracted_unit_price", "pricing_quantity",
            "pricing_unit", "pricing_category", "consumed_quantity", "consumed_unit",
            "commitment_discount_quantity", "sku_price_details",
        ):  # fmt: skip
            assert charge[column] is None
    assert exports.total() == Decimal("8") - Decimal("0.0000000031")


@pytest.mark.parametrize(
    ("model", "category"),
    [("OnDemand", "Standard"), ("Spot", "Dynamic"), ("Reservation", "Committed")],
)
def test_a_pricing_model_is_a_pricing_category(exports: Exports, model: str, category: str) -> None:
    exports.run([line("6", PricingModel=model, benefitId=RESERVATION)])
    assert exports.read() == {}
    (charge,) = exports.charges()
    assert charge["pricing_category"] == category


# --- agreements -----------------------------------------------------------------------------------


def mca(cost: str, **fields: str) -> Row:
    euros = {
        "BillingAccountId": "guid:guid_2019-05-31",
        "BillingProfileId": "LKSP-1",
        "BillingCurrencyCode": "EUR",
        "pricingCurrency": "USD",
        "exchangeRatePricingToBilling": "0.8625",
        "costInPricingCurrency": "4",
        "invoiceId": "",
        "previousInvoiceId": "",
    }
    return line(cost) | euros | fields


def read_mca(exports: Exports, *rows: Row) -> list[dict[str, Any]]:
    columns = list(dict.fromkeys([*EA, *(name for row in rows for name in row)]))
    exports.run(csv_bytes(rows, columns))
    assert exports.read() == {}
    return exports.charges()


def test_prices_in_dollars_are_turned_into_the_currency_that_is_billed(exports: Exports) -> None:
    fields = {"Quantity": "16", "UnitPrice": "0.25", "PayGPrice": "0.5"}
    (charge,) = read_mca(exports, mca("3.45", **fields))
    assert (charge["billing_currency"], charge["pricing_currency"]) == ("EUR", "USD")
    assert charge["billed_cost"] == Decimal("3.45")
    assert charge["pricing_currency_effective_cost"] == Decimal(4)
    assert charge["pricing_currency_contracted_unit_price"] == Decimal("0.25")
    assert charge["contracted_unit_price"] == Decimal("0.25") * Decimal("0.8625")
    assert charge["contracted_cost"] == 16 * Decimal("0.25") * Decimal("0.8625")
    assert charge["list_cost"] == 2 * charge["contracted_cost"]


def test_an_invoice_makes_a_line_of_an_mca_final(exports: Exports) -> None:
    charges = read_mca(exports, mca("1"), mca("2", invoiceId="G1"))
    assert [charge["x_finality"] for charge in charges] == ["provisional", "final"]
    assert [charge["invoice_id"] for charge in charges] == [None, "G1"]
    account = "/providers/Microsoft.Billing/billingAccounts/guid:guid_2019-05-31"
    assert charges[0]["billing_account_id"] == f"{account}/billingProfiles/LKSP-1"


def test_an_ea_line_never_says_whether_it_is_final(exports: Exports) -> None:
    exports.run([line("6")])
    assert exports.read() == {}
    (charge,) = exports.charges()
    assert charge["x_finality"] is None
    assert charge["billing_account_type"] == "Billing Account"


def test_a_refund_of_an_invoiced_month_is_a_correction(exports: Exports) -> None:
    fields = {"ChargeType": "Refund", "Frequency": "OneTime"}
    charges = read_mca(exports, mca("-2", **fields), mca("-3", previousInvoiceId="G0", **fields))
    assert [charge["charge_class"] for charge in charges] == [None, "Correction"]


def test_what_others_sell_on_the_marketplace_is_invoiced_by_microsoft(exports: Exports) -> None:
    fields = {"PublisherType": "Marketplace", "PublisherName": "Quillmark"}
    (charge,) = read_mca(exports, mca("42", **fields))
    names = ("invoice_issuer_name", "provider_name", "publisher_name", "service_provider_name")
    assert [charge[name] for name in names] == ["Microsoft", "Microsoft", "Quillmark", "Quillmark"]
    assert charge["host_provider_name"] is None
