"""Answers of docs/questions.md with the figures that were planted for them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

import episodes
import planted as sample

Figure = Callable[[], Decimal]
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
IN_OCTOBER = "charge_date < '2026-11-01'"
DAY = date(2026, 10, 6)
PRODUCTION = "environment = 'production'"
API = "model in ('gpt-5', 'gpt-5-mini', 'text-embedding-3-small')"
EMBEDDING = "model = 'text-embedding-3-small'"
LINE = "savings_plan_savings_plan_effective_cost"

BILLED = "AWS Cost Explorer, Azure Cost Management, GCP Billing: our total against theirs"
COMMITMENTS = "Reserved Instances, Savings Plans, CUDs"
EFFICIENCY = "CloudZero: Cloud Efficiency Rate"
EMBEDDINGS = "Embedding what did not change"
GPU_TIME = "GPU utilization: active, allocated, paid"
SPOT = "Interruptions of spot capacity"
TAGS = "Terraform, ARM, CloudFormation: tags"
TAXES = "Support, tax, credits and discounts"
UNITS = "CloudZero: what an inference, a customer, a feature and a workflow cost"
PRICES = {
    ("gpt-5", "uncached_input"): "1.25",
    ("gpt-5", "cache_read"): "0.125",
    ("gpt-5", "output"): "10",
    ("gpt-5-mini", "uncached_input"): "0.25",
    ("gpt-5-mini", "output"): "2",
    ("text-embedding-3-small", "uncached_input"): "0.02",
}


@dataclass(frozen=True)
class Planted:
    """One figure of an answer: the sum of a column over the rows that `where` names."""

    heading: str
    column: str
    expected: Figure
    where: dict[str, object] = field(default_factory=dict)
    within: Figure = Decimal

    def __str__(self) -> str:
        return " ".join([self.heading, *map(str, self.where.values()), self.column])


def _within(value: str) -> Figure:
    return partial(Decimal, value)


# Vendors print so many digits a line; invoices, cents; a price of a million comes of such lines.
DIGITS, CENT, PRICE = sample.half_digits, _within("0.005"), _within("0.00001")


def _each(
    heading: str,
    column: str,
    key: str,
    names: Iterable[str],
    expected: Callable[[str], Decimal],
    within: Figure = Decimal,
    **where: object,
) -> Iterator[Planted]:
    """The same figure for several names."""
    for name in names:
        yield Planted(heading, column, partial(expected, name), {key: name, **where}, within)


def _distinct(column: str) -> Decimal:
    return sample.attempts(f"count(distinct {column})", f"{sample.SEEN} and {PRODUCTION}")


def _inferences(feature: str) -> Decimal:
    return sample.inferences(f"{PRODUCTION} and feature = '{feature}'")


def _cost_of_success(feature: str) -> Decimal:
    mine = f"{PRODUCTION} and feature = '{feature}'"
    return sample.direct_cost(mine) / sample.inferences(f"{mine} and {sample.ANSWERED}")


def _units() -> Iterator[Planted]:
    units = {"inference": "operation_id", "customer": "customer_id", "feature": "feature"}
    for unit, column in units.items():
        yield Planted(UNITS, "units", partial(_distinct, column), {"unit": unit})
    features = ("ticket-reply", "article-search")
    yield from _each("Cost per feature", "inferences", "feature", features, _inferences)
    yield from _each(
        "Cost per successful inference",
        "direct_cost_per_unit",
        "feature",
        features,
        _cost_of_success,
        _within("0.0000001"),
        unit="successful inference",
    )
    yield Planted(
        "Weekly cost reviews",
        "inferences",
        lambda: sample.inferences(
            f"{PRODUCTION} and feature = 'ticket-reply' "
            "and ended_at >= '2026-10-12' and ended_at < '2026-10-19'"
        ),
        {"period_start": date(2026, 10, 12), "feature": "ticket-reply"},
    )


def _component(name: str) -> Decimal:
    return sample.component(name, f"customer_id = 'cust-001' and {IN_OCTOBER}")


def _customer(name: str) -> Decimal:
    return sample.component("%", f"customer_id = '{name}' and {IN_OCTOBER}")


def _costs() -> Iterator[Planted]:
    for name in ("direct", "idle", "scaling", "shared", "overhead"):
        figure, one = partial(_component, name), {"customer_id": "cust-001"}
        yield Planted("Cost per customer", f"{name}_cost", figure, one, DIGITS)
    customers = ("cust-002", "cust-017")
    yield from _each(
        "Cost per customer", "effective_cost", "customer_id", customers, _customer, DIGITS
    )
    yield from _each(
        "Cost per workflow",
        "direct_cost",
        "workflow",
        ("answer_question", "polish_reply"),
        lambda name: sample.direct_cost(f"workflow = '{name}'"),
        DIGITS,
    )
    yield from _each(
        "Lambda, Cloud Run, Fargate and their like: cost by where an inference runs",
        "direct_cost",
        "deployment",
        ["api"],
        lambda _: sample.direct_cost(f"{PRODUCTION} and {API}"),
        DIGITS,
    )


def _capacity() -> Iterator[Planted]:
    waste = "Atler Pilot: compute that nobody uses, with an owner"
    idle = partial(sample.component, "idle")
    yield Planted(
        waste,
        "idle_cost",
        lambda: idle(IN_OCTOBER) + episodes.component("idle", sample.MONTH),
        within=DIGITS,
    )
    yield Planted(
        "Quotas beside idle GPUs",
        "idle_cost",
        lambda: idle(f"charge_date = '{DAY}'") + episodes.component("idle", f"{DAY}"),
        {"charge_date": DAY},
        DIGITS,
    )
    starts = "Cold starts, image pulls and model loads"
    yield Planted(
        starts,
        "scaling_cost",
        lambda: sample.component("scaling", "true") + episodes.component("scaling"),
        within=DIGITS,
    )
    yield Planted(
        "Idle and warm capacity",
        "effective_cost",
        partial(sample.true_bill, "runpod", "idle"),
        {"source": "runpod"},
        DIGITS,
    )
    for column, state in (("active_seconds", "busy"), ("warm_idle_seconds", "warm_idle")):
        seconds = partial(sample.gpu_seconds, state, "chat-gpu", DAY)
        yield Planted(GPU_TIME, column, seconds, {"charge_date": DAY, "pool": "chat-gpu"})


def _episodes() -> Iterator[Planted]:
    """What marts round down in each is less than a cent."""
    for heading, column, figure, where in episodes.answers():
        yield Planted(heading, column, partial(Decimal, figure), where, CENT)


def _bills() -> Iterator[Planted]:
    billed = ("aws_prod", "aws_dev", "openai", "anthropic", "mistral", "gcp", "runpod")
    yield from _each(BILLED, "actual_cost", "source", billed, sample.control_total)
    taxed = ("aws_prod", "aws_dev", "aws_ai", "digitalocean", "gcp")
    tax = partial(sample.invoice, "tax")
    yield from _each(TAXES, "effective_cost", "source", taxed, tax, CENT, cost_driver="tax")
    vendors = "kimchi.dev: vendors of tokens and capacity side by side"
    total = partial(sample.invoice, "total")
    yield from _each(vendors, "effective_cost", "source", ["lambda", "vast"], total, CENT)
    embeddings = partial(sample.openai_cost, "text-embedding-3-small")
    yield Planted("Embeddings", "effective_cost", embeddings, {"source": "openai"})
    keys: dict[str, object] = {"source": "aws_dev", "tag_key": "(any)"}
    yield Planted(TAGS, "effective_cost", partial(sample.control_total, "aws_dev"), keys)
    untagged = partial(sample.true_bill, "aws_dev", "overhead")
    yield Planted(TAGS, "untagged_cost", untagged, keys, DIGITS)


def _purchases() -> Iterator[Planted]:
    aws: dict[str, object] = {"source": "aws_prod"}
    covered = "line_item_line_item_type = 'SavingsPlanCoveredUsage'"
    lines = {"used_cost": LINE, "covered_list_cost": "pricing_public_on_demand_cost"}
    for column, line in lines.items():
        yield Planted(COMMITMENTS, column, partial(sample.aws_lines, line, covered), aws)
    spot = "line_item_usage_type like '%SpotUsage:%'"
    cost = partial(sample.aws_lines, "line_item_unblended_cost", spot)
    yield Planted(SPOT, "effective_cost", cost, aws)
    hours = partial(sample.aws_lines, "line_item_usage_amount", spot)
    yield Planted(SPOT, "quantity", lambda: 3600 * hours(), aws, _within("1"))


def _business() -> Iterator[Planted]:
    months = {"2026-10": OCTOBER, "2026-11": (date(2026, 11, 1), date(2026, 11, 4))}
    for month, days in months.items():
        earned = partial(sample.revenue, *days)
        yield Planted(EFFICIENCY, "revenue", earned, {"charge_month": month})
    yield from _each(
        f"{EFFICIENCY} by customer, product and plan",
        "revenue",
        "value",
        ("starter", "growth", "enterprise"),
        lambda plan: sample.revenue(*OCTOBER, plan=plan),
        scope="plan",
    )
    tokens, column = "Cost per 1K and 1M tokens", "usage_cost_per_1m_tokens"
    for (model, kind), price in PRICES.items():
        keys: dict[str, object] = {"model": model, "token_type": kind}
        yield Planted(tokens, column, _within(price), keys, PRICE)


def _wasted(feature: str) -> Decimal:
    return sample.direct_cost(f"feature = '{feature}' and outcome = 'failed'")


def _rejected(feature: str) -> Decimal:
    return sample.attempts("count(*)", f"feature = '{feature}' and outcome = 'rejected'")


def _requests() -> Iterator[Planted]:
    runs = "Failures, retries and loops"
    features = ("conversation-summary", "ticket-triage")
    yield from _each(runs, "wasted_cost", "feature", features, _wasted, DIGITS)
    limited = ("ticket-reply", "article-search")
    yield from _each(runs, "rejected_attempts", "feature", limited, _rejected)
    served = partial(sample.attempts, "count(*)", f"{sample.SERVED} and {EMBEDDING}")
    yield Planted(EMBEDDINGS, "requests", served)
    cost = partial(sample.direct_cost, EMBEDDING)
    yield Planted(EMBEDDINGS, "direct_cost", cost, within=DIGITS)
    judged = (("evaluated_requests", "true, false"), ("passed_requests", "true"))
    for column, passed in judged:
        figure = partial(sample.evaluated, "ticket-reply", "gpt-5-mini", passed)
        keys: dict[str, object] = {"feature": "ticket-reply", "model": "gpt-5-mini"}
        yield Planted("Substitution rate", column, figure, keys)


def _judged() -> Iterator[Planted]:
    (planted,) = episodes.episodes("anomaly")
    day, feature = planted.started_at.date(), {"entity": "feature", "value": planted.value}
    keys: dict[str, object] = {"charge_date": day, **feature}
    yield Planted("Anomalies", "observed_cost", partial(Decimal, planted.quantity), keys, DIGITS)
    excess = partial(Decimal, planted.cost or 0)
    # Expected is an estimate of three weeks.
    yield Planted("Anomalies", "excess_estimate", excess, keys, _within("0.08"))
    part: dict[str, object] = {"part_entity": "feature", "part_value": planted.value}
    evidence = "What moved in an anomaly"
    yield Planted(evidence, "observed_cost", partial(Decimal, planted.quantity), part, DIGITS)


PLANTED = [
    *_units(),
    *_costs(),
    *_capacity(),
    *_bills(),
    *_purchases(),
    *_business(),
    *_requests(),
    *_judged(),
    *_episodes(),
]
