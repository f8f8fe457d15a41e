"""What the billing APIs of OpenAI and RunPod answer, page by page."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl

from .company import (
    DAY,
    EMBEDDING,
    HOUR,
    PROJECTS,
    RESPONSE_NAME,
    TOKEN_PRICES,
    Period,
    iso,
    month_of,
    to_datetime,
)
from .draws import Draws
from .fleet import Node, fleet
from .writing import write_json

PAGE_BUCKETS = 7  # the API's default page of daily buckets
LAST_PRINTED_DIGIT = Decimal("0.000001")
RENTED_NANO_A_MS = 1_660  # $5.976 an hour for a pod of two H100
PROJECT_CREATED = 1_764_547_200
BUCKETS = {"input": "uncached_tokens", "cached input": "cached_tokens", "output": "output_tokens"}


def billed_tokens(attempts: pl.DataFrame) -> pl.DataFrame:
    """Billed tokens by UTC day of the attempt's end, project, key and model; none if refused."""
    keys = ["day_ms", "project_id", "api_key_id", "model"]
    return (
        attempts.filter((pl.col("provider") == "openai") & (pl.col("outcome") != "rejected"))
        .with_columns(
            day_ms=pl.col("ended_ms") // DAY * DAY,
            uncached_tokens=pl.col("input_tokens") - pl.col("cached_tokens"),
        )
        .group_by(keys)
        .agg(
            pl.sum("uncached_tokens", "cached_tokens", "output_tokens"),
            requests=pl.len().cast(pl.Int64),
        )
        .sort(keys)
    )


@dataclass(frozen=True)
class CostLine:
    """One result of the costs endpoint."""

    day_ms: int
    project_id: str
    api_key_id: str
    model: str
    bucket: str
    tokens: int

    @property
    def exact(self) -> Fraction:
        return Fraction(TOKEN_PRICES[self.model][self.bucket] * self.tokens, 10**9)

    @property
    def printed(self) -> Decimal:
        nano = Decimal(TOKEN_PRICES[self.model][self.bucket] * self.tokens).scaleb(-9)
        return nano.quantize(LAST_PRINTED_DIGIT, ROUND_HALF_EVEN)

    def result(self) -> dict[str, object]:
        in_thousands = self.model == EMBEDDING
        return {
            "object": "organization.costs.result",
            "amount": {"value": self.printed, "currency": "usd"},
            "line_item": f"{self.model}, {self.bucket}",
            "project_id": self.project_id,
            "api_key_id": self.api_key_id,
            "quantity": Decimal(self.tokens).scaleb(-3) if in_thousands else self.tokens,
            "quantity_unit": "1000_tokens" if in_thousands else "tokens",
        }


def cost_lines(tokens: pl.DataFrame) -> list[CostLine]:
    """One line a day, project, key, model and token bucket that was used."""
    return [
        CostLine(
            row["day_ms"],
            row["project_id"],
            row["api_key_id"],
            row["model"],
            bucket,
            row[BUCKETS[bucket]],
        )
        for row in tokens.iter_rows(named=True)
        for bucket in TOKEN_PRICES[row["model"]]
        if row[BUCKETS[bucket]]
    ]


def _completions(row: dict[str, int | str]) -> dict[str, object]:
    uncached, cached = int(row["uncached_tokens"]), int(row["cached_tokens"])
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": uncached + cached,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": 0,
        "input_uncached_tokens": uncached,
        "output_tokens": row["output_tokens"],
        "input_text_tokens": uncached,
        "output_text_tokens": row["output_tokens"],
        "input_cached_text_tokens": cached,
        "input_audio_tokens": 0,
        "input_cached_audio_tokens": 0,
        "output_audio_tokens": 0,
        "input_image_tokens": 0,
        "input_cached_image_tokens": 0,
        "output_image_tokens": 0,
        "num_model_requests": row["requests"],
        "project_id": row["project_id"],
        "user_id": None,
        "api_key_id": row["api_key_id"],
        "model": RESPONSE_NAME[str(row["model"])],
        "batch": False,
        "service_tier": "default",
    }


def _embeddings(row: dict[str, int | str]) -> dict[str, object]:
    return {
        "object": "organization.usage.embeddings.result",
        "input_tokens": row["uncached_tokens"],
        "num_model_requests": row["requests"],
        "project_id": row["project_id"],
        "user_id": None,
        "api_key_id": row["api_key_id"],
        "model": row["model"],
    }


def _pages(
    results: dict[int, list[dict[str, object]]], days: list[int], name: str
) -> Iterator[dict[str, object]]:
    for first in range(0, len(days), PAGE_BUCKETS):
        is_last = first + PAGE_BUCKETS >= len(days)
        yield {
            "object": "page",
            "data": [
                {
                    "object": "bucket",
                    "start_time": day // 1_000,
                    "end_time": (day + DAY) // 1_000,
                    "results": results.get(day, []),
                }
                for day in days[first : first + PAGE_BUCKETS]
            ],
            "has_more": not is_last,
            "next_page": None if is_last else "page_" + Draws(days[first]).hexadecimal(24, name),
        }


def _projects(ids: Sequence[str]) -> dict[str, object]:
    """What the organization calls its projects."""
    return {
        "object": "list",
        "data": [
            {
                "id": project_id,
                "object": "organization.project",
                "name": project_id.removeprefix("proj_larkspur_").capitalize(),
                "created_at": PROJECT_CREATED,
                "archived_at": None,
                "status": "active",
            }
            for project_id in ids
        ],
        "first_id": ids[0],
        "last_id": ids[-1],
        "has_more": False,
    }


def write_openai(
    tokens: pl.DataFrame,
    period: Period,
    folder: Path,
    projects: Collection[str] = tuple(PROJECTS.values()),
) -> None:
    """Response pages by billing period and time of fetch: costs, usage of both kinds, names."""
    results: dict[str, dict[int, list[dict[str, object]]]] = {
        "costs": {},
        "completions": {},
        "embeddings": {},
    }
    for line in cost_lines(tokens):
        results["costs"].setdefault(line.day_ms, []).append(line.result())
    for row in tokens.iter_rows(named=True):
        kind, make = (
            ("embeddings", _embeddings)
            if row["model"] == EMBEDDING
            else ("completions", _completions)
        )
        results[kind].setdefault(row["day_ms"], []).append(make(row))
    for month, days in months(period).items():
        fetched = folder / month / fetched_at(days, period)
        write_json(_projects(sorted(set(projects))), fetched / "projects-0001.json")
        for name, by_day in results.items():
            for number, page in enumerate(_pages(by_day, days, name), start=1):
                write_json(page, fetched / f"{name}-{number:04d}.json")


def months(period: Period) -> dict[str, list[int]]:
    """Days of each billing period, as milliseconds."""
    found: dict[str, list[int]] = {}
    for index in range(period.days):
        found.setdefault(month_of(period.day(index)), []).append(period.day(index))
    return found


def fetched_at(days: list[int], period: Period) -> str:
    """Six in the morning, two days after the month or one day after the period's last bucket."""
    moment = min(days[-1] + 3 * DAY, period.end) + 6 * HOUR
    return to_datetime(moment).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True)
class PodHour:
    """RunPod's charge for one pod in one hour."""

    pod_id: str
    hour: int
    billed_ms: int

    @property
    def amount(self) -> Decimal:
        return Decimal(self.billed_ms * RENTED_NANO_A_MS).scaleb(-9)


def pod_hours(nodes: list[Node]) -> list[PodHour]:
    hours = [
        PodHour(node.resource_id, hour, min(node.ends, hour + HOUR) - max(node.begins, hour))
        for node in nodes
        if node.purchase == "runpod"
        for hour in range(node.begins // HOUR * HOUR, node.ends, HOUR)
    ]
    return sorted(hours, key=lambda row: (row.hour, row.pod_id))


def _version_one(rows: list[PodHour]) -> object:
    return [
        {
            "time": iso(row.hour)[:19] + "Z",
            "amount": row.amount,
            "timeBilledMs": row.billed_ms,
            "podId": row.pod_id,
            "diskSpaceBilledGb": 200,
        }
        for row in rows
    ]


def _version_two(rows: list[PodHour], days: list[int]) -> object:
    """The newer API splits the amount and no longer says how long a pod was billed."""
    none, total = Decimal(0), sum((row.amount for row in rows), Decimal(0))
    window = {"startTime": iso(days[0])[:19] + "Z", "endTime": iso(days[-1] + DAY)[:19] + "Z"}
    totals = {"totalAmount": total, "gpuAmount": total, "cpuAmount": none, "diskAmount": none}
    return {
        "records": [
            {
                "podId": row.pod_id,
                "startTime": iso(row.hour)[:19] + "Z",
                "endTime": iso(row.hour + HOUR)[:19] + "Z",
                "totalAmount": row.amount,
                "gpuAmount": row.amount,
                "cpuAmount": none,
                "diskAmount": none,
            }
            for row in rows
        ],
        "metadata": {
            **window,
            "bucketSize": "hour",
            "recordCount": len(rows),
            "uniquePodCount": len({row.pod_id for row in rows}),
            "totals": totals,
        },
    }


def write_runpod(period: Period, draws: Draws, folder: Path) -> None:
    """Hourly records by pod: the first month as the v1 API answers, later ones as v2 does."""
    rows = pod_hours(fleet(period, draws))
    for number, (month, days) in enumerate(months(period).items()):
        mine = [row for row in rows if month_of(row.hour) == month]
        answer = _version_one(mine) if number == 0 else _version_two(mine, days)
        write_json(answer, folder / month / fetched_at(days, period) / "pods.json")
