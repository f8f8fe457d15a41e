"""Computes the true costs of the sample and writes them under truth/."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .api_bills import pod_hours
from .aws_bill import Execution
from .busy import Shares, aws_resource_hours, observe, runpod_resource_hours, share_hour
from .company import DAY, Period, iso, to_date
from .draws import Draws
from .fleet import fleet
from .ledger import (
    Ledger,
    add_machines,
    add_overhead,
    add_platform,
    add_refunds,
    add_tokens,
    requests_by_day,
)
from .scraped import DAYS as METRIC_DAYS
from .scraped import cluster
from .totals import Total
from .writing import write_rows

# Days since the first for which states.csv is written: those with metrics, and others.
STATE_DAYS = (5, 6, 7, 13, 14, 20, 21, 31, 32)
LAST_DIGIT = {
    "aws_prod": "0.0000000001",
    "aws_dev": "0.0000000001",
    "openai": "0.000001",
    "runpod": "0.000000001",
}
UNTRACED_COLUMNS = (
    "day", "resource_id", "pod_uid", "requests", "input_tokens", "output_tokens", "milliseconds"
)  # fmt: skip
MONEY = pa.decimal128(38, 18)


def exact_decimal(value: Fraction) -> Decimal:
    """Eighteen decimals, half-even."""
    return Decimal(round(value * 10**18)).scaleb(-18)


def final(executions: list[Execution]) -> list[Execution]:
    """The last execution of each month: the one that counts."""
    return list({execution.month: execution for execution in executions}.values())


def true_ledger(
    attempts: pl.DataFrame,
    period: Period,
    draws: Draws,
    production: list[Execution],
    development: list[Execution],
) -> tuple[Ledger, dict[int, Fraction], list[Shares]]:
    """All costs by customer and component, the direct cost of each attempt, and the shares of each
    machine-hour.
    """
    ledger, costs = Ledger(), defaultdict[int, Fraction](Fraction)
    add_tokens(ledger, attempts, costs)
    nodes = fleet(period, draws)
    seen = observe(nodes, attempts, period)
    charges = [
        charge
        for execution in final(production)
        for charge in aws_resource_hours("aws_prod", execution)
    ]
    charges += runpod_resource_hours(pod_hours(nodes), seen.nodes)
    hours = [share_hour(charge, seen, costs) for charge in charges]
    add_machines(ledger, hours)
    for execution in final(development):
        for charge in aws_resource_hours("aws_dev", execution):
            ledger.explain(
                "aws_dev",
                execution.month,
                charge.hour // DAY * DAY,
                "(none)",
                "direct",
                charge.amount,
            )
    requests = requests_by_day(attempts)
    for source, executions in (("aws_prod", production), ("aws_dev", development)):
        for execution in final(executions):
            add_platform(ledger, source, execution, requests)
            add_overhead(ledger, source, execution)
            add_refunds(ledger, source, execution, hours)
    return ledger, costs, hours


def _write_attempts(attempts: pl.DataFrame, costs: dict[int, Fraction], path: Path) -> None:
    """One row an attempt that was billed or left a span."""
    kept = attempts.filter(pl.col("is_traced") | (pl.col("outcome") != "rejected"))
    columns = kept.select(
        attempt_id=pl.col("trace_id") + ":" + pl.col("span_id"),
        operation_id="operation_id",
        customer_id="customer_id",
        feature="feature",
        workflow="workflow",
        team="team",
        environment="environment",
        model="model",
        ended_at=pl.col("ended_ms").cast(pl.Datetime("ms")),
        is_billed=pl.col("outcome") != "rejected",
        is_observed=pl.col("is_traced") & (pl.col("outcome") != "cut_off"),
        outcome=pl.when("is_traced").then(pl.col("outcome")).otherwise(pl.lit("untraced")),
    )
    exact = [exact_decimal(costs.get(key, Fraction(0))) for key in kept.get_column("attempt")]
    schema = [(name, pa.string()) for name in columns.columns]
    types = dict(schema) | {
        "ended_at": pa.timestamp("ms"),
        "is_billed": pa.bool_(),
        "is_observed": pa.bool_(),
    }
    arrays = {
        name: pa.array(columns.get_column(name).to_list(), type=types[name])
        for name in columns.columns
    }
    _write_table(arrays | {"true_direct_cost": pa.array(exact, type=MONEY)}, path)


def _write_table(arrays: dict[str, pa.Array], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), path, compression="zstd", store_schema=False)


def _write_components(ledger: Ledger, path: Path) -> None:
    sums: dict[tuple[int, str, str], Fraction] = defaultdict(Fraction)
    for key, cost in ledger.rows.items():
        sums[key.day, key.customer, key.component] += cost
    rows = sorted(sums.items())
    arrays = {
        "charge_date": pa.array([to_date(day) for (day, _, _), _ in rows], type=pa.date32()),
        "customer_id": pa.array([customer for (_, customer, _), _ in rows], type=pa.string()),
        "component": pa.array([component for (_, _, component), _ in rows], type=pa.string()),
        "cost": pa.array([exact_decimal(cost) for _, cost in rows], type=MONEY),
    }
    _write_table(arrays, path)


def _write_sources(ledger: Ledger, path: Path) -> None:
    sums: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for key, cost in ledger.rows.items():
        sums[key.source, key.month, key.component] += cost
    rows = [[*key, f"{exact_decimal(cost):f}"] for key, cost in sorted(sums.items())]
    write_rows(("source", "billing_period", "component", "cost"), rows, path)


def _write_states(hours: Iterable[Shares], period: Period, path: Path) -> None:
    days = {period.day(index) for index in STATE_DAYS}
    rows = [
        [share.of.resource_id, iso(share.of.hour), gpu, state, milliseconds]
        for share in sorted(hours, key=lambda share: (share.of.hour, share.of.resource_id))
        if share.of.hour // DAY * DAY in days
        for (gpu, state), milliseconds in sorted(share.states.items())
        if milliseconds
    ]
    write_rows(("resource_id", "hour", "gpu_index", "state", "milliseconds"), rows, path)


def _write_untraced(period: Period, draws: Draws, path: Path) -> None:
    """What only the engines' counters know of: nobody wrote a span for it."""
    seen = cluster(period, draws) if period.days > max(METRIC_DAYS) else None
    rows = [
        [
            to_date(day), node.resource_id, pod.uid, len(missing),
            sum(one.input_tokens for one in missing), sum(one.output_tokens for one in missing),
            sum(one.ended - one.started for one in missing),
        ]
        for node, pod in (seen.pods() if seen else ())
        for day in map(period.day, METRIC_DAYS)
        if seen and (missing := seen.untraced(pod, day))
    ]  # fmt: skip
    write_rows(UNTRACED_COLUMNS, sorted(rows), path)


def write_truth(
    attempts: pl.DataFrame,
    period: Period,
    draws: Draws,
    production: list[Execution],
    development: list[Execution],
    totals: list[Total],
    folder: Path,
) -> None:
    ledger, costs, hours = true_ledger(attempts, period, draws, production, development)
    _write_attempts(attempts, costs, folder / "attempts.parquet")
    _write_components(ledger, folder / "customer_components.parquet")
    _write_sources(ledger, folder / "sources.csv")
    _write_states(hours, period, folder / "states.csv")
    _write_untraced(period, draws, folder / "untraced.csv")
    lines = [[total.source, total.month, total.rows, LAST_DIGIT[total.source]] for total in totals]
    write_rows(("source", "billing_period", "lines", "last_digit"), lines, folder / "lines.csv")
