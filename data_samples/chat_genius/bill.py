"""The bills of ChatGenius: CUR 2.0 exports by calendar month."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from larkspur.aws_bill import Execution
from larkspur.aws_files import write_create_new_export
from larkspur.aws_lines import PAYER, Line, Offer, line, money, usage
from larkspur.company import DAY, HOUR, month_bounds, month_of
from larkspur.cur_columns import CUR_COLUMNS
from larkspur.draws import Draws

from .machines import PERIOD, POOL, Machine, machines_of_day
from .measures import BASELINE, ON_DEMAND, PLAN, SMALL, SPOT

ACCOUNT = "411133335555"
SAVINGS_PLAN = f"arn:aws:savingsplans::{ACCOUNT}:savingsplan/7d0c3f52-66f1-4a7e-b1f4-52b7a1c0de11"
COMMITMENT = BASELINE * PLAN[SMALL]


def _columns(machine: Machine) -> Line:
    shape = machine.setup.shape
    columns: Line = {
        "resource_tags": {"user_pool": POOL},
        "line_item_availability_zone": "us-west-2a",
        "pricing_rate_code": f"{'SPOT' if machine.is_spot else 'ONDEMAND'}-{shape}.JRTC.6YS6",
    }
    if machine.is_spot:  # AWS leaves the product columns of spot usage empty
        return columns | {"product": {}, "pricing_term": "Spot"}
    return columns | {
        "product": {"instance_type": shape, "gpu": "1", "region": "us-west-2"},
        "product_instance_type": shape,
        "product_product_family": "Compute Instance",
    }


def _usage(machine: Machine, hour: int) -> Line:
    shape = machine.setup.shape
    rate = SPOT[shape] if machine.is_spot else ON_DEMAND[shape]
    kind, operation = ("SpotUsage", ":SV002") if machine.is_spot else ("BoxUsage", "")
    minutes = (min(machine.ends, hour + HOUR) - max(machine.begins, hour)) // 60_000
    sold = Offer(
        "AmazonEC2",
        f"USW2-{kind}:{shape}",
        f"RunInstances{operation}",
        rate,
        "Hrs",
        f"${rate} per {'spot' if machine.is_spot else 'On Demand Linux'} {shape} Instance Hour",
    )
    sold_hours = usage(sold, machine.resource_id, hour, hour + HOUR, Decimal(minutes) / 60)
    return sold_hours | _columns(machine)


def _covered(full: Line, hour: int) -> Iterator[Line]:
    """An hour under the Savings Plan: the public price, and the line that takes it back."""
    cost = full["line_item_unblended_cost"]
    assert isinstance(cost, Decimal)
    plan: Line = {"savings_plan_savings_plan_a_r_n": SAVINGS_PLAN}
    yield (
        full
        | plan
        | {
            "line_item_line_item_type": "SavingsPlanCoveredUsage",
            "savings_plan_savings_plan_rate": PLAN[SMALL],
            "savings_plan_savings_plan_effective_cost": money(PLAN[SMALL]),
            "savings_plan_offering_type": "ComputeSavingsPlans",
            "savings_plan_payment_option": "No Upfront",
            "savings_plan_purchase_term": "1yr",
        }
    )
    yield line(
        "SavingsPlanNegation",
        hour,
        hour + HOUR,
        -cost,
        line_item_product_code="AmazonEC2",
        line_item_usage_type=full["line_item_usage_type"],
        line_item_operation=full["line_item_operation"],
        line_item_resource_id=full["line_item_resource_id"],
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description=f"SavingsPlanNegation used by AccountId : {ACCOUNT}",
        pricing_unit="Hrs",
        **plan,
    )


def _fee(hour: int) -> Line:
    """The plan's hourly fee, all of which the machines that never stop use up."""
    return line(
        "SavingsPlanRecurringFee",
        hour,
        hour + HOUR,
        COMMITMENT,
        line_item_product_code="ComputeSavingsPlans",
        line_item_usage_type="ComputeSP:1yrNoUpfront",
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description="1 year No Upfront Compute Savings Plan",
        pricing_unit="Hrs",
        savings_plan_savings_plan_a_r_n=SAVINGS_PLAN,
        savings_plan_offering_type="ComputeSavingsPlans",
        savings_plan_payment_option="No Upfront",
        savings_plan_purchase_term="1yr",
        savings_plan_total_commitment_to_date=COMMITMENT,
        savings_plan_used_commitment=COMMITMENT,
        savings_plan_recurring_commitment_for_billing_period=COMMITMENT,
        savings_plan_amortized_upfront_commitment_for_billing_period=Decimal(0),
    )


def _lines_of_day(day: int, machines: list[Machine]) -> Iterator[Line]:
    for machine in machines:
        for hour in range(machine.begins // HOUR * HOUR, machine.ends, HOUR):
            full = _usage(machine, hour)
            if machine.setup.has_plan and machine.is_baseline:
                yield from _covered(full, hour)
            else:
                yield full
    if machines[0].setup.has_plan:
        for hour in range(PERIOD.day(day), PERIOD.day(day + 1), HOUR):
            yield _fee(hour)


def write_bills(folder: Path, draws: Draws) -> None:
    months: dict[str, list[Line]] = {}
    owner: Line = {
        "bill_payer_account_id": ACCOUNT,
        "bill_payer_account_name": "ChatGenius",
        "line_item_usage_account_id": ACCOUNT,
        "line_item_usage_account_name": "chat-genius",
    }
    for day in range(PERIOD.days):
        lines = months.setdefault(month_of(PERIOD.day(day)), [])
        lines += [owner | row for row in _lines_of_day(day, machines_of_day(day, draws))]
    executions = [
        Execution(month, month_bounds(month)[1] + 2 * DAY, None, lines)
        for month, lines in months.items()
    ]
    write_create_new_export(executions, folder, "genius-cur", PAYER, CUR_COLUMNS)
