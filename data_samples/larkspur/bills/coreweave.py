"""CoreWeave: what its FOCUS API answers, hourly quantities without any cost.

Larkspur evaluates models on Mondays on four GPUs, in November on interruptible ones. October comes
twice, on two pages at last; November as CSV. The invoice is by the contract's prices.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.focus_files import Row, write_csv
from larkspur.totals import Total
from larkspur.writing import write_json

FOLDERS = ("coreweave",)

_COLUMNS = """
    BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd
    BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd
    ChargePeriodStart ConsumedQuantity ConsumedUnit InvoiceIssuerName PricingCategory ProviderName
    PublisherName RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory
    ServiceName ServiceSubcategory SkuId SkuMeter x_CapacityPlan x_ClusterName
""".split()
_BLANK = ("BilledCost", "BillingAccountName", "ChargeClass", "ChargeDescription", "RegionName")
_PAGE = 40
_CENT = Decimal("0.01")
# SKU, meter, unit, category, service: GPUs, disks, and one address that is always there.
_GPU = ("gpu-h100-80gb-hgx", "GPU", "GPU-Hours", "Compute", "CoreWeave GPU Compute")
_DISK = ("storage-distributed-file", "Storage", "GiB-Hours", "Storage", "CoreWeave Storage")
_ADDRESS = ("networking-public-ip", "Public IP", "IP-Hours", "Networking", "CoreWeave Networking")
# The contract's prices of a unit, by SKU and capacity plan.
PRICES = {
    (_GPU[0], "On-Demand"): Decimal("4.76"),
    (_GPU[0], "Spot"): Decimal("2.38"),
    (_DISK[0], ""): Decimal("0.000097"),
    (_ADDRESS[0], ""): Decimal("0.0055"),
}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes both months; the first answer for October ends before its last evaluation."""
    del draws
    days = period.dates()
    october = [day for day in days if day.month == days[0].month]
    november = [day for day in days if day.month != days[0].month]
    folder = out / "coreweave"
    early = [row for day in october[:-7] for row in _day(day)]
    rows = [row for day in october for row in _day(day)]
    month = f"{october[0]:%Y-%m}"
    _write_pages(early, folder / month / "20261025T060000Z")
    _write_pages(rows, folder / month / "20261103T060000Z")
    totals = [_total(month, rows)]
    if november:
        month = f"{november[0]:%Y-%m}"
        newest = [row for day in november for row in _day(day)]
        write_csv(_COLUMNS, newest, folder / month / "20261104T060000Z" / "usage-0001.csv")
        totals.append(_total(month, newest))
    return totals


def _total(month: str, rows: Sequence[Row]) -> Total:
    cost = sum(
        (
            Decimal(row["ConsumedQuantity"]) * PRICES[str(row["SkuId"]), str(row["x_CapacityPlan"])]
            for row in rows
        ),
        Decimal(0),
    )
    invoiced = cost.quantize(_CENT, ROUND_HALF_UP)
    zero = Decimal(0)
    return Total(
        "coreweave", month, len(rows), None, invoiced, zero, "USD", "coreweave_usage", "coreweave"
    )


def _day(day: date) -> list[Row]:
    """An address every day; on Mondays three hours of GPUs and disks, the last one not full."""
    rows = [_row(day, 0, _ADDRESS, "", Decimal(1))]
    if day.weekday() == 0:
        plan = "On-Demand" if day.month == 10 else "Spot"
        for hour, quantity in ((9, "4"), (10, "4"), (11, "2.733333333333")):
            rows.append(_row(day, hour, _GPU, plan, Decimal(quantity)))
            rows.append(_row(day, hour, _DISK, "", Decimal("2048.5")))
    return rows


def _row(day: date, hour: int, sku: tuple[str, ...], plan: str, quantity: Decimal) -> Row:
    start = datetime(day.year, day.month, day.day, hour)
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    name, meter, unit, category, service = sku
    committed = {"On-Demand": "Standard", "Spot": "Dynamic"}
    blank: Row = dict.fromkeys(_BLANK, "")
    return blank | {
        "BillingAccountId": "org-larkspur-desk",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{first}T00:00:00Z",
        "BillingPeriodEnd": f"{following}T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "InvoiceIssuerName": "CoreWeave",
        "PricingCategory": committed.get(plan, "Standard"),
        "ProviderName": "CoreWeave",
        "PublisherName": "CoreWeave",
        "RegionId": "US-EAST-04A",
        "ServiceCategory": category,
        "ServiceName": service,
        "SkuId": name,
        "SkuMeter": meter,
        "x_CapacityPlan": plan,
        "x_ClusterName": "larkspur-eval",
    }


def _write_pages(rows: Sequence[Row], folder: Path) -> None:
    pages = [list(rows[at : at + _PAGE]) for at in range(0, len(rows), _PAGE)]
    for number, page in enumerate(pages, start=1):
        token = f"page-{number + 1}" if number < len(pages) else ""
        write_json({"data": page, "nextPageToken": token}, folder / f"usage-{number:04d}.json")
