"""The true cost of every customer and day in exact fractions; truth/README.md states the method."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl

from .aws_bill import Execution, effective_cost, start_of
from .aws_lines import Line
from .busy import Shares
from .company import DAY, NONE, TOKEN_PRICES, month_of

Weights = Mapping[str, Fraction]
SHARED_PRODUCTS = ("AmazonEKS", "AmazonCloudWatch", "AmazonS3")
NANO = 10**9


@dataclass(frozen=True)
class Key:
    """Where a cost belongs."""

    source: str
    month: str
    day: int
    customer: str
    component: str


@dataclass
class Ledger:
    """Costs by key, and the weights that loadings are shared by."""

    rows: dict[Key, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    bill_weights: dict[tuple[str, str, int], dict[str, Fraction]] = field(default_factory=dict)
    pool_weights: dict[tuple[str, int], dict[str, Fraction]] = field(default_factory=dict)

    def add(self, key: Key, cost: Fraction) -> None:
        if cost:
            self.rows[key] += cost

    def weigh(self, source: str, month: str, day: int, customer: str, cost: Fraction) -> None:
        weights = self.bill_weights.setdefault((source, month, day), defaultdict(Fraction))
        weights[customer] += cost

    def explain(
        self, source: str, month: str, day: int, customer: str, component: str, cost: Fraction
    ) -> None:
        """A direct or unmatched cost: it weighs in what is shared afterwards."""
        self.add(Key(source, month, day, customer, component), cost)
        self.weigh(source, month, day, customer, cost)

    def load(
        self, source: str, month: str, day: int, component: str, cost: Fraction, weights: Weights
    ) -> None:
        for customer, part in shared(cost, weights).items():
            self.add(Key(source, month, day, customer, component), part)


def shared(cost: Fraction, weights: Weights) -> dict[str, Fraction]:
    """Exact parts in proportion; without weight everything stays with `(none)`."""
    total = sum(weights.values(), Fraction(0))
    if not total:
        return {NONE: cost}
    return {customer: cost * weight / total for customer, weight in weights.items()}


def token_cost(row: Mapping[str, int | str]) -> Fraction:
    """Price times tokens of one billed attempt of an OpenAI model."""
    prices, cached = TOKEN_PRICES[str(row["model"])], int(row["cached_tokens"])
    nano = prices["input"] * (int(row["input_tokens"]) - cached)
    nano += prices.get("cached input", 0) * cached + prices.get("output", 0) * int(
        row["output_tokens"]
    )
    return Fraction(nano, NANO)


def add_tokens(ledger: Ledger, attempts: pl.DataFrame, costs: dict[int, Fraction]) -> None:
    billed = attempts.filter((pl.col("provider") == "openai") & (pl.col("outcome") != "rejected"))
    for row in billed.iter_rows(named=True):
        cost, day = token_cost(row), row["ended_ms"] // DAY * DAY
        costs[row["attempt"]] = cost
        is_observed = row["is_traced"] and row["outcome"] != "cut_off"
        customer = (row["customer_id"] or NONE) if is_observed else NONE
        ledger.explain(
            "openai", month_of(day), day, customer, "direct" if is_observed else "unmatched", cost
        )


def add_machines(ledger: Ledger, hours: Iterable[Shares]) -> None:
    """Direct and unmatched first; then the day's idle and scaling of each pool over its weights."""
    idle: dict[tuple[str, str, str, int, str], Fraction] = defaultdict(Fraction)
    for hour in hours:
        of, day = hour.of, hour.of.hour // DAY * DAY
        pool = ledger.pool_weights.setdefault((of.pool, day), defaultdict(Fraction))
        for customer, cost in hour.direct.items():
            ledger.explain(of.source, of.month, day, customer, "direct", cost)
            pool[customer] += cost
        ledger.explain(of.source, of.month, day, NONE, "unmatched", hour.unmatched)
        pool[NONE] += hour.unmatched
        idle[of.source, of.month, of.pool, day, "idle"] += hour.idle
        idle[of.source, of.month, of.pool, day, "scaling"] += hour.scaling
    for (source, month, name, day, component), cost in idle.items():
        ledger.load(source, month, day, component, cost, ledger.pool_weights[name, day])


def add_platform(
    ledger: Ledger, source: str, execution: Execution, requests: Mapping[int, Weights]
) -> None:
    """Lines of no machine, up to a day long: shared by requests, unmatched, or fixed by a rule."""
    for line in execution.lines:
        if _is_machine(line) or _is_loading(line):
            continue
        day, cost = start_of(line) // DAY * DAY, Fraction(effective_cost(line))
        if source == "aws_dev":
            ledger.explain(source, execution.month, day, NONE, "direct", cost)
        elif is_shared(line):
            ledger.load(source, execution.month, day, "shared", cost, requests.get(day, {}))
        else:
            ledger.explain(source, execution.month, day, NONE, "unmatched", cost)


def is_shared(line: Line) -> bool:
    return line.get("line_item_product_code") in SHARED_PRODUCTS or "NatGateway" in str(
        line.get("line_item_usage_type")
    )


def _is_machine(line: Line) -> bool:
    return str(line.get("line_item_resource_id")).startswith("i-")


def _is_loading(line: Line) -> bool:
    return _is_long(line) or line["line_item_line_item_type"] in (
        "SavingsPlanRecurringFee",
        "Refund",
    )


def _is_long(line: Line) -> bool:
    end = line["line_item_usage_end_date"]
    assert isinstance(end, int)
    return end - start_of(line) > DAY


def add_overhead(ledger: Ledger, source: str, execution: Execution) -> None:
    """Tax, credit, support, unused commitment: by day over the bill's direct and unmatched cost."""
    daily: dict[int, Fraction] = defaultdict(Fraction)
    for line in execution.lines:
        if not _is_long(line) and line["line_item_line_item_type"] != "Refund":
            daily[start_of(line) // DAY * DAY] += Fraction(effective_cost(line))
    for line in execution.lines:
        for day, cost in _spread(line, daily).items():
            weights = ledger.bill_weights.get((source, execution.month, day), {})
            ledger.load(source, execution.month, day, "overhead", cost, weights)


def _spread(line: Line, daily: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """A loading line's cost by day: tax and credit by what the days cost, support by time."""
    kind, cost = line["line_item_line_item_type"], Fraction(effective_cost(line))
    if kind == "SavingsPlanRecurringFee":
        return {start_of(line) // DAY * DAY: cost}
    if not _is_long(line):
        return {}
    total = sum(daily.values(), Fraction(0))
    if kind in ("Tax", "Credit"):
        return {day: cost * part / total for day, part in daily.items()}
    return {day: cost / len(daily) for day in daily}


def add_refunds(ledger: Ledger, source: str, execution: Execution, hours: list[Shares]) -> None:
    """A refund mirrors the rows of what it gives back: same customers, components and days."""
    for line in execution.lines:
        if line["line_item_line_item_type"] != "Refund":
            continue
        first, last = start_of(line), line["line_item_usage_end_date"]
        assert isinstance(last, int)
        resource = line["line_item_resource_id"]
        refunded = [
            hour
            for hour in hours
            if hour.of.resource_id == resource and first <= hour.of.hour < last
        ]
        factor = Fraction(effective_cost(line)) / sum(
            (hour.of.amount for hour in refunded), Fraction(0)
        )
        for hour in refunded:
            day = hour.of.hour // DAY * DAY
            weights = ledger.pool_weights[hour.of.pool, day]
            for customer, cost in hour.direct.items():
                ledger.add(Key(source, execution.month, day, customer, "direct"), cost * factor)
            ledger.add(
                Key(source, execution.month, day, NONE, "unmatched"), hour.unmatched * factor
            )
            ledger.load(source, execution.month, day, "idle", hour.idle * factor, weights)
            ledger.load(source, execution.month, day, "scaling", hour.scaling * factor, weights)


def requests_by_day(attempts: pl.DataFrame) -> dict[int, dict[str, Fraction]]:
    """Traced production attempts that were not refused, by UTC day of their end and customer."""
    counts: dict[int, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    served = (
        (pl.col("environment") == "production")
        & pl.col("is_traced")
        & (pl.col("outcome") != "rejected")
    )
    for ended, customer in attempts.filter(served).select("ended_ms", "customer_id").iter_rows():
        counts[ended // DAY * DAY][customer or NONE] += 1
    return counts
