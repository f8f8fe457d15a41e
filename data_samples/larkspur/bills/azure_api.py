"""Azure's API: the developers' subscription under an Enterprise Agreement, saved as it answered.

October is the cost details report, fetched twice: on its twelfth day, and when it was over.
November's scope was asked by query, in two pages.
"""

import csv
import io
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import CENT, Total
from larkspur.writing import number_text, write_json

FOLDERS = ("azure_dev",)
VAT = Decimal("0.19")  # on the invoice only: reports have no taxes
ENROLLMENT, SUBSCRIPTION = "8419207", "c0ffee00-3c1d-4d7a-9b1e-000000000010"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dev/providers"
OPENAI = f"{GROUP}/Microsoft.CognitiveServices/accounts/larkspur-dev"
MACHINE = f"{GROUP}/Microsoft.Compute/virtualMachines/devbox-1"
DISK = f"{GROUP}/Microsoft.Compute/disks/devbox-1"
# As an EA report has them: an object without its braces.
TAGS = '"env": "development","team": "platform"'
EA_COLUMNS = (
    "InvoiceSectionName AccountName AccountOwnerId SubscriptionId SubscriptionName ResourceGroup "
    "ResourceLocation Date ProductName MeterCategory MeterSubCategory MeterId MeterName "
    "MeterRegion UnitOfMeasure Quantity EffectivePrice CostInBillingCurrency CostCenter "
    "ConsumedService ResourceId Tags OfferId AdditionalInfo ServiceInfo1 ServiceInfo2 "
    "ResourceName ReservationId ReservationName UnitPrice ProductOrderId ProductOrderName Term "
    "PublisherType PublisherName ChargeType Frequency PricingModel AvailabilityZone "
    "BillingAccountId BillingAccountName BillingCurrencyCode BillingPeriodStartDate "
    "BillingPeriodEndDate BillingProfileId BillingProfileName InvoiceSectionId "
    "IsAzureCreditEligible PartNumber PayGPrice PlanName ServiceFamily CostAllocationRuleName "
    "benefitId benefitName AccountId ResourceLocationNormalized"
).split()
# What every row says.
_ALWAYS = {
    "InvoiceSectionName": "Engineering",
    "AccountName": "Larkspur Engineering",
    "SubscriptionId": SUBSCRIPTION,
    "SubscriptionName": "larkspur-dev",
    "ResourceGroup": "dev",
    "ResourceLocation": "SwedenCentral",
    "MeterRegion": "SE Central",
    "Tags": TAGS,
    "OfferId": "MS-AZR-0017P",
    "PublisherType": "Azure",
    "PublisherName": "Microsoft",
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "BillingAccountId": ENROLLMENT,
    "BillingAccountName": "Larkspur Desk",
    "BillingCurrencyCode": "USD",
    "BillingPeriodStartDate": "10/1/2026",
    "BillingPeriodEndDate": "10/31/2026",
    "BillingProfileId": ENROLLMENT,
    "BillingProfileName": "Larkspur Desk",
    "IsAzureCreditEligible": "TRUE",
}
# Category, subcategory, meter, unit, price and price for everybody, resource, service, family.
METERS = (
    ("Cognitive Services", "Azure OpenAI", "gpt 4o mini 0718 Inp regnl Tokens", "1K",
     "0.0001573", "0.000165", OPENAI, "Microsoft.CognitiveServices", "AI + Machine Learning"),
    ("Cognitive Services", "Azure OpenAI", "gpt 4o mini 0718 Outp regnl Tokens", "1K",
     "0.0006292", "0.00066", OPENAI, "Microsoft.CognitiveServices", "AI + Machine Learning"),
    ("Virtual Machines", "BS Series", "B2s", "1 Hour",
     "0.0396", "0.0416", MACHINE, "Microsoft.Compute", "Compute"),
    ("Storage", "Premium SSD Managed Disks", "P10 LRS Disk", "1/Month",
     "18.724", "19.71", DISK, "Microsoft.Compute", "Storage"),
    ("Bandwidth", "Inter-Region", "Intra Continent Data Transfer Out", "1 GB",
     "0.02", "0.02", MACHINE, "Microsoft.Compute", "Networking"),
)  # fmt: skip
Charge = tuple[date, int, Decimal, Decimal]


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the saved answers, a folder a fetch; returns the totals of the last of each month."""
    charges = [charge for day in period.dates() for charge in _charges(day, draws)]
    october = [charge for charge in charges if charge[0].month == 10]
    november = [charge for charge in charges if charge[0].month == 11]
    root = out / "azure_dev"
    early = [charge for charge in october if charge[0].day < 12]
    for fetched_at, known in (("20261012T060000Z", early), ("20261103T061500Z", october)):
        for dataset in ("actual", "amortized") if october else ():
            _write_report(root / "2026-10" / fetched_at / f"{dataset}-0001.csv", known)
    if november:
        _write_query(root / "2026-11" / "20261103T061500Z", november)
    totals = []
    for month, known, datasets in (("2026-10", october, 2), ("2026-11", november, 1)):
        if known:
            cost = sum((cost for _, _, _, cost in known), Decimal(0))
            totals.append(_total(month, len(known) * datasets, cost))
    return totals


def _total(month: str, rows: int, cost: Decimal) -> Total:
    tax = (cost * VAT).quantize(CENT)
    return Total(
        "azure_dev", month, rows, cost, cost + tax, tax, "USD", "azure_cost_api", "azure_dev"
    )


def _charges(day: date, draws: Draws) -> list[Charge]:
    """A day's charges: the meter by its place, how many units, and what they cost."""
    tokens = Decimal(900 + draws.number("azure dev", day) % 2_100)
    amounts = (
        tokens,
        tokens / 8,
        Decimal(9 if day.weekday() < 5 else 0),
        Decimal("0.0322581"),
        Decimal(1 + draws.number("azure dev out", day) % 300) / 1_000_000,
    )
    return [
        (day, place, amount, amount * Decimal(METERS[place][4]))
        for place, amount in enumerate(amounts)
    ]


def _write_report(path: Path, charges: list[Charge]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, EA_COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_row(*charge) for charge in charges)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())


def _row(day: date, place: int, quantity: Decimal, cost: Decimal) -> dict[str, str]:
    category, subcategory, meter, unit, price, payg, resource, service, family = METERS[place]
    return _ALWAYS | {
        "Date": f"{day.month}/{day.day}/{day.year}",
        "ProductName": f"{subcategory} - {meter} - SE Central",
        "MeterCategory": category,
        "MeterSubCategory": subcategory,
        "MeterId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"larkspur-dev/{meter}")),
        "MeterName": meter,
        "UnitOfMeasure": unit,
        "Quantity": _number(quantity),
        "EffectivePrice": price,
        "CostInBillingCurrency": _number(cost),
        "ConsumedService": service,
        "ResourceId": resource,
        "AdditionalInfo": '{"ServiceType":"Standard_B2s","VCPUs":2}' if meter == "B2s" else "",
        "ResourceName": resource.rpartition("/")[2],
        "UnitPrice": price,
        "PartNumber": f"AAD-{40_000 + place}",
        "PayGPrice": payg,
        "ServiceFamily": family,
    }


def _number(value: Decimal) -> str:
    """As spreadsheets and some reports write it: 2.1E-06, and 0 for nothing."""
    return number_text(value).replace("e-", "E-") if value else "0"


def _write_query(folder: Path, charges: list[Charge]) -> None:
    """Writes the pages of a query; every one has a link, but for the last."""
    names = (
        ("Cost", "Number"), ("UsageQuantity", "Number"), ("UsageDate", "Number"),
        ("ResourceId", "String"), ("Meter", "String"), ("Currency", "String"),
    )  # fmt: skip
    scope = f"subscriptions/{SUBSCRIPTION}/providers/Microsoft.CostManagement/query"
    half = len(charges) // 2
    for number, page in enumerate((charges[:half], charges[half:]), 1):
        link = f"https://management.azure.com/{scope}?api-version=2025-03-01&$skiptoken=AQAAAA=="
        answer = {
            "id": f"{scope}/7d0e1c5e-6e2b-4c1b-9a55-00000000000{number}",
            "name": f"7d0e1c5e-6e2b-4c1b-9a55-00000000000{number}",
            "type": "Microsoft.CostManagement/query",
            "properties": {
                "nextLink": link if number == 1 else None,
                "columns": [{"name": name, "type": kind} for name, kind in names],
                "rows": [
                    [cost, amount, int(f"{day:%Y%m%d}"), METERS[place][6].lower(),
                     METERS[place][2], "USD"]
                    for day, place, amount, cost in page
                ],
            },
        }  # fmt: skip
        write_json(answer, folder / f"query-{number:04d}.json")
