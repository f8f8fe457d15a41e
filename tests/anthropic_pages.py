"""Anthropic's answers, as it prints them: analytics rows, legacy buckets, and pages of them."""

import json
from typing import Any

from saved_pages import SavedPages

from connectors.anthropic_costs import CONNECTOR

COUNTS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")


def times(day: int) -> dict[str, str]:
    following = f"2026-10-{day + 1:02d}" if day < 31 else "2026-11-01"
    return {"starting_at": f"2026-10-{day:02d}T00:00:00Z", "ending_at": f"{following}T00:00:00Z"}


def cost_row(
    amount: str,
    list_amount: str | None = None,
    cost_type: str | None = "tokens",
    token_type: str | None = "output_tokens",
    day: int = 1,
    **group: str | None,
) -> dict[str, Any]:
    """One row of analytics/cost."""
    return {
        **times(day),
        "cost": {"amount": amount, "list_amount": list_amount or amount, "currency": "USD",
                 "requests": None},
        "group": {"model": "claude-opus-5-5", **group, "cost_type": cost_type,
                  "token_type": token_type},
    }  # fmt: skip


def usage_row(
    day: int = 1, short: int = 0, long: int = 0, searches: int = 0, requests: int = 1, **fields: Any
) -> dict[str, Any]:
    """One row of analytics/usage; fields are counts, or of the group."""
    counts = {name: fields.pop(name, 0) for name in COUNTS}
    return {
        **times(day),
        "usage": {
            **counts,
            "cache_creation": {
                "ephemeral_5m_input_tokens": short,
                "ephemeral_1h_input_tokens": long,
            },
            "total_tokens": sum(counts.values()) + short + long,
            "requests": requests,
            "server_tool_use": {"web_search_requests": searches},
        },
        "group": {"model": "claude-opus-5-5", **fields},
    }


def legacy_cost(amount: str, **fields: Any) -> dict[str, Any]:
    """One result of cost_report."""
    return {
        "amount": amount, "currency": "USD", "cost_type": "tokens", "description": "Some tokens",
        "model": "claude-haiku-4-5", "service_tier": "standard", "token_type": "output_tokens",
        "context_window": "0-200k", "inference_geo": "not_available", "workspace_id": None,
    } | fields  # fmt: skip


def legacy_usage(**fields: Any) -> dict[str, Any]:
    """One result of usage_report/messages."""
    return {
        "account_id": None, "api_key_id": None, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "context_window": "0-200k", "inference_geo": "not_available", "model": "claude-haiku-4-5",
        "output_tokens": 0, "server_tool_use": {"web_search_requests": 0},
        "service_account_id": None, "service_tier": "standard", "uncached_input_tokens": 0,
        "workspace_id": None,
    } | fields  # fmt: skip


def bucket(*results: dict[str, Any], day: int = 1) -> dict[str, Any]:
    return {**times(day), "results": list(results)}


def page(*rows: dict[str, Any], **more: Any) -> str:
    return json.dumps({"data": list(rows), "has_more": False, "next_page": None} | more)


class Saved(SavedPages):
    """Pages of Anthropic's."""

    connector = CONNECTOR
