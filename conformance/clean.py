"""The charges of a small clean file: of every kind that has rules of its own."""

from collections.abc import Mapping
from decimal import Decimal

Row = Mapping[str, object]

_USAGE = {
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "PricingCategory": "Standard",
}
_MACHINES = {
    "ServiceCategory": "Compute",
    "ServiceName": "Cumulus Machines",
    "ServiceSubcategory": "Virtual Machines",
    "ResourceType": "Machine",
    "RegionId": "eu-1",
    "RegionName": "Europe 1",
    "AvailabilityZone": "eu-1a",
    "SkuId": "m-large",
    "SkuPriceId": "m-large-hour",
    "SkuMeter": "Machine Hours",
    "SkuPriceDetails": '{"CoreCount":4,"x_Series":"m"}',
    "PricingUnit": "Hours",
    "ConsumedUnit": "Hours",
}
_MODELS = {
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Cumulus Models",
    "ServiceSubcategory": "Generative AI",
    "SkuId": "lark-1",
    "PricingUnit": "1000000 Tokens",
    "ConsumedUnit": "Tokens",
}
_SPEND = {
    "CommitmentDiscountId": "plan-1",
    "CommitmentDiscountName": "Machines, one year",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountType": "Savings Plan",
    "CommitmentDiscountUnit": "USD",
}
_RESERVED = {
    "CommitmentDiscountId": "reserved-1",
    "CommitmentDiscountName": "One machine, three hours",
    "CommitmentDiscountCategory": "Usage",
    "CommitmentDiscountType": "Reservation",
    "CommitmentDiscountUnit": "Hours",
}
_COMMITMENT = {
    "ServiceCategory": "Compute",
    "ServiceName": "Cumulus Machines",
    "ServiceSubcategory": "Virtual Machines",
    "ChargeCategory": "Purchase",
    "PricingCategory": "Standard",
    "ResourceType": "Commitment",
    "SkuId": "commitment",
    "SkuPriceId": "commitment-hour",
    "SkuMeter": "Commitment Hours",
    "PricingUnit": "Hours",
}
_NO_PRICE = {
    **dict.fromkeys(("SkuId", "SkuPriceId", "SkuMeter", "SkuPriceDetails")),
    **dict.fromkeys(("PricingUnit", "PricingCategory", "ConsumedUnit")),
}


def _hour(hour: int, day: int = 1) -> Row:
    start, end = f"2026-10-{day:02} {hour:02}:00:00", f"2026-10-{day:02} {hour + 1:02}:00:00"
    return {"ChargePeriodStart": start, "ChargePeriodEnd": end}


def _priced(quantity: str, price: str, consumed: str | None = None) -> Row:
    """Return the columns of quantity × price, billed as it is."""
    cost = Decimal(quantity) * Decimal(price)
    return {
        "PricingQuantity": quantity,
        "ConsumedQuantity": consumed,
        **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), price),
        **dict.fromkeys(("ListCost", "ContractedCost", "BilledCost", "EffectiveCost"), cost),
    }


def _costs(amount: str) -> Row:
    return dict.fromkeys(("ListCost", "ContractedCost", "BilledCost", "EffectiveCost"), amount)


def _covered(effective: str, quantity: str, status: str) -> Row:
    return {
        "BilledCost": 0,
        "EffectiveCost": effective,
        "CommitmentDiscountQuantity": quantity,
        "CommitmentDiscountStatus": status,
        "PricingCategory": "Committed",
        "ChargeDescription": f"{status} under a commitment",
    }


def clean_rows() -> list[Row]:
    """Return the charges: what is left out of a row is NULL."""
    machine = {**_USAGE, **_MACHINES}
    plain = [
        {**machine, **_hour(hour), **_priced("1", "0.4", "1"), "ResourceId": name}
        for hour, name in ((0, "i-1"), (1, "i-1"), (0, "i-2"))
    ]
    tokens = [
        {
            **_USAGE,
            **_MODELS,
            **_hour(hour),
            **_priced(millions, price, consumed),
            "SkuMeter": meter,
            "SkuPriceId": f"lark-1-{meter}",
            "x_Model": "lark-1",
            "SkuPriceDetails": '{"x_ModelId":"lark-1"}',
        }
        for hour, meter, millions, consumed, price in (
            (0, "Input Tokens", "1.234567", "1234567", "2.5"),
            (0, "Output Tokens", "0.2", "200000", "10"),
            (1, "Input Tokens", "0.5", "500000", "2.5"),
        )
    ]
    # A plan of 0.5 an hour: fully used, used in part, left unused.
    plan = [
        row
        for hour, used in ((2, "0.5"), (3, "0.2"), (4, None))
        for row in _plan_hour(machine, hour, used)
    ]
    return [*plain, *tokens, *plan, *_reservation(machine), *_others(machine)]


def _plan_hour(machine: Row, hour: int, used: str | None) -> list[Row]:
    fee = {
        **_COMMITMENT,
        **_SPEND,
        **_hour(hour),
        **_priced("1", "0.5"),
        "ChargeFrequency": "Recurring",
        "EffectiveCost": 0,
        "ResourceId": "plan-1",
        "CommitmentDiscountQuantity": "0.5",
    }
    rows: list[Row] = [fee]
    unused = Decimal("0.5") - Decimal(used or 0)
    if used:
        covered = {**_priced("1", "0.8", "1"), **_covered(used, used, "Used")}
        rows.append({**machine, **_SPEND, **_hour(hour), **covered, "ResourceId": "i-3"})
    if unused:
        rows.append(
            _unused({**machine, **_SPEND, **_hour(hour)}, "plan-1", str(unused), str(unused))
        )
    return rows


def _unused(row: Row, commitment: str, effective: str, quantity: str) -> Row:
    return {
        **row,
        "SkuPriceDetails": None,
        "ResourceId": commitment,
        "ResourceType": "Commitment",
        **_priced(quantity, "1"),
        **_covered(effective, quantity, "Unused"),
        "ConsumedUnit": None,
        "PricingUnit": row["CommitmentDiscountUnit"],
    }


def _reservation(machine: Row) -> list[Row]:
    """Return three hours bought upfront, of which two are used: the whole term."""
    bought = {
        **_COMMITMENT,
        **_RESERVED,
        **_priced("3", "0.3"),
        "ChargeFrequency": "One-Time",
        "ChargePeriodStart": "2026-10-01 05:00:00",
        "ChargePeriodEnd": "2026-10-01 08:00:00",
        "EffectiveCost": 0,
        "ResourceId": "reserved-1",
        "CommitmentDiscountQuantity": "3",
    }
    used = [
        {
            **machine,
            **_RESERVED,
            **_hour(hour),
            **_priced("1", "0.4", "1"),
            **_covered("0.3", "1", "Used"),
            "ResourceId": "i-4",
        }
        for hour in (5, 6)
    ]
    return [bought, *used, _unused({**machine, **_RESERVED, **_hour(7)}, "reserved-1", "0.3", "1")]


def _others(machine: Row) -> list[Row]:
    """Return what is not use of machines and models, a correction, and a second account."""
    correction = {**machine, **_hour(10), **_priced("-1", "0.4", "-1"), "ResourceId": "i-1"}
    return [
        *_without_price(),
        {**machine, **_hour(11), **_priced("-1", "0.4", "-1"), "ResourceId": "i-2"},
        {**correction, "ChargeClass": "Correction"},
        *_reserved_capacity(machine),
        _second_account(machine),
    ]


def _without_price() -> list[Row]:
    """Return a tax, a credit and a month of support."""
    once = {**_hour(0), "ChargeFrequency": "One-Time", "ServiceName": "Cumulus Billing"}
    other = {**once, "ServiceCategory": "Other", "ServiceSubcategory": "Other (Other)"}
    support = {
        **_NO_PRICE,
        **other,
        **_costs("29"),
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "Recurring",
        "ServiceName": "Cumulus Support",
        "ChargePeriodEnd": "2026-11-01 00:00:00",
        "ServiceCategory": "Management and Governance",
        "ServiceSubcategory": "Support",
    }
    return [
        {**_NO_PRICE, **other, **_costs("4.35"), "ChargeCategory": "Tax"},
        {**_NO_PRICE, **other, **_costs("-10"), "ChargeCategory": "Credit"},
        support,
    ]


def _reserved_capacity(machine: Row) -> list[Row]:
    """Return an hour of reserved capacity that was used, and one that was not."""
    capacity = {"CapacityReservationId": "capacity-1", "PricingCategory": "Standard"}
    return [
        {
            **machine,
            **_hour(hour),
            **_priced("1", "0.4", consumed),
            **capacity,
            "CapacityReservationStatus": status,
            "ResourceId": resource,
            **({} if consumed else {"ConsumedUnit": None}),
        }
        for hour, status, resource, consumed in (
            (8, "Used", "i-5", "1"),
            (9, "Unused", "capacity-1", None),
        )
    ]


def _second_account(machine: Row) -> Row:
    """Return a charge of another account, in euro, on an invoice and from a source of its own."""
    return {
        **machine,
        **_hour(0),
        **_priced("2", "0.35", "2"),
        "ResourceId": "i-9",
        "BillingAccountId": "0042",
        "BillingAccountName": "Larkspur Europe",
        "BillingCurrency": "EUR",
        "PricingCurrency": "EUR",
        "InvoiceId": "INV-EU-2026-10",
        "SubAccountId": "0043",
        "SubAccountName": "europe",
        "x_Source": "cumulus_eu",
        "x_DeliveryId": "cumulus_eu/2026-10/1",
        "x_File": "october-eu.parquet",
    }
