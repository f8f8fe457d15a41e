"""The lines of the AWS bill that belong to no machine: platform services, tax, credit, support."""

from collections.abc import Iterator
from decimal import Decimal

from .aws_lines import PAYER, Line, Offer, cost_of, line, usage
from .company import DAY, HOUR, Period, month_bounds
from .draws import Draws

CLUSTER = f"arn:aws:eks:us-west-2:{PAYER}:cluster/larkspur-prod"
NAT_GATEWAY = f"arn:aws:ec2:us-west-2:{PAYER}:natgateway/nat-0f3d2c1b4a5968778"
LOG_GROUP = f"arn:aws:logs:us-west-2:{PAYER}:log-group:/larkspur/model-servers"

CONTROL_PLANE = Offer(
    "AmazonEKS",
    "USW2-AmazonEKS-Hours:perCluster",
    "CreateOperation",
    Decimal("0.10"),
    "hours",
    "$0.10 per hour for each Amazon EKS cluster",
)
NAT_HOURS = Offer(
    "AmazonEC2",
    "USW2-NatGateway-Hours",
    "NatGateway",
    Decimal("0.045"),
    "Hrs",
    "$0.045 per NAT Gateway Hour",
)
NAT_BYTES = Offer(
    "AmazonEC2",
    "USW2-NatGateway-Bytes",
    "NatGateway",
    Decimal("0.045"),
    "GB",
    "$0.045 per GB Data Processed by NAT Gateways",
)
STORAGE = Offer(
    "AmazonS3",
    "USW2-TimedStorage-ByteHrs",
    "StandardStorage",
    Decimal("0.023"),
    "GB-Mo",
    "$0.023 per GB - first 50 TB / month",
)
LOGS = Offer(
    "AmazonCloudWatch",
    "USW2-DataProcessing-Bytes",
    "PutLogEvents",
    Decimal("0.50"),
    "GB",
    "$0.50 per GB custom log data ingested",
)
DATA_TRANSFER = Offer(
    "AWSDataTransfer",
    "USW2-DataTransfer-Out-Bytes",
    "",
    Decimal("0.09"),
    "GB",
    "$0.090 per GB - first 10 TB / month",
)


def hourly_platform_lines(period: Period, draws: Draws) -> Iterator[Line]:
    for hour in range(period.start, period.end, HOUR):
        gigabytes = Decimal(40_000 + draws.number("nat", hour) % 90_000) / 100_000
        family = {"product_product_family": "NAT Gateway"}
        until, one = hour + HOUR, Decimal(1)
        yield usage(CONTROL_PLANE, CLUSTER, hour, until, one)
        yield usage(NAT_HOURS, NAT_GATEWAY, hour, until, one, **family)
        yield usage(NAT_BYTES, NAT_GATEWAY, hour, until, gigabytes, **family)


def daily_platform_lines(period: Period, draws: Draws) -> Iterator[Line]:
    for day in range(period.start, period.end, DAY):
        until, jitter = day + DAY, draws.number("daily", day)
        stored = Decimal(1_200 + jitter % 90) / 31
        yield usage(STORAGE, "larkspur-assets", day, until, stored)
        yield usage(LOGS, LOG_GROUP, day, until, Decimal(700 + jitter % 500) / 100)
        yield usage(DATA_TRANSFER, None, day, until, Decimal(3_000 + jitter % 1_700) / 100)


def monthly_lines(month: str, lines: list[Line], credit: Decimal, support: bool) -> Iterator[Line]:
    """Tax, credit and support: their interval is the whole month, whatever has passed of it."""
    start, end = month_bounds(month)
    usage_cost = sum(
        (cost_of(row) for row in lines if row.get("bill_bill_type") is None), Decimal(0)
    )
    if support:
        fee = max(Decimal(100), usage_cost / 10)
        yield line(
            "Fee",
            start,
            end,
            fee,
            line_item_product_code="AWSSupportBusiness",
            line_item_usage_type="Dollar",
            line_item_usage_amount=Decimal(1),
            line_item_line_item_description="AWS Support (Business)",
        )
    yield line(
        "Tax",
        start,
        end,
        usage_cost * Decimal("0.0825"),
        line_item_product_code="AmazonEC2",
        line_item_tax_type="USSalesTax",
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description="Tax for product code AmazonEC2",
    )
    if credit:
        yield line(
            "Credit",
            start,
            end,
            -credit,
            line_item_product_code="AmazonEC2",
            line_item_usage_amount=Decimal(1),
            line_item_line_item_description="Larkspur launch promotional credit",
        )
