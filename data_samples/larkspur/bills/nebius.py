"""Nebius: FOCUS 1.2 exports of a GPU machine, its disk and hosted models.

The machine fine-tunes on Wednesdays. October is exported twice: the second time with its last
days and a credit for an hour that the machine was out of order. Prices have no tax: none is due.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.focus_files import FOCUS_1_0, Row, write_csv
from larkspur.totals import Total

FOLDERS = ("nebius",)

FOCUS_1_2 = sorted(
    set(FOCUS_1_0)
    | set("""
        BillingAccountType CapacityReservationId CapacityReservationStatus
        CommitmentDiscountQuantity CommitmentDiscountUnit InvoiceId PricingCurrency
        PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost
        PricingCurrencyListUnitPrice ServiceSubcategory SkuMeter SkuPriceDetails SubAccountType
    """.split())
)  # fmt: skip
_MACHINE = "computeinstance-e00larkspurtune"
_MODEL = "larkspur-tuned-8b"
_CONTRACT = "contract-e00larkspurdesk"


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the exports as they are unpacked; a month is one CSV file."""
    days = period.dates()
    october = [day for day in days if day.month == days[0].month]
    november = [day for day in days if day.month != days[0].month]
    folder = out / "nebius"
    rows = [row for day in october for row in _day(day, draws)]
    early = [row for row in rows if str(row["ChargePeriodStart"]) < f"{october[-5:][0]}"]
    rows.append(_credit(october[-4:][0]))
    month = f"{october[0]:%Y-%m}"
    _write(early, folder / month / "20261027T060000Z", month)
    _write(rows, folder / month / "20261103T060000Z", month)
    totals = [_total(rows, month)]
    if november:
        month = f"{november[0]:%Y-%m}"
        newest = [row for day in november for row in _day(day, draws)]
        _write(newest, folder / month / "20261104T060000Z", month)
        totals.append(_total(newest, month))
    return totals


def _write(rows: Sequence[Row], folder: Path, month: str) -> None:
    write_csv(FOCUS_1_2, rows, folder / f"focus-1.2-{month}.csv")


def _total(rows: Sequence[Row], month: str) -> Total:
    cost = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    place = ("USD", "nebius_focus", "nebius")
    return Total("nebius", month, len(rows), cost, cost, Decimal(0), *place)


def _day(day: date, draws: Draws) -> list[Row]:
    rows = [_disk(day)]
    if day.weekday() == 2:
        rows += [_machine(day, hour, draws) for hour in range(8, 14)]
    return [*rows, *_tokens(day, draws)]


def _machine(day: date, hour: int, draws: Draws) -> Row:
    """An hour of the machine; the last one ended early."""
    seconds = 3600 if hour < 13 else draws.number("nebius", day) % 3000 + 300
    hours = Decimal(seconds) / 3600
    row = _row(datetime(day.year, day.month, day.day, hour), timedelta(hours=1))
    details = {"GpuCount": 8, "InstanceType": "8gpu-128vcpu-1600gb", "x_GpuModel": "H200"}
    return row | {
        **_service("Compute", "Compute", "Virtual Machines"),
        **_priced("compute-gpu-h200", "GPU", "Hours", hours.quantize(Decimal("1e-9")), "9.20"),
        "ChargeDescription": "GPU VM, NVIDIA H200 SXM x 8",
        "ResourceId": _MACHINE,
        "ResourceName": "larkspur-tune",
        "ResourceType": "Compute instance",
        "SkuPriceDetails": json.dumps(details),
        "Tags": '{"team": "platform"}',
    }


def _disk(day: date) -> Row:
    return _row(datetime(day.year, day.month, day.day), timedelta(days=1)) | {
        **_service("Compute", "Storage", "Block Storage"),
        **_priced("compute-disk-ssd", "Disk", "GiB-Hours", Decimal(500 * 24), "0.000097"),
        "ServiceName": "Compute disks",
        "ChargeDescription": "Network SSD disk, 500 GiB",
        "ResourceId": "computedisk-e00larkspurtune",
        "ResourceName": "larkspur-tune-data",
        "ResourceType": "Compute disk",
        "Tags": '{"team": "platform"}',
    }


def _tokens(day: date, draws: Draws) -> list[Row]:
    rows = []
    for direction, price, most in (("Input", "0.02", 4_000_000), ("Output", "0.06", 900_000)):
        tokens = Decimal(draws.number("nebius", day, direction) % most + most // 20)
        sku = f"token-factory-{_MODEL}-{direction.lower()}"
        rows.append(
            _row(datetime(day.year, day.month, day.day), timedelta(days=1))
            | _service("Token Factory", "AI and Machine Learning", "Generative AI")
            | _priced(sku, f"{direction} Tokens", "1000000 Tokens", tokens.scaleb(-6), price)
            | {
                "ConsumedQuantity": tokens,
                "ConsumedUnit": "Tokens",
                "ChargeDescription": f"{direction} tokens of {_MODEL}",
                "SkuPriceDetails": json.dumps({"x_ModelId": _MODEL, "x_TokenDirection": direction}),
            }
        )
    return rows


def _credit(day: date) -> Row:
    amount = Decimal("-9.20")
    return _row(datetime(day.year, day.month, day.day, 8), timedelta(hours=1)) | {
        **_service("Compute", "Compute", "Virtual Machines"),
        "ChargeCategory": "Credit",
        "ChargeFrequency": "One-Time",
        "ChargeDescription": "Service level credit",
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), amount),
        "PricingCurrencyEffectiveCost": amount,
    }


def _row(start: datetime, length: timedelta) -> Row:
    first = start.date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return {
        "BillingAccountId": _CONTRACT,
        "BillingAccountName": "Larkspur Desk",
        "BillingAccountType": "Contract",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{first}T00:00:00Z",
        "BillingPeriodEnd": f"{following}T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{start + length:%Y-%m-%dT%H:%M:%SZ}",
        "InvoiceIssuerName": "Nebius B.V.",
        "PricingCurrency": "USD",
        "ProviderName": "Nebius",
        "PublisherName": "Nebius",
        "RegionId": "eu-north1",
        "RegionName": "Finland",
        "SubAccountId": "project-e00tuning",
        "SubAccountName": "tuning",
        "SubAccountType": "Project",
    }


def _service(name: str, category: str, subcategory: str) -> Row:
    return {
        "ServiceName": name,
        "ServiceCategory": category,
        "ServiceSubcategory": subcategory,
    }


def _priced(sku: str, meter: str, unit: str, quantity: Decimal, price: str) -> Row:
    cost = quantity * Decimal(price)
    return {
        "SkuId": sku,
        "SkuMeter": meter,
        "SkuPriceId": f"{sku}-2026",
        "PricingCategory": "Standard",
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost),
        "PricingCurrencyEffectiveCost": cost,
        "ListUnitPrice": Decimal(price),
        "ContractedUnitPrice": Decimal(price),
        "PricingCurrencyListUnitPrice": Decimal(price),
        "PricingCurrencyContractedUnitPrice": Decimal(price),
    }
