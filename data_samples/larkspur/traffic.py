"""Attempts, a UTC day at a time, as polars frames: vectorised, so that 20 million take minutes and
little memory.

A run of a workflow makes one operation a step; an operation makes one or two attempts. Times
are UTC milliseconds.
"""

from collections.abc import Iterator

import polars as pl

from .company import (
    CHAT,
    CUSTOMER_WEIGHTS,
    CUSTOMERS,
    FEATURE_TEAMS,
    FULL,
    HOUR_WEIGHTS,
    LIGHT,
    MIDNIGHT_WEIGHT,
    MINI,
    MINUTE,
    PROJECTS,
    RESPONSE_NAME,
    SAMPLE,
    WORKFLOWS,
    Period,
)
from .draws import Draws, hex16, u64
from .fleet import DRAIN, Node, fleet
from .metering import metered_attempts

STEP_GAP = 9_000


def traffic(
    attempts: int, days: int, seed: int, period: Period | None = None
) -> Iterator[pl.DataFrame]:
    """One frame a day, about `attempts` rows in all, sorted by (ended_ms, trace_id, span_id).

    A frame holds the attempts of the runs that start on its day; a few end on the next.
    """
    period = period or Period(SAMPLE.first, days)
    draws, first_run = Draws(seed), 0
    slots = pod_slots(fleet(period, draws))
    for index, runs in enumerate(runs_by_day(attempts, period)):
        yield day_attempts(period, index, first_run, runs, draws, slots)
        first_run += runs


def runs_by_day(attempts: int, period: Period) -> list[int]:
    """Runs each day: working days count five, weekend days two."""
    weights = [5 if day.weekday() < 5 else 2 for day in period.dates()]
    operations = sum(workflow.weight * len(workflow.models) for workflow in WORKFLOWS)
    runs = attempts * 97 * sum(workflow.weight for workflow in WORKFLOWS) // (operations * 100)
    return [runs * weight // sum(weights) for weight in weights]


def day_attempts(
    period: Period, index: int, first_run: int, runs: int, draws: Draws, slots: pl.DataFrame
) -> pl.DataFrame:
    operations = _operations(_runs(period, index, first_run, runs, draws))
    first = metered_attempts(operations.with_columns(attempt_number=pl.lit(1, pl.Int64)), draws)
    second = metered_attempts(_second_tries(first, draws), draws)
    frame = pl.concat([first, second])
    return _identified(_placed(frame, draws, slots), draws).sort("ended_ms", "trace_id", "span_id")


def _minutes() -> tuple[list[int], list[int]]:
    """Weight of each minute of the day: office hours, and crowded first minutes of the hour."""
    weights = [
        HOUR_WEIGHTS[minute // 60] * (5 if minute % 60 < 10 else 1) for minute in range(1440)
    ]
    weights[-1] += MIDNIGHT_WEIGHT
    return list(range(1440)), weights


def _runs(period: Period, index: int, first_run: int, runs: int, draws: Draws) -> pl.DataFrame:
    key = pl.col("run")
    start = (
        period.day(index)
        + draws.pick(key, "minute", *_minutes()) * MINUTE
        + draws.below(key, "ms", MINUTE)
    )
    workflow = draws.pick(
        key, "workflow", [w.name for w in WORKFLOWS], [w.weight for w in WORKFLOWS]
    )
    customer = draws.pick(key, "customer", CUSTOMERS, CUSTOMER_WEIGHTS)
    is_traced = ~_is_untraced(draws, index)
    frame = pl.select(run=pl.int_range(first_run, first_run + runs, dtype=pl.UInt64)).with_columns(
        run_started_ms=start,
        workflow=workflow,
        customer_id=pl.when(draws.below(key, "no customer", 100) >= 4).then(customer),
        environment=pl.when(draws.below(key, "environment", 100) < 92)
        .then(pl.lit("production"))
        .otherwise(pl.lit("development")),
    )
    frame = frame.with_columns(is_traced=is_traced)
    last = period.end - 10 * MINUTE  # nothing of the last day may end after the last bill
    return frame.filter(pl.col("run_started_ms") < last)


def _is_untraced(draws: Draws, index: int) -> pl.Expr:
    """Runs of two workflows that leave no spans: the digests on every fifth day, some indexing on
    every seventh.
    """
    workflow, share = pl.col("workflow"), draws.below(pl.col("run"), "untraced", 100)
    digest = (workflow == "weekly_digest") & (share < 60) & pl.lit(index % 5 == 2)
    indexing = (workflow == "index_article") & (share < 35) & pl.lit(index % 7 == 4)
    return digest | indexing


def _operations(runs: pl.DataFrame) -> pl.DataFrame:
    rows = [
        (w.name, w.feature, FEATURE_TEAMS[w.feature], step, model)
        for w in WORKFLOWS
        for step, model in enumerate(w.models)
    ]
    steps = pl.DataFrame(
        rows, schema=["workflow", "feature", "team", "step", "model"], orient="row"
    )
    return runs.join(steps, on="workflow", how="inner", maintain_order="left_right").with_columns(
        operation=pl.col("run") * u64(4) + pl.col("step").cast(pl.UInt64),
        requested_ms=pl.col("run_started_ms") + 20 + pl.col("step") * STEP_GAP,
    )


def _second_tries(first: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Failed and refused attempts are tried once more; gpt-5-mini may fall back to gpt-5."""
    key = pl.col("operation")
    falls_back = (pl.col("model") == MINI) & (draws.below(key, "fallback", 100) < 40)
    keep = [
        "run",
        "run_started_ms",
        "workflow",
        "customer_id",
        "environment",
        "is_traced",
        "feature",
        "team",
        "step",
    ]
    return first.filter(pl.col("outcome").is_in(["failed", "rejected"])).select(
        *keep,
        model=pl.when(falls_back).then(pl.lit(FULL)).otherwise(pl.col("model")),
        operation=key,
        requested_ms=pl.col("received_ms") + 250 + draws.below(key, "backoff", 1_500),
        attempt_number=pl.lit(2, pl.Int64),
    )


def pod_slots(nodes: list[Node]) -> pl.DataFrame:
    """Which pods take new requests from a moment on: model, from_ms, pods."""
    pods = [pod for node in nodes for pod in node.pods if pod.ready < pod.stops - DRAIN]
    rows = []
    for model in (CHAT, LIGHT):
        serving = [pod for pod in pods if pod.model == model]
        for edge in sorted({edge for pod in serving for edge in (pod.ready, pod.stops - DRAIN)}):
            rows.append(
                (
                    model,
                    edge,
                    sorted(pod.uid for pod in serving if pod.ready <= edge < pod.stops - DRAIN),
                )
            )
    return pl.DataFrame(
        rows,
        schema={"model": pl.String, "from_ms": pl.Int64, "pods": pl.List(pl.String)},
        orient="row",
    )


def _placed(frame: pl.DataFrame, draws: Draws, slots: pl.DataFrame) -> pl.DataFrame:
    """A pod for each self-hosted attempt, a project and key for each OpenAI one."""
    placed = frame.sort("started_ms", "attempt").join_asof(
        slots.sort("from_ms"),
        left_on="started_ms",
        right_on="from_ms",
        by="model",
        check_sortedness=False,
    )
    lot = draws.bits(pl.col("attempt"), "pod") % pl.col("pods").list.len().cast(pl.UInt64)
    api_key = (
        pl.when(pl.col("environment") == "development")
        .then(pl.lit("key_dev"))
        .when(pl.col("feature") == "article-search")
        .then(pl.lit("key_search_api"))
        .when(pl.col("feature") == "insights-report")
        .then(pl.lit("key_assist_jobs"))
        .otherwise(pl.lit("key_assist_web"))
    )
    return placed.with_columns(
        pod_uid=pl.col("pods").list.get(lot.cast(pl.Int64)),
        api_key_id=pl.when(pl.col("provider") == "openai").then(api_key),
    ).with_columns(project_id=pl.col("api_key_id").replace_strict(PROJECTS, return_dtype=pl.String))


def _identified(frame: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    run, attempt = pl.col("run"), pl.col("attempt")
    client = hex16(draws.bits(attempt, "client span"))
    frame = frame.with_columns(
        trace_id=hex16(draws.bits(run, "trace high")) + hex16(draws.bits(run, "trace low")),
        root_span_id=hex16(draws.bits(run, "root span")),
        client_span_id=client,
        span_id=pl.when(pl.col("provider") == "openai")
        .then(client)
        .otherwise(hex16(draws.bits(attempt, "server span"))),
        operation_id=pl.lit("op-") + hex16(draws.bits(pl.col("operation"), "operation")),
        response_model=pl.col("model").replace_strict(RESPONSE_NAME, return_dtype=pl.String),
    )
    return frame.select(COLUMNS)


COLUMNS = [
    "run",
    "attempt",
    "attempt_number",
    "trace_id",
    "span_id",
    "client_span_id",
    "root_span_id",
    "operation_id",
    "customer_id",
    "feature",
    "workflow",
    "team",
    "environment",
    "provider",
    "model",
    "response_model",
    "project_id",
    "api_key_id",
    "pod_uid",
    "run_started_ms",
    "sent_ms",
    "started_ms",
    "ended_ms",
    "received_ms",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
    "outcome",
    "is_traced",
]
