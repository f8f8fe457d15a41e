"""The oldest account's legacy Cost and Usage Report: daily csv.gz, a folder an assembly.

It has a reservation that is paid upfront by half and not used by night, a private rate on storage
as rows of its own, and a tag key in two spellings. October is assembled twice: the second time a
day is restated, the last day and its tax are there, and a line is gone.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from larkspur.aws_files import Report, write_report
from larkspur.aws_lines import Line, Offer, cost_of, line, money, usage
from larkspur.company import DAY, HOUR, Period, month_bounds, month_of
from larkspur.draws import Draws
from larkspur.totals import Total

FOLDERS = ("aws_cur",)
SOURCE, CONNECTOR = "aws_legacy", "aws_cur"
ACCOUNT = "411122225555"
REPORT = Report("larkspur-legacy", ACCOUNT, "aws_cur")
RESERVATION = f"arn:aws:ec2:us-east-1:{ACCOUNT}:reserved-instances/5d3c1f8e-0a77-4b5e-9a61-3f0b"
# Dollars an hour: half of a year upfront, and the other half each month.
UPFRONT, RECURRING, YEAR_HOURS = Decimal("0.05"), Decimal("0.01"), 8_760
USED_HOURS = 20
TAX, PRIVATE_RATE, CREDIT = Decimal("0.07"), Decimal("0.05"), Decimal(25)
MACHINE = Offer(
    "AmazonEC2",
    "BoxUsage:t3.large",
    "RunInstances",
    Decimal("0.0832"),
    "Hrs",
    "$0.0832 per On Demand Linux t3.large Instance Hour",
)
RESERVED = Offer(
    "AmazonEC2",
    "BoxUsage:m6i.large",
    "RunInstances",
    Decimal("0.096"),
    "Hrs",
    "Linux/UNIX (Amazon VPC), m6i.large reserved instance applied",
)
STORAGE = Offer(
    "AmazonS3",
    "TimedStorage-ByteHrs",
    "StandardStorage",
    Decimal("0.023"),
    "GB-Mo",
    '$0.023 per GB, "first 50 TB" / month',
)
VOLUME = Offer(
    "AmazonEC2",
    "EBS:VolumeUsage.gp2",
    "CreateVolume-Gp2",
    Decimal("0.10"),
    "GB-Mo",
    "$0.10 per GB-month of General Purpose SSD (gp2) provisioned storage",
)
TRANSFER = Offer(
    "AWSDataTransfer",
    "DataTransfer-Out-Bytes",
    "",
    Decimal("0.09"),
    "GB",
    "$0.090 per GB - first 10 TB / month data transfer out",
)
REQUESTS = Offer(
    "AWSQueueService",
    "Requests-Tier1",
    "Receive",
    Decimal("0.0000004"),
    "Requests",
    "$0.40 per million Amazon SQS standard requests",
)

# As AWS heads the columns; resources' tags and attributes of products differ from month to month.
_HEADERS = """
identity/LineItemId identity/TimeInterval bill/InvoiceId bill/InvoicingEntity bill/BillingEntity
bill/BillType bill/PayerAccountId bill/BillingPeriodStartDate bill/BillingPeriodEndDate
lineItem/UsageAccountId lineItem/LineItemType lineItem/UsageStartDate lineItem/UsageEndDate
lineItem/ProductCode lineItem/UsageType lineItem/Operation lineItem/AvailabilityZone
lineItem/ResourceId lineItem/UsageAmount lineItem/CurrencyCode lineItem/UnblendedRate
lineItem/UnblendedCost lineItem/BlendedCost lineItem/LineItemDescription lineItem/TaxType
lineItem/LegalEntity product/ProductName product/instanceType product/memory
product/operatingSystem product/productFamily product/regionCode product/servicecode product/sku
product/vcpu pricing/RateCode pricing/RateId pricing/currency pricing/publicOnDemandCost
pricing/publicOnDemandRate pricing/term pricing/unit
reservation/AmortizedUpfrontFeeForBillingPeriod reservation/EffectiveCost
reservation/ReservationARN reservation/UnusedAmortizedUpfrontFeeForBillingPeriod
reservation/UnusedRecurringFee
""".split()
_FIRST_MONTH = ("product/storageClass", "resourceTags/user:Team", "resourceTags/user:team")
_LATER_MONTHS = ("resourceTags/user:CostCenter", "resourceTags/user:Team")


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the report of each month of the period."""
    totals = []
    months = sorted({month_of(day) for day in range(period.start, period.end, DAY)})
    for number, month in enumerate(months):
        is_closed, bought = number < len(months) - 1, _purchases(period) if number == 0 else []
        headers = [*_HEADERS, *(_FIRST_MONTH if number == 0 else _LATER_MONTHS)]
        if number == 0:
            earlier = [*_daily(month, period, draws, restated=False), *bought]
            write_report(REPORT, month, "first", _billed(month, earlier, False), headers, out)
        delivered = _billed(
            month, [*_daily(month, period, draws, restated=True), *bought], is_closed
        )
        write_report(REPORT, month, "second", delivered, headers, out)
        totals.append(_total(month, delivered, is_closed))
    return totals


def _days(month: str, period: Period) -> range:
    start, end = month_bounds(month)
    return range(max(start, period.start), min(end, period.end), DAY)


def _daily(month: str, period: Period, draws: Draws, restated: bool) -> Iterator[Line]:
    """Usage of each day; before the restatement one day has a tenth less, and the last is not."""
    days = _days(month, period)
    for number, day in enumerate(days if restated else days[:-1]):
        until, jitter = day + DAY, draws.number("legacy", day)
        share = Decimal("0.9") if number == 9 and not restated else Decimal(1)
        yield usage(MACHINE, "i-0a1b2c3d4e5f60718", day, until, 24 * share, **_sku(MACHINE))
        yield _reserved(day, until)
        gigabytes = Decimal(2_400 + jitter % 300) / 31
        tags: Line = {"resourceTags/user:Team": "knowledge", "resourceTags/user:team": "Knowledge"}
        yield usage(STORAGE, "larkspur-archive", day, until, gigabytes, **_sku(STORAGE), **tags)
        discount = -money(gigabytes * STORAGE.rate) * PRIVATE_RATE
        yield line(
            "PrivateRateDiscount",
            day,
            until,
            discount,
            line_item_product_code="AmazonS3",
            line_item_usage_type=STORAGE.usage_type,
            line_item_line_item_description="Private rate discount",
        )
        yield usage(VOLUME, "vol-0fedcba987654321f", day, until, Decimal(200) / 31, **_sku(VOLUME))
        yield usage(TRANSFER, None, day, until, Decimal(jitter % 4_000) / 1_000, **_sku(TRANSFER))
        # Fewer requests than a ten-thousandth of a cent; a line of the first assembly is gone.
        yield usage(REQUESTS, None, day, until, Decimal(1 + jitter % 3), **_sku(REQUESTS))
        if number == 4 and not restated:
            yield usage(VOLUME, "vol-00000000000decade", day, until, Decimal(3) / 31)


def _reserved(day: int, until: int) -> Line:
    applied = usage(RESERVED, "i-00c0ffee00c0ffee0", day, until, Decimal(USED_HOURS))
    return applied | {
        "line_item_line_item_type": "DiscountedUsage",
        "line_item_unblended_cost": money(Decimal(0)),
        "line_item_unblended_rate": "0.0",
        "pricing_term": "Reserved",
        "reservation_effective_cost": money((UPFRONT + RECURRING) * USED_HOURS),
        "reservation_reservation_a_r_n": RESERVATION,
        "product_instance_type": "m6i.large",
        "product_vcpu": "2",
        "product_memory": "8 GiB",
        **_sku(RESERVED),
    }


def _purchases(period: Period) -> list[Line]:
    """The reservation's upfront half, and a credit that welcomes it."""
    start, end = month_bounds(month_of(period.start))
    fee = line(
        "Fee",
        period.start,
        period.start,
        UPFRONT * YEAR_HOURS,
        bill_bill_type="Purchase",
        line_item_product_code="AmazonEC2",
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description="Sign up charge for subscription: 5d3c1f8e",
        reservation_reservation_a_r_n=RESERVATION,
    )
    credit = line(
        "Credit",
        start,
        end,
        -CREDIT,
        line_item_product_code="AmazonS3",
        line_item_line_item_description="Larkspur migration credit",
    )
    return [fee, credit]


def _billed(month: str, lines: list[Line], is_final: bool) -> list[Line]:
    """Adds what has the whole month for its time: the reservation's fee and the tax."""
    start, end = month_bounds(month)
    hours = (end - start) // HOUR
    days = sum(1 for row in lines if row["line_item_line_item_type"] == "DiscountedUsage")
    unused = days * (24 - USED_HOURS)
    fee = line(
        "RIFee",
        start,
        end - 1_000,
        RECURRING * hours,
        line_item_product_code="AmazonEC2",
        line_item_usage_type="HeavyUsage:m6i.large",
        line_item_usage_amount=Decimal(hours),
        line_item_line_item_description="USD 0.01 hourly fee per Linux/UNIX, m6i.large instance",
        pricing_unit="Hrs",
        reservation_amortized_upfront_fee_for_billing_period=money(UPFRONT * hours),
        reservation_reservation_a_r_n=RESERVATION,
        reservation_unused_amortized_upfront_fee_for_billing_period=money(UPFRONT * unused),
        reservation_unused_recurring_fee=money(RECURRING * unused),
    )
    taxed = [*lines, fee]
    tax = line(
        "Tax",
        start,
        end,
        sum((max(cost_of(row), Decimal(0)) for row in taxed), Decimal(0)) * TAX,
        line_item_product_code="AmazonEC2",
        line_item_tax_type="USSalesTax",
        line_item_line_item_description="Tax for product code AmazonEC2",
    )
    invoice = f"1{month.replace('-', '')}0417" if is_final else None
    common: Line = {"bill_invoice_id": invoice, "bill_billing_period_start_date": start}
    return [{**common, "bill_billing_period_end_date": end, **row} for row in [*taxed, tax]]


def _sku(offer: Offer) -> Line:
    sku = "".join(character for character in offer.usage_type.upper() if character.isalpha())[:12]
    return {"product_sku": sku, "pricing_rate_code": f"{sku}.JRTCKXETXF.6YS6EN2CT7"}


def _total(month: str, lines: list[Line], is_closed: bool) -> Total:
    cost = sum((cost_of(row) for row in lines), Decimal(0))
    taxes = (cost_of(row) for row in lines if row["line_item_line_item_type"] == "Tax")
    tax = sum(taxes, Decimal(0))
    invoiced = cost if is_closed else None
    return Total(
        SOURCE, month, len(lines), cost, invoiced, tax, connector=CONNECTOR, location="aws_cur"
    )
