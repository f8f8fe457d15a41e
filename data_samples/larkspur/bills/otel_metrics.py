"""What the clients count of their own calls: OTLP/JSON metrics of two days, a file a day.

Services send what was gained in ten minutes (delta) under the current names. One still counts under
older names since each series began (cumulative histograms), and restarts at midnight. Calls that no
trace shows are counted too, and those that failed; a stream that broke off told no tokens.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from larkspur.company import DAY, EMBEDDING, MINUTE, SAMPLE, SAMPLE_ATTEMPTS, SEED, Period, to_date
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.traffic import traffic
from larkspur.writing import write_gzip

FOLDERS = ("otel_metrics",)

FIRST_DAY, DAYS = 11, 2  # some calls of these days left no trace
INTERVAL = 10 * MINUTE
DELTA, CUMULATIVE = 1, 2
OLDER = "ticket-triage"
_USAGE = "gen_ai.client.inference.usage."
_TOKENS = {
    "input_tokens": f"{_USAGE}input_tokens",
    "cached_tokens": f"{_USAGE}cache_read.input_tokens",
    "output_tokens": f"{_USAGE}output_tokens",
    "reasoning_tokens": f"{_USAGE}reasoning.output_tokens",
}
_ERRORS = {"failed": "timeout", "rejected": "rate_limit_exceeded", "cut_off": "connection_reset"}

Row = dict[str, Any]
# A metric and the attributes of a series: how many requests and how much, and since when.
Counts = dict[tuple[str, tuple[tuple[str, str], ...]], list[int]]


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del draws
    calls = pl.concat(traffic(SAMPLE_ATTEMPTS, SAMPLE.days, SEED)).sort("received_ms", "span_id")
    delivered = 0
    days = len(period.dates())
    first = max(0, min(FIRST_DAY, days - DAYS))
    for number in range(first, min(first + DAYS, days)):
        begin = period.day(number)
        within = calls.filter(pl.col("received_ms").is_between(begin, begin + DAY, closed="left"))
        lines = list(_lines(within, begin))
        delivered += sum(line.count('"timeUnixNano"') for line in lines)
        name = f"{to_date(begin)}.jsonl.gz"
        write_gzip("".join(line + "\n" for line in lines), out / "otel_metrics" / name)
    return [
        Total(
            "client_metrics", "", delivered, None, None,
            billing_currency="", connector="otel_genai", location="otel_metrics",
        )
    ]  # fmt: skip


def _lines(calls: pl.DataFrame, begin: int) -> Iterator[str]:
    """An export of every service each interval, as long as it has something to tell."""
    services: dict[tuple[str, str], Counts] = {}
    for start in range(begin, begin + DAY, INTERVAL):
        slice_ = calls.filter(pl.col("received_ms").is_between(start, start + INTERVAL, "left"))
        gained: dict[tuple[str, str], Counts] = defaultdict(dict)
        for row in slice_.iter_rows(named=True):
            _count(row, gained[row["feature"], row["environment"]], start)
        for service in sorted(services.keys() | gained.keys()):
            counts = gained.get(service, {})
            if service[0] == OLDER:
                counts = _added(services.setdefault(service, {}), counts)
            if counts:
                yield _export(service, counts, start + INTERVAL)


def _count(row: Row, counts: Counts, since: int) -> None:
    for metric, attributes, value in _counted(row):
        counted = counts.setdefault((metric, tuple(attributes.items())), [0, 0, since])
        counted[0] += 1
        counted[1] += value


def _counted(row: Row) -> Iterator[tuple[str, dict[str, str], int]]:
    """What one call adds to: milliseconds, or tokens."""
    call = {
        "gen_ai.operation.name": "embeddings" if row["model"] == EMBEDDING else "chat",
        "gen_ai.provider.name": row["provider"],
        "gen_ai.request.model": row["model"],
    }
    error = {"error.type": _ERRORS[row["outcome"]]} if row["outcome"] in _ERRORS else {}
    yield "gen_ai.client.operation.duration", call | error, row["received_ms"] - row["sent_ms"]
    if row["outcome"] not in ("ok", "failed"):
        return
    if row["feature"] == OLDER:
        for kind in ("input", "output"):
            typed = call | {"gen_ai.token.type": kind}
            yield "gen_ai.client.token.usage", typed, row[f"{kind}_tokens"] or 0
        return
    for column, metric in _TOKENS.items():
        yield metric, call | {"gen_ai.token.modality": "text"}, row[column] or 0


def _added(total: Counts, gained: Counts) -> Counts:
    for series, (requests, value, since) in gained.items():
        counted = total.setdefault(series, [0, 0, since])
        counted[0] += requests
        counted[1] += value
    return total


def _export(service: tuple[str, str], counts: Counts, until: int) -> str:
    metrics: dict[str, list[Row]] = {}
    for (metric, attributes), (requests, value, since) in sorted(counts.items()):
        times = {"startTimeUnixNano": f"{since}000000", "timeUnixNano": f"{until}000000"}
        if metric.startswith(_USAGE):
            numbers: Row = {"asInt": str(value)}
        else:
            # Seconds, or tokens.
            total = value / 1_000 if metric.endswith("duration") else value
            numbers = {"count": str(requests), "sum": total, "bucketCounts": [str(requests)]}
        metrics.setdefault(metric, []).append(
            {"attributes": _pairs(attributes), **times, **numbers}
        )
    feature, environment = service
    resource = (
        ("service.name", f"{feature}-service"), ("deployment.environment.name", environment),
    )  # fmt: skip
    temporality = CUMULATIVE if feature == OLDER else DELTA
    sent = [_metric(name, points, temporality) for name, points in metrics.items()]
    scope = {"name": "larkspur.telemetry", "version": "1.4.0"}
    body = {
        "resource": {"attributes": _pairs(resource)},
        "scopeMetrics": [{"scope": scope, "metrics": sent}],
    }
    return json.dumps({"resourceMetrics": [body]}, separators=(",", ":"))


def _metric(name: str, points: list[Row], temporality: int) -> Row:
    if name.startswith(_USAGE):
        data = {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": points}
        return {"name": name, "unit": "{token}", "sum": data}
    unit = "s" if name.endswith("duration") else "{token}"
    data = {"aggregationTemporality": temporality, "dataPoints": points}
    return {"name": name, "unit": unit, "histogram": data}


def _pairs(attributes: tuple[tuple[str, str], ...]) -> list[Row]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes]
