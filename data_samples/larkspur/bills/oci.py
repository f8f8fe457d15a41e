"""Oracle Cloud: FOCUS reports as OCI writes them, a compressed file a day, never written again.

The columns are those of a preview of FOCUS 1.0 (Provider, Region, UsageQuantity) and OCI's own.
Larkspur tried a GPU machine from 2026-10-26 on. What was wrong on the 28th is taken back by rows
of a report of November, which name the rows they correct.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.writing import write_gzip

FOLDERS = ("oci",)

_COLUMNS = """
    AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingCurrency
    BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeDescription ChargeFrequency
    ChargePeriodEnd ChargePeriodStart ChargeSubcategory CommitmentDiscountCategory
    CommitmentDiscountId CommitmentDiscountName CommitmentDiscountType EffectiveCost InvoiceIssuer
    ListCost ListUnitPrice PricingCategory PricingQuantity PricingUnit Provider Publisher Region
    ResourceId ResourceName ResourceType ServiceCategory ServiceName SkuId SkuPriceId SubAccountId
    SubAccountName Tags UsageQuantity UsageUnit oci_ReferenceNumber oci_CompartmentId
    oci_CompartmentName oci_OverageFlag oci_UnitPriceOverage oci_BilledQuantityOverage
    oci_CostOverage oci_AttributedUsage oci_AttributedCost oci_BackReferenceNumber
""".split()
_FIRST_DAY = 26
_CORRECTED_DAY, _CORRECTED_IN = 28, 2
_TENANCY = "ocid1.tenancy.oc1..aaaaaaaalarkspurdesk"
_COMPARTMENT = "ocid1.compartment.oc1..aaaaaaaaexperiments"
_REGION = "us-ashburn-1"
# What every row says.
_ALWAYS = {
    "AvailabilityZone": "iad-ad-1",
    "BillingAccountId": _TENANCY,
    "BillingAccountName": "larkspurdesk",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "ChargeSubcategory": "OnDemand",
    "InvoiceIssuer": "Oracle",
    "PricingCategory": "OnDemand",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": _REGION,
    "SubAccountId": _COMPARTMENT,
    "SubAccountName": "experiments",
    "Tags": '{"Oracle-Tags.CreatedBy": "default/rosa", "team": "assist"}',
    "oci_CompartmentId": _COMPARTMENT,
    "oci_CompartmentName": "experiments",
    "oci_OverageFlag": "N",
}
# Description, SKU, service, category, resource type, unit, list price, decimals of its use.
_METERS = (
    ("GPU - A10", "B95909", "COMPUTE", "Compute", "instance", "GPU HOURS", "2.00", 0),
    ("Block Volume - Storage", "B91961", "BLOCK_STORAGE", "Storage", "volume",
     "GIGABYTES PER MONTH", "0.0255", -7),
    ("Outbound Data Transfer", "B88327", "NETWORK", "Networking", "vnic", "GIGABYTES",
     "0.0085", -12),
)  # fmt: skip

Row = dict[str, str]


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes a report a day; the machine runs four hours a day."""
    days = [day for day in period.dates() if (day.month, day.day) >= (10, _FIRST_DAY)]
    reports = {day: _report(day, draws) for day in days}
    for day in days:
        if (day.month, day.day) == (11, _CORRECTED_IN):
            corrected = day.replace(month=10, day=_CORRECTED_DAY)
            reports[day] += _corrections(reports[corrected])
    for day, rows in reports.items():
        _write_report(rows, out / "oci" / _path(day))
    delivered = [row for rows in reports.values() for row in rows]
    months = sorted({row["BillingPeriodStart"][:7] for row in delivered})
    return [_total(month, delivered) for month in months]


def _total(month: str, delivered: Sequence[Row]) -> Total:
    costs = [Decimal(r["BilledCost"]) for r in delivered if r["BillingPeriodStart"][:7] == month]
    cost = sum(costs, Decimal(0))
    return Total("oci", month, len(costs), cost, cost, connector="focus", location="oci")


def _path(day: date) -> str:
    return f"FOCUS Reports/{day:%Y/%m/%d}/0001000000{day:%y%m%d}00-00001.csv.gz"


def _report(day: date, draws: Draws) -> list[Row]:
    return [
        _row(day, hour, number, draws) for hour in (8, 9, 13, 14) for number in range(len(_METERS))
    ]


def _row(day: date, hour: int, number: int, draws: Draws) -> Row:
    description, sku, service, category, kind, unit, price, digits = _METERS[number]
    drawn = draws.number("oci", day, hour, sku) % 1_000_000
    # A transfer of a few bytes costs next to nothing, which OCI prints with an exponent.
    quantity = Decimal(1) if number == 0 else Decimal(drawn).scaleb(digits)
    cost = quantity * Decimal(price)
    following = day.replace(day=1) + timedelta(days=32)
    start = f"{day}T{hour:02}:00Z"
    resource = f"ocid1.{kind}.oc1.iad.{draws.hexadecimal(24, 'oci', kind)}"
    return (
        dict.fromkeys(_COLUMNS, "")
        | _ALWAYS
        | {
            "BilledCost": str(cost),
            "BillingPeriodStart": f"{day:%Y-%m}-01T00:00Z",
            "BillingPeriodEnd": f"{following:%Y-%m}-01T00:00Z",
            "ChargeDescription": f"Oracle Cloud Infrastructure - {description}",
            "ChargePeriodStart": start,
            "ChargePeriodEnd": f"{day}T{hour + 1:02}:00Z",
            "EffectiveCost": str(cost),
            "ListCost": str(cost),
            "ListUnitPrice": price,
            "PricingQuantity": str(quantity),
            "PricingUnit": unit,
            "ResourceId": resource,
            "ResourceName": f"larkspur-{kind}",
            "ResourceType": kind,
            "ServiceCategory": category,
            "ServiceName": service,
            "SkuId": sku,
            "UsageQuantity": str(quantity),
            "UsageUnit": unit,
            "oci_ReferenceNumber": draws.hexadecimal(32, "oci", day, hour, sku),
        }
    )


def _corrections(rows: Sequence[Row]) -> list[Row]:
    """The machine's hours of a day taken back, and given again at half of them."""
    corrections = []
    for row in rows:
        if row["ResourceType"] == "instance":
            for part in (Decimal(-1), Decimal("0.5")):
                corrections.append(row | _scaled(row, part))
    return corrections


def _scaled(row: Row, part: Decimal) -> Row:
    numbers = ("BilledCost", "EffectiveCost", "ListCost", "PricingQuantity", "UsageQuantity")
    return {name: str(Decimal(row[name]) * part) for name in numbers} | {
        "oci_ReferenceNumber": row["oci_ReferenceNumber"][:-2] + ("aa" if part < 0 else "bb"),
        "oci_BackReferenceNumber": row["oci_ReferenceNumber"],
    }


def _write_report(rows: Sequence[Row], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_gzip(text.getvalue(), path)
