"""What each attempt became: its outcome, its tokens, its times."""

import polars as pl

from .company import EMBEDDING, FULL, MINI, MODELS
from .draws import Draws, u64

OUTCOMES = ("ok", "failed", "rejected", "cut_off")
API_OUTCOME_WEIGHTS = (955, 12, 22, 11)
GPU_OUTCOME_WEIGHTS = (985, 15)


def metered_attempts(operations: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Outcome, tokens and times of each attempt; `attempt` is its key."""
    shapes = (
        pl.DataFrame([vars(model) for model in MODELS])
        .rename({"name": "model"})
        .drop("response_name")
    )
    frame = operations.join(
        shapes, on="model", how="inner", maintain_order="left_right"
    ).with_columns(
        attempt=pl.col("operation") * u64(2) + pl.col("attempt_number").cast(pl.UInt64) - u64(1)
    )
    return _timed(_metered(frame.with_columns(outcome=_outcome(draws)), draws), draws)


def _outcome(draws: Draws) -> pl.Expr:
    key, is_api = pl.col("attempt"), pl.col("provider") == "openai"
    api = draws.pick(key, "outcome", OUTCOMES, API_OUTCOME_WEIGHTS)
    gpu = draws.pick(key, "outcome", OUTCOMES[:2], GPU_OUTCOME_WEIGHTS)
    chosen = pl.when(is_api).then(api).otherwise(gpu)
    # An embedding is no stream, and answers or refuses: it has no output to break off in.
    return (
        pl.when((pl.col("model") == EMBEDDING) & chosen.is_in(["failed", "cut_off"]))
        .then(pl.lit("ok"))
        .otherwise(chosen)
    )


def _metered(frame: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Tokens; input includes the cached part, output the reasoning part."""
    operation, key = pl.col("operation"), pl.col("attempt")
    size = draws.below(operation, "size", 1_000) * draws.below(operation, "input", 1_000)
    length = draws.below(key, "output", 1_000)
    is_rejected, is_chat_api = pl.col("outcome") == "rejected", pl.col("model").is_in([MINI, FULL])
    stray = (
        draws.below(key, "stray", 100) < 15
    ) & is_chat_api  # refused, yet the client wrote down output tokens
    written = pl.col("output_low") + pl.col("output_span") * length // 1_000
    frame = frame.with_columns(
        input_tokens=pl.when(is_rejected)
        .then(0)
        .otherwise(pl.col("input_low") + pl.col("input_span") * size // 1_000_000),
        output_tokens=pl.when(is_rejected & stray)
        .then(1 + length % 16)
        .when(is_rejected)
        .then(0)
        .when(pl.col("outcome") == "failed")
        .then(written // 3)
        .otherwise(written),
    )
    is_cached = (
        is_chat_api
        & (pl.col("input_tokens") >= 1_024)
        & (draws.below(operation, "cached", 100) < 45)
    )
    prefix = (
        pl.col("input_tokens") * (40 + draws.below(operation, "prefix", 55)) // 100 // 128 * 128
    )
    thinks = is_chat_api & ~is_rejected & (draws.below(key, "thinks", 100) < 30)
    thought = pl.col("output_tokens") * (20 + draws.below(key, "thought", 50)) // 100
    return frame.with_columns(
        cached_tokens=pl.when(is_cached).then(prefix).otherwise(0),
        reasoning_tokens=pl.when(thinks).then(thought).otherwise(0),
    )


def _timed(frame: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Client: sent to received. Model server: started to ended; an API call has the client's."""
    key, is_gpu = pl.col("attempt"), pl.col("provider") != "openai"
    queue = pl.when(is_gpu).then(5 + draws.below(key, "queue", 400)).otherwise(0)
    work = pl.col("input_tokens") * pl.col("input_us") + pl.col("output_tokens") * pl.col(
        "output_us"
    )
    duration = (
        pl.when(pl.col("outcome") == "rejected")
        .then(40 + draws.below(key, "refusal", 80))
        .otherwise(pl.col("fixed_ms") + work // 1_000 + draws.below(key, "noise", 90))
    )
    frame = frame.with_columns(
        sent_ms=pl.col("requested_ms"), started_ms=pl.col("requested_ms") + queue
    )
    frame = frame.with_columns(ended_ms=pl.col("started_ms") + duration)
    frame = frame.with_columns(
        received_ms=pl.col("ended_ms") + pl.when(is_gpu).then(12).otherwise(0)
    )
    return frame.drop(
        "input_low", "input_span", "output_low", "output_span", "fixed_ms", "input_us", "output_us"
    )
