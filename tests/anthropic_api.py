"""Anthropic's API as a server on the loopback plays it, and a lake that it is landed in."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from anthropic_pages import legacy_cost, legacy_usage
from api_server import Answer, Asked

from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.anthropic_costs import CONNECTOR

KEY = "sk-ant-admin01-nobody-may-see-this"
OCTOBER = Window("2026-10", "2026-10")
ANALYTICS, LEGACY = ["cost", "usage"], ["cost_report", "messages"]


def refusal(status: int, code: str = "invalid_request_error") -> Answer:
    error = {"type": "error", "error": {"type": code, "message": "not for you"}}
    return status, {}, json.dumps(error).encode()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class FakeAnthropic:
    """A row a day on each endpoint; `fault` may answer instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Asked]] = []
        self.fault: Callable[[str, Asked], Answer | None] = lambda endpoint, asked: None
        self.amount = "25.5"
        self.refreshed_at = "2026-11-20T08:00:00Z"
        self.page_rows = 1_000

    def answer(self, asked: Asked) -> Answer:
        endpoint = asked.path.rpartition("/")[2]
        self.asked.append((endpoint, asked))
        if KEY not in (asked.headers.get("x-api-key"), asked.headers.get("authorization", "")[7:]):
            return refusal(401, "authentication_error")
        if answer := self.fault(endpoint, asked):
            return answer
        if endpoint == "workspaces":
            names = [{"id": "wrkspc_1", "name": "Evaluation"}]
            return 200, {}, json.dumps({"data": names, "has_more": False}).encode()
        return 200, {}, json.dumps(self.page(endpoint, asked)).encode()

    def page(self, endpoint: str, asked: Asked) -> dict[str, Any]:
        first = int(asked.query.get("page", ["page_0"])[0].removeprefix("page_"))
        rows = [self.row(endpoint, day, asked) for day in self.days(asked)]
        limit = min(self.page_rows, int(asked.query["limit"][0]))
        more = first + limit < len(rows)
        page = {
            "data": rows[first : first + limit],
            "has_more": more,
            # Stray after the last page: has_more decides.
            "next_page": f"page_{first + limit}",
        }
        return page | ({"data_refreshed_at": self.refreshed_at} if endpoint in ANALYTICS else {})

    def days(self, asked: Asked) -> list[datetime]:
        start, end = (instant(asked.query[name][0]) for name in ("starting_at", "ending_at"))
        assert timedelta(0) < end - start <= timedelta(days=31)
        return [start + timedelta(days=number) for number in range((end - start).days)]

    def row(self, endpoint: str, day: datetime, asked: Asked) -> dict[str, Any]:
        period = {
            "starting_at": f"{day:%Y-%m-%dT%H:%M:%SZ}",
            "ending_at": f"{day + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        if endpoint == "cost_report":
            return {**period, "results": [legacy_cost(self.amount)]}
        if endpoint == "messages":
            return {**period, "results": [legacy_usage(output_tokens=5)]}
        values = {"workspace_id": "wrkspc_1", "model": "claude-opus-5-5", "api_key_id": "apikey_1",
                  "service_tier": "standard", "context_window": "0-200k", "cost_type": "tokens",
                  "token_type": "output_tokens"}  # fmt: skip
        group = {name: values[name] for name in asked.query.get("group_by[]", [])}
        if endpoint == "cost":
            cost = {"amount": self.amount, "list_amount": self.amount, "currency": "USD"}
            return {**period, "cost": cost, "group": group}
        counts = {"uncached_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 10}
        return {**period, "usage": counts | {"total_tokens": 10, "requests": 2}, "group": group}

    def endpoints(self) -> list[str]:
        return [endpoint for endpoint, _ in self.asked]

    def groups(self, endpoint: str) -> list[list[str]]:
        return [asked.query["group_by[]"] for name, asked in self.asked if name == endpoint]


class Live:
    def __init__(self, root: Path, api: FakeAnthropic, url: str) -> None:
        self.api, self.root, self.lake = api, root, Lake(root)
        self.url = url
        self.source = self.with_options()

    def with_options(self, **options: Any) -> Source:
        return Source("anthropic", self.url, CONNECTOR.options(**options))

    def land(self, window: Window = OCTOBER) -> LandReport:
        return self.lake.land(self.source, CONNECTOR, window)

    def charges(self) -> pl.DataFrame:
        assert normalize(self.lake, self.source, CONNECTOR) == {}
        rows = self.lake.index().filter(table="charges", status="current")
        return pl.read_parquet([self.root / file for file in rows["file"]])
