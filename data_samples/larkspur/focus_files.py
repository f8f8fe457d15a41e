"""FOCUS files: the columns of its versions, and rows as CSV and Parquet."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .writing import write_text

Row = dict[str, str | Decimal]

FOCUS_1_0 = """
    AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingCurrency
    BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeClass ChargeDescription
    ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory
    CommitmentDiscountId CommitmentDiscountName CommitmentDiscountStatus CommitmentDiscountType
    ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost
    InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity PricingUnit
    ProviderName PublisherName RegionId RegionName ResourceId ResourceName ResourceType
    ServiceCategory ServiceName SkuId SkuPriceId SubAccountId SubAccountName Tags
""".split()
FOCUS_1_4 = sorted(
    (set(FOCUS_1_0) - {"ProviderName", "PublisherName"})
    | set("""
        AllocatedMethodDetails AllocatedMethodId AllocatedResourceId AllocatedResourceName
        AllocatedTags BillingAccountType CapacityReservationId CapacityReservationStatus
        CommitmentDiscountQuantity CommitmentDiscountUnit CommitmentProgramEligibilityDetails
        ContractApplied HostProviderName InvoiceDetailId InvoiceId PricingCurrency
        PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost
        PricingCurrencyListUnitPrice ServiceProviderName ServiceSubcategory SkuMeter
        SkuPriceDetails SubAccountType
    """.split())
)  # fmt: skip
_NUMBERS = ("Cost", "Price", "Quantity")


def _text(value: str | Decimal) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else value


def write_csv(columns: Sequence[str], rows: Sequence[Row], path: Path) -> None:
    """As spreadsheets write it: a byte order mark, and Windows' line ends."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_text(row.get(name, "")) for name in columns] for row in rows)
    write_text("\ufeff" + text.getvalue(), path)


def write_parquet(columns: Sequence[str], rows: Sequence[Row], path: Path) -> None:
    """Money and quantities as doubles, as most exports have them."""
    arrays = {}
    for name in columns:
        values = [row.get(name) or None for row in rows]
        if name.endswith(_NUMBERS):
            numbers = [None if row.get(name) is None else float(row[name]) for row in rows]
            arrays[name] = pa.array(numbers, pa.float64())
        elif "Period" in name:
            times = [datetime.fromisoformat(str(value)) for value in values]
            arrays[name] = pa.array(times, pa.timestamp("us", "UTC"))
        else:
            arrays[name] = pa.array(values, pa.string())
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), path, compression="snappy", store_schema=False)
