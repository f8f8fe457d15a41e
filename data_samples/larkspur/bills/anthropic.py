"""Anthropic's answers: analytics for one organization, the legacy reports for another.

What they used is told in `larkspur/anthropic_use.py`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from larkspur.anthropic_use import (
    CACHED,
    EVALUATION,
    HAIKU,
    INPUT,
    LABS,
    LONG,
    OPUS,
    OUTPUT,
    SHORT,
    Use,
    legacy_uses,
    uses,
)
from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("anthropic", "anthropic_legacy")

TAX = Decimal("0.0825")  # on the invoice only: the API is net of tax
SEARCH_CENTS, SECOND_CENTS = Decimal(1), Decimal("0.0013888889")
CONTRACT = {OPUS: Decimal("0.9"), HAIKU: Decimal(1)}  # a tenth off, agreed for the large model


@dataclass(frozen=True)
class Fetch:
    """When somebody asked, which days the answer has, and until when it is complete."""

    at: str
    days: list[date]
    refreshed_at: str
    limit: int  # rows a page

    @property
    def month(self) -> str:
        return f"{self.days[0]:%Y-%m}"


def _fetches(period: Period) -> list[Fetch]:
    days = period.dates()
    october = [day for day in days if day.month == 10]
    november = [day for day in days if day.month == 11]
    fetches = [
        Fetch("20261016T060000Z", october[:15], "2026-10-15T20:00:00Z", 25),
        Fetch("20261104T060000Z", october, "2026-11-03T21:00:00Z", 25),
        Fetch("20261104T060000Z", november, "2026-11-03T21:00:00Z", 60),
    ]
    return [fetch for fetch in fetches if fetch.days]


# --- analytics ------------------------------------------------------------------------------------


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _times(day: date) -> dict[str, str]:
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
    }


def _costs(use: Use) -> Iterator[tuple[str, str | None, Decimal, Decimal]]:
    """Cost type, token type, list amount and amount, in cents."""
    for token_type in use.tokens:
        assert use.model
        amount = use.cents(token_type)
        yield "tokens", token_type, amount, amount * CONTRACT[use.model]
    if use.searches:
        yield "web_search", None, use.searches * SEARCH_CENTS, use.searches * SEARCH_CENTS
    if use.seconds:
        yield "code_execution", None, use.seconds * SECOND_CENTS, use.seconds * SECOND_CENTS


def _cost_rows(use: Use) -> Iterator[tuple[Decimal, dict[str, object]]]:
    for cost_type, token_type, listed, amount in _costs(use):
        group = {**use.group, "cost_type": cost_type, "token_type": token_type}
        cost = {
            "amount": _text(amount),
            "list_amount": _text(listed),
            "currency": "USD",
            "requests": None,
        }
        yield amount, {**_times(use.day), "cost": cost, "group": group}


def _usage_row(use: Use) -> dict[str, object]:
    usage = {
        "uncached_input_tokens": use.tokens.get(INPUT, 0),
        "cache_read_input_tokens": use.tokens.get(CACHED, 0),
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.tokens.get(SHORT, 0),
            "ephemeral_1h_input_tokens": use.tokens.get(LONG, 0),
        },
        "output_tokens": use.tokens.get(OUTPUT, 0),
        "total_tokens": sum(use.tokens.values()),
        "requests": use.requests,
        "server_tool_use": {"web_search_requests": use.searches},
    }
    return {**_times(use.day), "usage": usage, "group": use.group}


def _write_pages(
    name: str, rows: list[object], per_page: int, more: dict[str, object], folder: Path
) -> None:
    for number, first in enumerate(range(0, max(len(rows), 1), per_page), start=1):
        is_last = first + per_page >= len(rows)
        page = {
            "data": rows[first : first + per_page],
            "has_more": not is_last,
            "next_page": None if is_last else f"page_{name}_{number}",
            **more,
        }
        write_text(json.dumps(page, separators=(",", ":")), folder / f"{name}-{number:04d}.json")


def _write_workspaces(names: dict[str, str], folder: Path) -> None:
    rows = [
        {
            "id": key,
            "type": "workspace",
            "name": name,
            "created_at": "2026-02-03T09:00:00Z",
            "archived_at": None,
            "display_color": "#6C5BB9",
        }
        for key, name in names.items()
    ]
    page = {
        "data": rows,
        "first_id": rows[0]["id"],
        "last_id": rows[-1]["id"],
        "has_more": False,
    }
    write_text(json.dumps(page, separators=(",", ":")), folder / "workspaces-0001.json")


def _write_analytics(period: Period, draws: Draws, out: Path) -> list[Total]:
    totals: dict[str, Total] = {}
    for fetch in _fetches(period):
        folder = out / "anthropic" / fetch.month / fetch.at
        used = [use for day in fetch.days for use in uses(day, fetch.at, draws)]
        costs = [row for use in used for row in _cost_rows(use)]
        mark: dict[str, object] = {"data_refreshed_at": fetch.refreshed_at}
        _write_pages("cost", [row for _, row in costs], fetch.limit, mark, folder)
        _write_pages("usage", [_usage_row(use) for use in used], fetch.limit, mark, folder)
        _write_workspaces({EVALUATION: "Evaluation"}, folder)
        cents = sum((amount for amount, _ in costs), Decimal(0))
        totals[fetch.month] = _total("anthropic", fetch.month, len(costs), cents)
    return list(totals.values())


def _total(source: str, month: str, rows: int, cents: Decimal) -> Total:
    cost = cents.scaleb(-2)
    tax = (cost * TAX).quantize(Decimal("0.01"))
    return Total(
        source, month, rows, cost, cost + tax, tax, connector="anthropic_costs", location=source
    )


# --- legacy ---------------------------------------------------------------------------------------

LEGACY_NAMES = {INPUT: "Input Tokens", OUTPUT: "Output Tokens"}


def _legacy_cost(use: Use, token_type: str) -> dict[str, object]:
    return {
        "amount": _text(use.cents(token_type)),
        "currency": "USD",
        "cost_type": "tokens",
        "description": f"Claude Haiku 4.5 Usage - {LEGACY_NAMES[token_type]}",
        "model": use.model,
        "service_tier": use.tier,
        "token_type": token_type,
        "context_window": use.context,
        "inference_geo": "not_available",
        "workspace_id": use.workspace,
    }


def _code_execution(cents: Decimal) -> dict[str, object]:
    nothing = ("model", "service_tier", "token_type", "context_window", "inference_geo")
    return {
        "amount": _text(cents),
        "currency": "USD",
        "cost_type": "code_execution",
        "description": "Code Execution Usage",
        **dict.fromkeys(nothing),
        "workspace_id": None,
    }


def _legacy_usage(use: Use) -> dict[str, object]:
    return {
        "account_id": None,
        "api_key_id": use.key,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "cache_read_input_tokens": 0,
        "context_window": use.context,
        "inference_geo": "not_available",
        "model": use.model,
        "output_tokens": use.tokens[OUTPUT],
        "server_tool_use": {"web_search_requests": 0},
        "service_account_id": None,
        "service_tier": use.tier,
        "uncached_input_tokens": use.tokens[INPUT],
        "workspace_id": use.workspace,
    }


def _write_legacy(period: Period, draws: Draws, out: Path) -> list[Total]:
    totals: dict[str, Total] = {}
    for fetch in _fetches(period)[1:]:
        folder = out / "anthropic_legacy" / fetch.month / fetch.at
        costs, usages, amounts = [], [], []
        for day in fetch.days:
            used = legacy_uses(day, draws)
            server, jobs = used[0], used[1]
            both = {name: server.tokens[name] + jobs.tokens[name] for name in LEGACY_NAMES}
            billed = Use(day, LABS, HAIKU, None, "standard", "0-200k", both)
            code = Decimal(draws.number("legacy code", day) % 400) / 10
            amounts += [*(billed.cents(name) for name in LEGACY_NAMES), code]
            results = [_legacy_cost(billed, name) for name in LEGACY_NAMES]
            results.append(_code_execution(code))
            costs.append({**_times(day), "results": results})
            usages.append({**_times(day), "results": [_legacy_usage(use) for use in used]})
        _write_pages("cost_report", list(costs), 7, {}, folder)
        _write_pages("messages", list(usages), 7, {}, folder)
        _write_workspaces({LABS: "Labs"}, folder)
        cents = sum(amounts, Decimal(0))
        totals[fetch.month] = _total("anthropic_legacy", fetch.month, len(amounts), cents)
    return list(totals.values())


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the answers to both organizations; returns what their last ones add up to."""
    return _write_analytics(period, draws, out) + _write_legacy(period, draws, out)
