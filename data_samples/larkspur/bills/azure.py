"""Azure's exports of the actual and of the amortized costs, as it writes them for an MCA.

October was exported twice: on the first of November, without invoices and with half of its last
day, and two days later, closed.
"""

import csv
import gzip
import io
import json
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path

from larkspur.azure_lines import ATTO, SUBSCRIPTION, TOKENS, Line, Meter, azure_lines
from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import CENT, Total
from larkspur.writing import number_text

FOLDERS = ("azure",)
VAT = Decimal("0.19")  # on the invoice only: exports have no taxes
EUROS = {"2026-10": Decimal("0.858215"), "2026-11": Decimal("0.861704")}  # for a dollar
ACCOUNT = "5d5b4a7e-1f0e-4a43-9c3f-larkspur00001:0f6f6f0c-8a1f-4b6e-9a38-larkspur00001_2019-05-31"
PROFILE, PROFILE_NAME = "LKSP-7QXA-BG7-PGB", "Larkspur Desk GmbH"
SCOPE = f"/providers/Microsoft.Billing/billingAccounts/{ACCOUNT}/billingProfiles/{PROFILE}"
_TOKEN_METERS = [meter for meter, _, _ in TOKENS]
MCA_COLUMNS = (
    "invoiceId previousInvoiceId billingAccountId billingAccountName billingProfileId "
    "billingProfileName invoiceSectionId invoiceSectionName resellerName resellerMpnId "
    "costCenter billingPeriodEndDate billingPeriodStartDate servicePeriodEndDate "
    "servicePeriodStartDate date serviceFamily productOrderId productOrderName "
    "consumedService meterId meterName meterCategory meterSubCategory meterRegion ProductId "
    "ProductName SubscriptionId subscriptionName publisherType publisherId publisherName "
    "resourceGroupName ResourceId resourceLocation location effectivePrice quantity "
    "unitOfMeasure chargeType billingCurrency pricingCurrency costInBillingCurrency "
    "costInPricingCurrency costInUsd paygCostInBillingCurrency paygCostInUsd "
    "exchangeRatePricingToBilling exchangeRateDate isAzureCreditEligible serviceInfo1 "
    "serviceInfo2 additionalInfo tags PayGPrice frequency term reservationId reservationName "
    "pricingModel unitPrice costAllocationRuleName benefitId benefitName provider"
).split()


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes both exports, a folder a run; returns the totals of the runs in force."""
    totals = []
    for month in sorted({f"{day:%Y-%m}" for day in period.dates()}):
        lines = [line for line in azure_lines(period, draws) if f"{line.day:%Y-%m}" == month]
        if month == "2026-10":
            early = [_unfinished(line) for line in lines]
            _write_runs(out / "azure", month, "2026-11-01T05:12:41.8817211Z", early, "")
        invoice = "G104200417" if month == "2026-10" else ""
        _write_runs(out / "azure", month, "2026-11-03T06:10:07.1036925Z", lines, invoice)
        totals.append(_total(month, lines))
    return totals


def _total(month: str, lines: list[Line]) -> Total:
    billed = [line.actual for line in lines if line.actual is not None]
    rows = len(billed) + sum(line.amortized is not None for line in lines)
    cost = sum((_euros(month, amount) for amount in billed), Decimal(0))
    tax = (cost * VAT).quantize(CENT)
    return Total("azure", month, rows, cost, cost + tax, tax, "EUR", "azure_cost_export", "azure")


def _euros(month: str, dollars: Decimal) -> Decimal:
    return (dollars * EUROS[month]).quantize(ATTO)


def _unfinished(line: Line) -> Line:
    """The export of the first of November saw half of the tokens of the last day."""
    meter = line.meter
    if line.day != date(2026, 10, 31) or meter is None or meter not in _TOKEN_METERS:
        return line
    half = line.quantity / 2
    cost = half * meter.price
    return Line(line.day, meter, half, cost, cost, line.fields)


# --- files ----------------------------------------------------------------------------------------


def _write_runs(root: Path, month: str, submitted: str, lines: list[Line], invoice: str) -> None:
    """Writes a run of each export: a part file, and last its manifest."""
    for dataset, kind in (("actual", "ActualCost"), ("amortized", "AmortizedCost")):
        rows = [
            _row(line, cost, month, invoice)
            for line in lines
            if (cost := line.actual if dataset == "actual" else line.amortized) is not None
        ]
        run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"larkspur/{dataset}/{month}/{submitted}"))
        last = 31 if month == "2026-10" else 30
        days = f"{month.replace('-', '')}01-{month.replace('-', '')}{last}"
        stamp = "".join(filter(str.isdigit, submitted))[:12]
        folder = f"costs/larkspur-{dataset}/{days}/{stamp}/{run_id}"
        # The open month is plain, so that a person can look into it.
        name = "part_0_0001.csv.gz" if invoice or month == "2026-10" else "part_0_0001.csv"
        body = _csv(rows)
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            gzip.compress(body, compresslevel=9, mtime=0) if name.endswith(".gz") else body
        )
        manifest = _manifest(
            dataset, kind, month, last, submitted, run_id, f"{folder}/{name}",
            path.stat().st_size, len(rows),
        )  # fmt: skip
        text = json.dumps(manifest, indent=2) + "\n"
        (path.parent / "manifest.json").write_text(text, newline="\n")


def _manifest(
    dataset: str, kind: str, month: str, last: int, submitted: str, run_id: str, blob: str,
    size: int, rows: int,
) -> dict[str, object]:  # fmt: skip
    return {
        "manifestVersion": "2024-04-01",
        "byteCount": size,
        "blobCount": 1,
        "dataRowCount": rows,
        "exportConfig": {
            "exportName": f"larkspur-{dataset}",
            "resourceId": f"{SCOPE}/providers/Microsoft.CostManagement/exports/larkspur-{dataset}",
            "dataVersion": "2023-12-01-preview",
            "apiVersion": "2023-07-01-preview",
            "type": kind,
            "timeFrame": "TheBillingPeriod",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": "Csv",
            "compressionMode": "Gzip" if blob.endswith(".gz") else "None",
            "containerUri": "https://larkspurbilling.blob.core.windows.net/exports",
            "rootFolderPath": "costs",
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": submitted,
            "runId": run_id,
            "startDate": f"{month}-01T00:00:00",
            "endDate": f"{month}-{last}T00:00:00",
        },
        "blobs": [{"blobName": blob, "byteCount": size, "dataRowCount": rows, "headerRowCount": 1}],
    }


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, MCA_COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _row(line: Line, cost: Decimal, month: str, invoice: str) -> dict[str, str]:
    """One row; both datasets print a line's fields alike, but for its cost."""
    last = 31 if month == "2026-10" else 30
    row = {
        "invoiceId": invoice,
        "billingAccountId": ACCOUNT,
        "billingAccountName": "Larkspur Desk",
        "billingProfileId": PROFILE,
        "billingProfileName": PROFILE_NAME,
        "billingPeriodStartDate": f"{month[5:]}/01/{month[:4]}",
        "billingPeriodEndDate": f"{month[5:]}/{last}/{month[:4]}",
        "date": f"{line.day:%m/%d/%Y}",
        "publisherType": "Microsoft",
        "publisherName": "Microsoft",
        "quantity": number_text(line.quantity),
        "billingCurrency": "EUR",
        "pricingCurrency": "USD",
        "costInBillingCurrency": _awkward(_euros(month, cost)),
        "costInPricingCurrency": number_text(cost),
        "costInUsd": number_text(cost),
        "exchangeRatePricingToBilling": number_text(EUROS[month]),
        "exchangeRateDate": f"{month[5:]}/01/{month[:4]}",
        "isAzureCreditEligible": "True",
        "provider": "Azure",
    }
    if "ResourceId" in line.fields:
        row |= {
            "SubscriptionId": SUBSCRIPTION,
            "subscriptionName": "knowledge",
            "resourceGroupName": "knowledge-search",
            "resourceLocation": "westeurope",
            "location": "EU West",
        }
    return row | _of_meter(line.meter) | line.fields


def _of_meter(meter: Meter | None) -> dict[str, str]:
    if meter is None:
        return {}
    price = number_text(meter.price)
    return {
        "serviceFamily": meter.family,
        "consumedService": meter.provider,
        "meterId": meter.meter_id,
        "meterName": meter.name,
        "meterCategory": meter.category,
        "meterSubCategory": meter.subcategory,
        "meterRegion": "EU West",
        "ProductId": f"DZH318Z0{meter.meter_id[:4].upper()}|{meter.meter_id[9:13].upper()}",
        "ProductName": f"{meter.subcategory} - {meter.name} - EU West",
        "unitOfMeasure": meter.measure,
        "unitPrice": price,
        "PayGPrice": price,
    }


def _awkward(value: Decimal) -> str:
    """Zero and small amounts as Cost Management prints them: 0E-9, 2.1E-06."""
    return "0E-9" if not value else number_text(value).replace("e-", "E-")
