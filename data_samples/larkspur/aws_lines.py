"""The machines' lines on the AWS bills, as CUR 2.0 columns. Costs are Decimal with ten decimals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from .company import DAY, HOUR, Period
from .draws import Draws
from .fleet import Node

Value = str | int | Decimal | dict[str, str] | None
Line = dict[str, Value]

PAYER, DEVELOPMENT_ACCOUNT = "411122223333", "411122224444"
MODELS_ACCOUNT = "411122226666"
SAVINGS_PLAN = "arn:aws:savingsplans::411122223333:savingsplan/2f6c1a0e-5d1b-4a63-9e0f-7c1d2b3a4e5f"
COMMITMENT, SAVINGS_PLAN_RATE = (
    Decimal(5),
    Decimal(4),
)  # dollars an hour: promised; for one p5.4xlarge

# Dollars an hour on demand, GPUs, GPU memory, vCPU, memory.
INSTANCES = {
    "p5.4xlarge": (Decimal("6.88"), "1", "80 GB HBM3", "16", "256 GiB"),
    "p5.48xlarge": (Decimal("55.04"), "8", "640 GB HBM3", "192", "2048 GiB"),
    "g6.xlarge": (Decimal("0.8048"), "1", "24 GB", "4", "16 GiB"),
}
_LAST_DECIMAL = Decimal(1).scaleb(-10)


def money(value: Decimal) -> Decimal:
    return value.quantize(_LAST_DECIMAL)


def line(kind: str, start: int, end: int, cost: Decimal, **columns: Value) -> Line:
    """One CUR line; what its columns do not say stays empty. Times are UTC milliseconds."""
    return {
        "line_item_line_item_type": kind,
        "line_item_usage_start_date": start,
        "line_item_usage_end_date": end,
        "line_item_unblended_cost": money(cost),
        **columns,
    }


@dataclass(frozen=True)
class Offer:
    """What AWS sells: product code, usage type, operation, dollars a unit, unit, description."""

    code: str
    usage_type: str
    operation: str
    rate: Decimal
    unit: str
    description: str


def usage(
    offer: Offer, resource: str | None, start: int, end: int, quantity: Decimal, **columns: Value
) -> Line:
    """Usage of an offer at its public price."""
    return line(
        "Usage",
        start,
        end,
        quantity * offer.rate,
        line_item_product_code=offer.code,
        line_item_usage_type=offer.usage_type,
        line_item_operation=offer.operation,
        line_item_resource_id=resource,
        line_item_usage_amount=money(quantity),
        line_item_unblended_rate=str(offer.rate),
        line_item_line_item_description=offer.description,
        pricing_unit=offer.unit,
        pricing_term="OnDemand",
        pricing_public_on_demand_cost=money(quantity * offer.rate),
        pricing_public_on_demand_rate=str(offer.rate),
        product_servicecode=offer.code,
        product_usagetype=offer.usage_type,
        product_operation=offer.operation,
        **columns,
    )


def node_hours(node: Node, period: Period) -> Iterator[tuple[int, Decimal]]:
    """Each UTC hour in which the node was billed, and the hours billed in it: seconds / 3600."""
    begins, ends = max(node.begins, period.start), min(node.ends, period.end)
    for hour in range(begins // HOUR * HOUR, ends, HOUR):
        seconds = (min(ends, hour + HOUR) - max(begins, hour)) // 1_000
        yield hour, Decimal(seconds) / 3600


def _instance_columns(node: Node) -> dict[str, Value]:
    _, gpus, gpu_memory, cpus, memory = INSTANCES[node.instance]
    product = {
        "product_name": "Amazon Elastic Compute Cloud",
        "instance_type": node.instance,
        "gpu": gpus,
        "gpu_memory": gpu_memory,
        "vcpu": cpus,
        "memory": memory,
        "region": "us-west-2",
    }
    tags = {
        "user_pool": node.pool,
        "user_environment": "production",
        "aws_eks_cluster_name": "larkspur-prod",
    }
    if not node.pool:
        tags = {"user_environment": "development"}
    columns: dict[str, Value] = {
        "resource_tags": tags,
        "line_item_availability_zone": "us-west-2b",
    }
    if node.purchase == "spot":  # AWS leaves the product columns of spot usage empty
        return columns | {"product": {}}
    return columns | {
        "product": product,
        "product_instance_type": node.instance,
        "product_instance_family": "GPU instance",
        "product_product_family": "Compute Instance",
    }


def on_demand(node: Node, hour: int, hours: Decimal, rate: Decimal) -> Line:
    kind = "SpotUsage" if node.purchase == "spot" else "BoxUsage"
    operation = "RunInstances:SV002" if node.purchase == "spot" else "RunInstances"
    offer = "spot" if node.purchase == "spot" else "On Demand Linux"
    text = f"${rate} per {offer} {node.instance} Instance Hour"
    sold = Offer("AmazonEC2", f"USW2-{kind}:{node.instance}", operation, rate, "Hrs", text)
    return usage(sold, node.resource_id, hour, hour + HOUR, hours, **_instance_columns(node))


def covered(node: Node, hour: int, hours: Decimal) -> list[Line]:
    """A Savings Plan's covered usage at the public price, and the line that takes it back."""
    rate = INSTANCES[node.instance][0]
    plan: Line = {"savings_plan_savings_plan_a_r_n": SAVINGS_PLAN}
    full = on_demand(node, hour, hours, rate)
    full |= plan | {
        "line_item_line_item_type": "SavingsPlanCoveredUsage",
        "savings_plan_savings_plan_rate": SAVINGS_PLAN_RATE,
        "savings_plan_savings_plan_effective_cost": money(hours * SAVINGS_PLAN_RATE),
        "savings_plan_offering_type": "ComputeSavingsPlans",
        "savings_plan_payment_option": "Partial Upfront",
        "savings_plan_purchase_term": "1yr",
    }
    taken_back = line(
        "SavingsPlanNegation",
        hour,
        hour + HOUR,
        -hours * rate,
        line_item_product_code="AmazonEC2",
        line_item_usage_type=full["line_item_usage_type"],
        line_item_operation=full["line_item_operation"],
        line_item_resource_id=node.resource_id,
        line_item_usage_amount=money(hours),
        pricing_unit="Hrs",
        pricing_public_on_demand_cost=money(-hours * rate),
        line_item_line_item_description=f"SavingsPlanNegation used by AccountId : {PAYER}",
        **plan,
    )
    return [full, taken_back]


@dataclass
class SavingsPlanHours:
    """How much of each hour's commitment is used: nodes that come first are covered first."""

    used: dict[int, Decimal] = field(default_factory=dict)

    def cover(self, hour: int, hours: Decimal) -> Decimal:
        """The hours of one p5.4xlarge that the plan still covers."""
        left = (COMMITMENT - self.used.get(hour, Decimal(0))) / SAVINGS_PLAN_RATE
        share = min(hours, left)
        self.used[hour] = self.used.get(hour, Decimal(0)) + money(share * SAVINGS_PLAN_RATE)
        return share

    def fees(self, period: Period) -> Iterator[Line]:
        """The upfront half of a year once, and the recurring half each hour."""
        plan: dict[str, Value] = {
            "savings_plan_savings_plan_a_r_n": SAVINGS_PLAN,
            "line_item_product_code": "ComputeSavingsPlans",
            "savings_plan_offering_type": "ComputeSavingsPlans",
            "savings_plan_payment_option": "Partial Upfront",
            "savings_plan_purchase_term": "1yr",
            "savings_plan_region": "us-west-2",
            "savings_plan_start_time": "2026-10-01T00:00:00.000Z",
            "savings_plan_end_time": "2027-09-30T23:59:59.000Z",
        }
        usage_type, half = "ComputeSP:1yrPartialUpfront", COMMITMENT / 2
        yield line(
            "SavingsPlanUpfrontFee",
            period.start,
            period.start + HOUR,
            half * 8_760,
            line_item_usage_type=usage_type,
            line_item_usage_amount=Decimal(1),
            line_item_line_item_description="1 year Partial Upfront Compute Savings Plan",
            bill_bill_type="Purchase",
            **plan,
        )
        for hour in range(period.start, period.end, HOUR):
            yield line(
                "SavingsPlanRecurringFee",
                hour,
                hour + HOUR,
                half,
                line_item_usage_type=usage_type,
                line_item_usage_amount=Decimal(1),
                pricing_unit="Hrs",
                line_item_line_item_description="1 year Partial Upfront Compute Savings Plan",
                savings_plan_total_commitment_to_date=COMMITMENT,
                savings_plan_used_commitment=self.used.get(hour, Decimal(0)),
                savings_plan_recurring_commitment_for_billing_period=half,
                savings_plan_amortized_upfront_commitment_for_billing_period=half,
                **plan,
            )


def compute_lines(nodes: Iterable[Node], period: Period, draws: Draws) -> list[Line]:
    """EC2 lines of every AWS node, and the Savings Plan's fees."""
    plan, lines = SavingsPlanHours(), []
    for node in nodes:
        rate = INSTANCES[node.instance][0]
        if node.purchase == "spot":
            rate = Decimal(3_100 + draws.number("spot price", node.begins // DAY) % 240) / 10_000
        for hour, hours in node_hours(node, period):
            share = plan.cover(hour, hours) if node.purchase == "savings_plan" else Decimal(0)
            lines += covered(node, hour, share) if share else []
            lines += [on_demand(node, hour, hours - share, rate)] if hours > share else []
    return lines + list(plan.fees(period))


def cost_of(row: Line) -> Decimal:
    cost = row["line_item_unblended_cost"]
    assert isinstance(cost, Decimal)
    return cost
