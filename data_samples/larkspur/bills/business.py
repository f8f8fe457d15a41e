"""What Larkspur Desk knows of its business: who its customers are, what they pay, what counts.

A customer changes its plan in the middle of October, one pays in euros, one is on trial and pays
nothing; a feature has another owner from 20 October on. Some replies were judged by a second model.
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from larkspur.calls.episodes import TARGET_MS, WORTH
from larkspur.calls.requests import SUMMARY, TRANSCRIPTS
from larkspur.company import (
    CUSTOMERS,
    FEATURE_TEAMS,
    SAMPLE_ATTEMPTS,
    SECOND,
    Period,
    iso,
    month_of,
)
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.traffic import traffic
from larkspur.writing import write_rows

FOLDERS = ("business",)

Rows = list[tuple[object, ...]]
_PRICES = {"enterprise": Decimal(4_900), "growth": Decimal(890), "starter": Decimal("149.50")}
_REGIONS = ("eu", "us", "us", "apac")
_MOVED, _MOVED_ON, _IN_EUROS, _ON_TRIAL = "cust-007", date(2026, 10, 16), "cust-004", "cust-040"
_OWNERS = {
    "assist": ("m.okafor", "CC-210"),
    "knowledge": ("j.lindqvist", "CC-220"),
    "platform": ("r.banerjee", "CC-100"),
}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    tables: dict[str, tuple[tuple[str, ...], Rows]] = {
        "customers": (
            ("customer_id", "customer_name", "plan", "segment", "region", "valid_from", "valid_to"),
            _customers(),
        ),
        "revenue": (
            ("customer_id", "product", "plan", "revenue_from", "revenue_to", "currency", "amount"),
            _revenue(period),
        ),
        "operation_values": (("feature", "workflow", "currency", "value"), _values()),
        "service_levels": (("feature", "model", "measure", "target_ms", "objective"), _levels()),
        "evaluations": (
            ("evaluated_at", "evaluator", "inference_id", "score", "is_passed"),
            _evaluations(period, draws),
        ),
        "owners": (
            ("entity", "entity_value", "owner", "cost_center", "valid_from", "valid_to"),
            _owners(),
        ),
    }
    for name, (columns, rows) in tables.items():
        write_rows(columns, rows, out / "business" / f"{name}.csv")
    delivered = sum(len(rows) for _, rows in tables.values())
    return [
        Total(
            "business", "", delivered, None, None,
            billing_currency="", connector="business", location="business",
        )
    ]  # fmt: skip


def _plan(rank: int) -> str:
    return "enterprise" if rank < 6 else "growth" if rank < 20 else "starter"


def _customers() -> Rows:
    rows: Rows = []
    for rank, customer in enumerate(CUSTOMERS):
        who = (customer, f"Customer {rank + 1:03d}")
        segment, region = "large" if rank < 6 else "small", _REGIONS[rank % 4]
        if customer == _MOVED:
            rows.append((*who, "starter", segment, region, "", _MOVED_ON))
            rows.append((*who, _plan(rank), segment, region, _MOVED_ON, ""))
        else:
            plan = "trial" if customer == _ON_TRIAL else _plan(rank)
            rows.append((*who, plan, segment, region, "", ""))
    return rows


def _revenue(period: Period) -> Rows:
    rows: Rows = []
    for month in sorted({month_of(period.day(index)) for index in range(period.days)}):
        first = date.fromisoformat(f"{month}-01")
        end = (first + timedelta(days=32)).replace(day=1)
        for rank, customer in enumerate(CUSTOMERS):
            if customer == _ON_TRIAL:
                continue
            currency = "EUR" if customer == _IN_EUROS else "USD"
            for plan, begins, ends in _plans(customer, rank, first, end):
                share = Decimal((ends - begins).days) / Decimal((end - first).days)
                amount = (_PRICES[plan] * share).quantize(Decimal("0.01"))
                rows.append((customer, "desk", plan, begins, ends, currency, amount))
    return rows


def _plans(customer: str, rank: int, first: date, end: date) -> list[tuple[str, date, date]]:
    if customer == _MOVED and first <= _MOVED_ON < end:
        return [("starter", first, _MOVED_ON), (_plan(rank), _MOVED_ON, end)]
    return [(_plan(rank), first, end)]


def _values() -> Rows:
    """What a successful answer is worth; a translation of a ticket that escalates is worth more."""
    return [
        ("ticket-reply", "", "USD", "0.18"),
        ("agent-assist", "", "USD", "0.09"),
        ("agent-assist", "escalate_ticket", "USD", "0.75"),
        ("article-search", "", "USD", "0.035"),
        ("ticket-triage", "", "USD", "0.0125"),
        (TRANSCRIPTS, "", "USD", f"{WORTH}"),
    ]


def _levels() -> Rows:
    return [
        ("ticket-reply", "", "duration", 20_000, "0.95"),
        ("ticket-triage", "", "duration", 5_000, "0.99"),
        ("", "llama-3.3-70b-instruct", "time_to_first_token", 1_500, "0.95"),
        ("", "llama-3.1-8b-instruct", "time_to_first_token", 400, "0.99"),
        (TRANSCRIPTS, "", "time_to_first_token", TARGET_MS, "0.95"),
    ]


def _evaluations(period: Period, draws: Draws) -> Rows:
    """One in twelve answered drafts, judged within minutes."""
    frame = pl.concat(traffic(SAMPLE_ATTEMPTS, period.days, draws.seed))
    answered = frame.filter(
        (pl.col("workflow") == "draft_reply")
        & (pl.col("outcome") == "ok")
        & pl.col("is_traced")
        & (draws.below(pl.col("attempt"), "judged", 12) == 0)
    )
    rows: Rows = []
    for row in answered.sort("ended_ms", "attempt").iter_rows(named=True):
        lot = draws.number("score", row["operation_id"])
        score = Decimal(40 + lot % 61) / 100
        judged_ms = row["ended_ms"] + (5 + lot % 400) * SECOND
        passed = str(score >= Decimal("0.6")).lower()
        rows.append((iso(judged_ms), "reply-judge-2", row["operation_id"], score, passed))
    return sorted(rows, key=lambda row: (str(row[0]), str(row[2])))


def _owners() -> Rows:
    rows: Rows = [("team", team, *who, "", "") for team, who in _OWNERS.items()]
    for feature, team in FEATURE_TEAMS.items():
        if feature == "insights-report":
            moved = date(2026, 10, 20)
            rows.append(("feature", feature, *_OWNERS[team], "", moved))
            rows.append(("feature", feature, *_OWNERS["assist"], moved, ""))
        else:
            rows.append(("feature", feature, *_OWNERS[team], "", ""))
    rows += [("feature", name, *_OWNERS["assist"], "", "") for name in (SUMMARY, TRANSCRIPTS)]
    rows.append(("pool", "calls-gpu", *_OWNERS["assist"], "", ""))
    rows.append(("pool", "chat-gpu", *_OWNERS["platform"], "", ""))
    rows.append(("pool", "light-gpu", *_OWNERS["platform"], "", ""))
    return rows
