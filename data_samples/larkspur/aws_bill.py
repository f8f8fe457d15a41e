"""Which lines each delivery of the AWS exports holds: restatements, a refund, split-cost rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .aws_lines import (
    PAYER,
    Line,
    Offer,
    Value,
    compute_lines,
    cost_of,
    line,
    money,
    usage,
)
from .aws_platform import STORAGE, daily_platform_lines, hourly_platform_lines, monthly_lines
from .company import DAY, HOUR, Period, iso, month_bounds, month_of
from .draws import Draws
from .fleet import Node, dark_node, development_nodes, fleet

REFUND_DAY, REFUND_HOURS, REFUNDED_SHARE = 11, (9, 15), Decimal("0.25")
GP3_VOLUME = Offer(
    "AmazonEC2",
    "USW2-EBS:VolumeUsage.gp3",
    "CreateVolume-Gp3",
    Decimal("0.08"),
    "GB-Mo",
    "$0.08 per GB-month of gp3 storage",
)
CREDIT, NO_CREDIT = Decimal(250), Decimal(0)
RESTATED_DAY, RESTATED_HOUR = 16, 14
SPLIT_COST_DAY = 20
POD_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")


@dataclass(frozen=True)
class Execution:
    """One finished run of an export: its month, when it was written, its lines."""

    month: str
    written: int
    invoice_id: str | None
    lines: list[Line]


def effective_cost(row: Line) -> Decimal:
    """Amortized cost of a line, after AWS' own dashboards."""
    kind = row["line_item_line_item_type"]
    if row.get("line_item_operation") in POD_OPERATIONS or kind in (
        "SavingsPlanNegation",
        "SavingsPlanUpfrontFee",
    ):
        return Decimal(0)
    if kind == "SavingsPlanCoveredUsage":
        return _decimal(row, "savings_plan_savings_plan_effective_cost")
    if kind == "SavingsPlanRecurringFee":
        promised, used = "savings_plan_total_commitment_to_date", "savings_plan_used_commitment"
        return _decimal(row, promised) - _decimal(row, used)
    return cost_of(row)


def _decimal(row: Line, column: str) -> Decimal:
    value = row[column]
    assert isinstance(value, Decimal)
    return value


def start_of(row: Line) -> int:
    start = row["line_item_usage_start_date"]
    assert isinstance(start, int)
    return start


def production_executions(period: Period, draws: Draws) -> list[Execution]:
    """October twice, November once (for the sample's period); other periods once a month."""
    nodes = [node for node in fleet(period, draws) if node.purchase != "runpod"]
    nodes.append(dark_node(period, draws))
    rows = compute_lines(nodes, period, draws)
    rows += [*hourly_platform_lines(period, draws), *daily_platform_lines(period, draws)]
    months = _by_month(rows)
    split = list(split_cost_lines(nodes, rows, period.day(SPLIT_COST_DAY)))
    executions = []
    for index, (month, lines) in enumerate(months.items()):
        if index == 0:
            executions.append(_snapshot(month, lines, split, period))
            lines = lines + split
        if index == 1:
            lines = [*lines, refund(months, period)]
        invoice_id = f"E{month.replace('-', '')}0417" if index < len(months) - 1 else None
        lines = [*lines, *monthly_lines(month, lines, CREDIT if index == 0 else NO_CREDIT, True)]
        executions.append(Execution(month, _written(month, period), invoice_id, lines))
    return executions


def development_executions(period: Period, draws: Draws) -> list[Execution]:
    """The development account: one GPU machine, one bucket, tax."""
    rows = compute_lines(development_nodes(period, draws), period, draws)
    rows = [row for row in rows if row.get("savings_plan_savings_plan_a_r_n") is None]
    for day in range(period.start, period.end, DAY):
        gigabytes = Decimal(300 + draws.number("dev bucket", day) % 40) / 31
        tags: dict[str, Value] = {"resource_tags": {"user_environment": "development"}}
        rows.append(usage(STORAGE, "larkspur-dev-scratch", day, day + DAY, gigabytes, **tags))
    return [
        Execution(
            month,
            _written(month, period),
            None,
            lines + list(monthly_lines(month, lines, Decimal(0), False)),
        )
        for month, lines in _by_month(rows).items()
    ]


def _by_month(rows: list[Line]) -> dict[str, list[Line]]:
    months: dict[str, list[Line]] = {}
    for row in sorted(rows, key=start_of):
        months.setdefault(month_of(start_of(row)), []).append(row)
    return months


def _written(month: str, period: Period) -> int:
    """A month's last export: two days after it, or on the morning after the period."""
    return min(_month_end(month) + 2 * DAY, period.end) + 6 * HOUR + 600_000


def _month_end(month: str) -> int:
    return month_bounds(month)[1]


def _snapshot(month: str, lines: list[Line], split: list[Line], period: Period) -> Execution:
    """The month as exported on its last day at 20:00.

    Later hours are missing, the newest is half there, another is as it was before its restatement,
    two lines will be gone, and the tax is less.
    """
    as_of = _month_end(month) - 4 * HOUR
    restated = period.day(RESTATED_DAY) + RESTATED_HOUR * HOUR
    rows = []
    for row in (row for row in lines + split if start_of(row) < as_of):
        factor = Decimal(1)
        if row["line_item_line_item_type"] == "Usage":
            is_newest = start_of(row) + HOUR == as_of or row[
                "line_item_usage_end_date"
            ] == _month_end(month)
            factor = (
                Decimal("0.5")
                if is_newest
                else Decimal("0.9")
                if start_of(row) == restated
                else factor
            )
        rows.append(_scaled(row, factor))
    rows += _vanishing(period)
    return Execution(
        month,
        as_of + 25 * 60_000,
        None,
        rows + list(monthly_lines(month, rows, Decimal(250), True)),
    )


def _scaled(row: Line, factor: Decimal) -> Line:
    if factor == 1:
        return row
    columns = (
        "line_item_unblended_cost",
        "line_item_usage_amount",
        "pricing_public_on_demand_cost",
    )
    return row | {
        column: money(_decimal(row, column) * factor) for column in columns if column in row
    }


def _vanishing(period: Period) -> Iterator[Line]:
    """Two lines of the first delivery whose resources the second does not know."""
    for number in (1, 2):
        hour = period.day(8) + (10 + number) * HOUR
        volume, size = f"vol-0a11ce0000000000{number}", Decimal("0.6722222222")
        yield usage(GP3_VOLUME, volume, hour, hour + HOUR, size)


def refund(months: dict[str, list[Line]], period: Period) -> Line:
    """A quarter of six hours of the always-on g6.xlarge, given back on the next month's bill."""
    first, last = (period.day(REFUND_DAY) + hour * HOUR for hour in REFUND_HOURS)
    refunded = [row for row in months[month_of(first)] if is_refunded(row, first, last)]
    cost = sum((cost_of(row) for row in refunded), Decimal(0))
    original = refunded[0]
    same = (
        "line_item_product_code",
        "line_item_usage_type",
        "line_item_operation",
        "line_item_resource_id",
        "resource_tags",
        "product",
        "product_instance_type",
        "pricing_unit",
    )
    return line(
        "Refund",
        first,
        last,
        -cost * REFUNDED_SHARE,
        bill_bill_type="Refund",
        line_item_usage_amount=Decimal(0),
        line_item_line_item_description="Refund for degraded g6.xlarge instance hours",
        **{column: original[column] for column in same},
    )


def is_refunded(row: Line, first: int, last: int) -> bool:
    """The always-on g6.xlarge, on demand, in the refunded hours."""
    return (
        row.get("line_item_usage_type") == "USW2-BoxUsage:g6.xlarge"
        and row["line_item_line_item_type"] == "Usage"
        and first <= start_of(row) < last
    )


def split_cost_lines(nodes: list[Node], rows: list[Line], day: int) -> Iterator[Line]:
    """For one day, three rows a pod-hour that divide the node's cost among its pods once more."""
    costs: dict[tuple[object, int], Decimal] = {}
    for row in rows:
        if day <= start_of(row) < day + DAY and str(row.get("line_item_resource_id")).startswith(
            "i-"
        ):
            key = (row["line_item_resource_id"], start_of(row))
            costs[key] = costs.get(key, Decimal(0)) + effective_cost(row)
    for node in nodes:
        for hour in range(day, day + DAY, HOUR):
            pods = [pod for pod in node.pods if pod.bound < hour + HOUR and pod.gone > hour]
            for pod in pods:
                share = costs.get((node.resource_id, hour), Decimal(0)) / len(pods)
                for kind, percent, unit in (
                    ("Accelerator", 90, "Accelerator-Hours"),
                    ("vCPU", 9, "vCPU-Hours"),
                    ("GB", 1, "GB-Hours"),
                ):
                    yield line(
                        "Usage",
                        hour,
                        hour + HOUR,
                        Decimal(0),
                        line_item_product_code="AmazonEKS",
                        line_item_usage_type=f"USW2-EKS-EC2-{kind}-Hours",
                        line_item_operation="EKSPod-EC2",
                        line_item_resource_id=f"arn:aws:eks:us-west-2:{PAYER}:pod/larkspur-prod/serving/{pod.model.split('-')[0]}/{pod.uid}",
                        line_item_usage_amount=Decimal(len(pod.gpus)),
                        pricing_unit=unit,
                        split_line_item_parent_resource_id=node.resource_id,
                        split_line_item_split_cost=money(share * percent / 100),
                        split_line_item_unused_cost=Decimal(0),
                        split_line_item_split_usage=Decimal(len(pod.gpus)),
                        split_line_item_reserved_usage=Decimal(len(pod.gpus)),
                        resource_tags={
                            "aws_eks_cluster_name": "larkspur-prod",
                            "aws_eks_namespace": "serving",
                        },
                    )


def iso_folder(execution: Execution, export: str) -> str:
    """`<timestamp>-<executionId>`, as create-new exports name their folders."""
    digits = Draws(execution.written).hexadecimal(32, export, execution.month)
    run = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"{iso(execution.written)}-{run}"
