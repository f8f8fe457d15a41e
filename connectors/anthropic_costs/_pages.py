"""Read pages of either kind as the same rows.

Analytics: `{data: [{starting_at, ending_at, cost | usage, group}], has_more, next_page,
data_refreshed_at}`. Legacy: `{data: [{starting_at, ending_at, results: [row]}], has_more, …}`.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from duckdb import DuckDBPyConnection

from connectors._http import Paging, endpoint_of, read_pages
from connectors._sql import quoted
from models.errors import ContractError

ANALYTICS = ("cost", "usage")
LEGACY = ("cost_report", "messages")
COSTS = ("cost", "cost_report")
USAGE = ("usage", "messages")
WORKSPACES = "workspaces"
PAGINGS = {
    **dict.fromkeys((*ANALYTICS, *LEGACY), Paging()),
    WORKSPACES: Paging(cursor="after_id", token="last_id"),
}

# Not actor, which is no text; nor rbac_group_id, whose rows overlap; nor claude_tag_user_id.
Dimension = Literal[
    "workspace_id", "model", "api_key_id", "service_tier", "context_window", "inference_geo",
    "speed", "product", "organization_id", "actor_type", "agent_id", "session_id",
    "deployment_id", "environment_id", "user_profile_id", "slack_channel_id",
    "claude_tag_category",
]  # fmt: skip
DIMENSIONS: tuple[str, ...] = get_args(Dimension)
_PERIOD = ("starting_at", "ending_at")
_COST = ("amount", "list_amount", "currency", "cost_type", "token_type", "description",
         "data_refreshed_at")  # fmt: skip
USAGE_COUNTS = (
    "uncached_input_tokens", "cache_read_input_tokens", "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens", "output_tokens", "web_search_requests", "requests",
)  # fmt: skip


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the inputs `costs`, `usage` and `workspaces`: numbers as the vendor's text."""
    pages = _pages(folder, files)
    _create(connection, "read_costs", pages, COSTS, (*_PERIOD, *_COST, *DIMENSIONS))
    _create(connection, "read_usage", pages, USAGE, (*_PERIOD, *USAGE_COUNTS, *DIMENSIONS))
    _create(connection, "read_workspaces", pages, (WORKSPACES,), ("id", "name"))
    _check_twice(connection, "read_costs", ("description", "cost_type", "token_type"))
    _check_twice(connection, "read_usage", ())
    return {name: f"select * from read_{name}" for name in ("costs", "usage", "workspaces")}


def check(folder: Path, period: str) -> str | None:
    """Refuse rows of another month: they would be counted in two slots.

    Return until when the answers are complete by the vendor's own word: the earliest of all.
    """
    marks: set[datetime | None] = set()
    for file, page in _pages(folder, [path.name for path in folder.glob("*.json")]).items():
        endpoint = endpoint_of(file, PAGINGS)
        for row in [] if endpoint == WORKSPACES else page["data"]:
            found = str(row.get("starting_at"))[:7]
            if found != period:
                raise ContractError(f"{file} has a row of {found}; it belongs to {period} alone")
        if endpoint in ANALYTICS:
            marks.add(_mark(page, file))
    known = [mark for mark in marks if mark]
    return min(known).isoformat() if known and None not in marks else None


def _mark(page: Any, file: str) -> datetime | None:
    text = page.get("data_refreshed_at")
    if text is None:
        return None
    try:
        mark = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        mark = None
    if mark is None or mark.tzinfo is None:
        raise ContractError(f"{file} has data_refreshed_at {text!r}: not a time with a zone")
    return mark.astimezone(UTC)


def _pages(folder: Path, files: Sequence[str]) -> dict[str, Any]:
    pages = read_pages(folder, files, PAGINGS)
    found = {endpoint_of(file, PAGINGS) for file in pages}
    if not found & set(COSTS):
        raise ContractError(
            f"cost-0001.json or cost_report-0001.json is missing; found {', '.join(pages) or '-'}"
        )
    if found & set(ANALYTICS) and found & set(LEGACY):
        raise ContractError(
            f"{', '.join(sorted(found - {WORKSPACES}))} are of the analytics and of the legacy "
            "reports, which overlap; keep one kind"
        )
    for file, page in pages.items():
        for number, record in enumerate(page["data"], start=1):
            if not isinstance(record, dict):
                raise ContractError(f"{file}, row {number}: {str(record)[:40]} is not an object")
    return pages


def _create(
    connection: DuckDBPyConnection,
    table: str,
    pages: dict[str, Any],
    endpoints: Sequence[str],
    columns: Sequence[str],
) -> None:
    """Create a table with one row a record, in the order of the pages."""
    connection.execute(f"create temp table {table}_pages (x_file varchar, data varchar)")
    for file, page in pages.items():
        if endpoint_of(file, PAGINGS) in endpoints:
            rows = [
                {"x_row": number, **{name: row.get(name) for name in columns}}
                for number, row in enumerate(_rows(file, page), start=1)
            ]
            connection.execute(f"insert into {table}_pages values (?, ?)", [file, json.dumps(rows)])
    structure = {"x_row": "BIGINT", **dict.fromkeys(columns, "VARCHAR")}
    connection.execute(f"""
        create temp table {table} as
        with unnested as (
            select x_file, unnest(from_json(data, {quoted(json.dumps([structure]))})) as record
            from {table}_pages
        )

        select x_file, record.* from unnested order by x_file, record.x_row
    """)


def _rows(file: str, page: Any) -> Iterator[dict[str, Any]]:
    """Yield flat rows of a page of any kind."""
    for number, record in enumerate(page["data"], start=1):
        if "results" in record:
            period = {name: record.get(name) for name in _PERIOD}
            for result in record["results"] or []:
                yield period | _flat(result)
        else:
            mark = {"data_refreshed_at": page.get("data_refreshed_at")}
            row = mark | _flat({**record, **record.get("group", {}), **record.get("cost", {})})
            _check_total(row, file, number)
            yield row


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    usage = record.get("usage") or record
    nested = (usage.get("cache_creation") or {}) | (usage.get("server_tool_use") or {})
    return {**record, **usage, **nested}


def _check_total(row: dict[str, Any], file: str, number: int) -> None:
    """The token types are disjoint: together they are the total, where one is stated."""
    tokens = [row.get(name) for name in USAGE_COUNTS if name.endswith("_tokens")]
    total = row.get("total_tokens")
    if total is not None and int(total) != sum(int(count or 0) for count in tokens):
        raise ContractError(
            f"{file}, row {number}: total_tokens is {total}, but its token types add up to "
            f"{sum(int(count or 0) for count in tokens)}"
        )


def _check_twice(connection: DuckDBPyConnection, table: str, more: Sequence[str]) -> None:
    keys = ", ".join(("starting_at", *DIMENSIONS, *more))
    twice = connection.execute(
        f"select min(x_file), max(x_file) from {table} group by {keys} "
        "having count(distinct x_file) > 1 order by all limit 1"
    ).fetchone()
    if twice:
        raise ContractError(f"{twice[0]} and {twice[1]} have the same row: a page came twice")
