"""Microsoft's own FOCUS exports, 1.0 and 1.2-preview: read as they are, their known gaps mended."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure_exports import PLAN, RESERVATION, SUBSCRIPTION, Exports

FOCUS = {
    "BilledCost": "6",
    "BillingAccountId": "/providers/Microsoft.Billing/billingAccounts/1/billingProfiles/2",
    "BillingAccountName": "Larkspur Desk",
    "BillingAccountType": "Billing Profile",
    "BillingCurrency": "EUR",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeDescription": "Virtual Machines D4s v5",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "CommitmentDiscountCategory": "",
    "CommitmentDiscountId": "",
    "CommitmentDiscountName": "",
    "CommitmentDiscountStatus": "",
    "CommitmentDiscountType": "",
    "ConsumedQuantity": "24",
    "ConsumedUnit": "Hours",
    "ContractedCost": "6",
    "ContractedUnitPrice": "0.25",
    "EffectiveCost": "6",
    "InvoiceIssuerName": "Microsoft",
    "ListCost": "12",
    "ListUnitPrice": "0.5",
    "PricingCategory": "Standard",
    "PricingQuantity": "24",
    "PricingUnit": "Hours",
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "RegionId": "westeurope",
    "ResourceId": f"/subscriptions/{SUBSCRIPTION}/resourcegroups/g/providers/"
    "microsoft.compute/virtualmachines/vm",
    "ResourceName": "vm",
    "ServiceCategory": "Compute",
    "ServiceName": "Virtual Machines",
    "SkuId": "DZH318Z0",
    "SkuPriceId": "DZH318Z0_0001",
    "SubAccountId": f"/subscriptions/{SUBSCRIPTION}",
    "SubAccountName": "larkspur",
    "Tags": '{"env":"prod"}',
    "x_InvoiceId": "",
    "x_PricingBlockSize": "1",
    "x_PublisherCategory": "Cloud Provider",
    "x_SkuDetails": '{"ServiceType":"Standard_NC96ads_A100_v4"}',
    "x_SkuMeterCategory": "Virtual Machines",
    "x_SkuMeterName": "D4s v5",
    "x_SkuServiceFamily": "Compute",
}
RESERVED = {
    "CommitmentDiscountCategory": "Usage",
    "CommitmentDiscountId": RESERVATION,
    "CommitmentDiscountStatus": "Used",
    "CommitmentDiscountType": "Reservation",
}


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def read(
    exports: Exports, *rows: dict[str, str], names: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    new = [
        {(names or {}).get(name, name): value for name, value in (FOCUS | row).items()}
        for row in rows
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(new[0]))
    writer.writeheader()
    writer.writerows(new)
    exports.run(text.getvalue().encode(), dataset="focus")
    assert exports.read() == {}
    return exports.charges()


def test_a_line_is_kept_as_it_is(exports: Exports) -> None:
    (charge,) = read(exports, {})
    assert (charge["billed_cost"], charge["effective_cost"]) == (6, 6)
    assert (charge["list_cost"], charge["contracted_cost"]) == (12, 6)
    assert (charge["list_unit_price"], charge["pricing_quantity"]) == (Decimal("0.5"), 24)
    assert f"{charge['charge_period_end']}" == "2026-10-06 00:00:00"
    assert f"{charge['billing_period_end']}" == "2026-11-01 00:00:00"
    assert (charge["service_name"], charge["service_subcategory"]) == ("Virtual Machines",) * 2
    assert (charge["x_charge_kind"], charge["x_billed_milliseconds"]) == ("capacity", 86_400_000)
    assert charge["x_gpu_count"] == 4
    assert json.loads(charge["tags"]) == {"env": "prod"}
    (delivered,) = exports.delivered()
    assert Decimal(delivered["amount"]) == 6
    assert delivered["billing_currency"] == "EUR"


@pytest.mark.parametrize("names", [{"x_InvoiceId": "InvoiceId", "x_SkuMeterName": "SkuMeter"}, {}])
def test_columns_of_1_0_and_of_1_2_are_one(exports: Exports, names: dict[str, str]) -> None:
    charges = read(exports, {"x_InvoiceId": "G1"}, {}, names=names)
    assert [charge["invoice_id"] for charge in charges] == ["G1", None]
    assert [charge["x_finality"] for charge in charges] == ["final", "provisional"]
    assert {charge["sku_meter"] for charge in charges} == {"D4s v5"}


def test_purchases_of_commitments_are_not_effective_and_what_they_cover_not_billed(
    exports: Exports,
) -> None:
    plan = {"CommitmentDiscountId": PLAN, "CommitmentDiscountCategory": "Spend"}
    purchase = {"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring"}
    charges = read(
        exports,
        RESERVED | {"BilledCost": "0", "EffectiveCost": "4"},
        # Microsoft is known to say an effective cost here.
        RESERVED | plan | purchase | {"BilledCost": "40", "EffectiveCost": "40"},
        RESERVED | {"CommitmentDiscountStatus": "Unused", "BilledCost": "0", "EffectiveCost": "2"},
    )
    assert [charge["billed_cost"] for charge in charges] == [0, 40, 0]
    assert [charge["effective_cost"] for charge in charges] == [4, 0, 2]
    assert [charge["commitment_discount_status"] for charge in charges] == ["Used", None, "Unused"]
    assert [charge["commitment_discount_id"] for charge in charges] == [
        RESERVATION.lower(),
        PLAN.lower(),
        RESERVATION.lower(),
    ]
    assert charges[2]["resource_id"] == RESERVATION.lower()
    assert charges[2]["sku_price_id"] is None


def test_costs_of_0_are_filled_from_prices_or_else_from_what_was_paid(exports: Exports) -> None:
    zero = {"ListCost": "0", "ContractedCost": "0"}
    nothing = zero | {"ListUnitPrice": "0", "ContractedUnitPrice": "0"}
    charges = read(
        exports,
        RESERVED | zero | {"BilledCost": "0", "EffectiveCost": "4"},
        nothing | {"x_PublisherCategory": "Vendor", "PublisherName": "Quillmark"},
        RESERVED | nothing | {"BilledCost": "0", "EffectiveCost": "4"},
    )
    assert [charge["list_cost"] for charge in charges] == [12, 6, 4]
    assert [charge["contracted_cost"] for charge in charges] == [6, 6, 4]
    assert [charge["sku_price_id"] is None for charge in charges] == [False, True, True]
    assert charges[1]["service_provider_name"] == "Quillmark"
    assert charges[1]["invoice_issuer_name"] == charges[1]["provider_name"] == "Microsoft"


def test_a_cost_that_is_not_price_times_quantity_has_no_price(exports: Exports) -> None:
    (charge,) = read(exports, {"ListUnitPrice": "0.6"})
    assert charge["list_cost"] == 12
    assert (charge["list_unit_price"], charge["pricing_quantity"]) == (None, None)


@pytest.mark.parametrize("block", [1_000, 1_000_000])
def test_token_meters_are_tokens_here_too(exports: Exports, block: int) -> None:
    meter = {
        "x_SkuMeterName": "GPT 5 cchd Inpt Glbl Tokens",
        "x_SkuMeterCategory": "Foundry Models",
        "x_PricingBlockSize": str(block),
        "PricingQuantity": "24",
        "ConsumedQuantity": str(24 * block),
        "ConsumedUnit": "Units",
    }
    (charge,) = read(exports, meter)
    assert (charge["x_charge_kind"], charge["x_token_type"]) == ("tokens", "cache_read")
    assert charge["x_model"] == "GPT 5"
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (24 * block, "Tokens")
    assert charge["pricing_quantity"] == Decimal(24 * block) / 1_000_000
    assert charge["list_cost"] == charge["list_unit_price"] * charge["pricing_quantity"] == 12


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("ChargeCategory", "Gift", "charge_category is 'Gift'; allowed: Usage, Purchase, Tax"),
        ("BilledCost", "six", "billed_cost is 'six'; allowed: money"),
        ("BillingPeriodStart", "2026-09-01T00:00:00Z", "is of the billing period 2026-09-01"),
    ],
)
def test_a_value_that_is_not_known_is_a_sentence(
    exports: Exports, column: str, value: str, sentence: str
) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(FOCUS))
    writer.writeheader()
    writer.writerows([FOCUS, FOCUS | {column: value}])
    exports.run(text.getvalue().encode(), dataset="focus")
    ((_, said),) = exports.read().items()
    assert "row 2" in said
    assert sentence in said
