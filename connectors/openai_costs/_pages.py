"""Read pages: `{data: [{start_time, end_time, results: […]}, …], has_more, next_page}`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._http import page_content, read_json
from models.errors import ContractError

COSTS = "costs"
TOKEN_ENDPOINTS = ("completions", "embeddings", "moderations")
# Landed, but not in tokens: they are of use to whoever asks the raw delivery.
OTHER_ENDPOINTS = (
    "images", "audio_speeches", "audio_transcriptions", "vector_stores",
    "code_interpreter_sessions", "web_search_calls", "file_search_calls", "decisions",
)  # fmt: skip

_COST_TEXTS = ("line_item", "project_id", "api_key_id", "quantity", "quantity_unit")
_USAGE_TEXTS = ("project_id", "api_key_id", "model", "batch", "service_tier")
USAGE_COUNTS = (
    "input_tokens", "input_uncached_tokens", "input_cached_tokens", "input_cache_write_tokens",
    "input_cache_write_30m_tokens", "input_cache_write_12h_tokens", "input_audio_tokens",
    "output_tokens", "output_audio_tokens", "num_model_requests",
)  # fmt: skip


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the inputs `costs` and `usage`: one row a result, numbers as the vendor's text."""
    connection.execute("create temp table pages (x_file varchar, endpoint varchar, data varchar)")
    for file, page in _pages(folder, files).items():
        row = (file, _endpoint(file), json.dumps(page["data"]))
        connection.execute("insert into pages values (?, ?, ?)", row)
    cost = dict.fromkeys(_COST_TEXTS, "VARCHAR")
    amount = {"amount": {"value": "VARCHAR", "currency": "VARCHAR"}}
    usage = dict.fromkeys((*_USAGE_TEXTS, *USAGE_COUNTS), "VARCHAR")
    _unnest(connection, "cost_results", {**cost, **amount}, (COSTS,))
    _unnest(connection, "usage_results", usage, TOKEN_ENDPOINTS)
    return {
        COSTS: (
            f"select {_COLUMNS}, result.amount.value as amount_value, "
            "result.amount.currency as amount_currency, "
            f"{_fields(_COST_TEXTS)} from cost_results"
        ),
        "usage": f"select {_COLUMNS}, {_fields((*_USAGE_TEXTS, *USAGE_COUNTS))} from usage_results",
    }


_COLUMNS = "x_file, x_row, endpoint, start_time, end_time"


def _fields(names: Sequence[str]) -> str:
    return ", ".join(f"result.{name} as {name}" for name in names)


def _unnest(
    connection: DuckDBPyConnection, table: str, result: dict[str, Any], endpoints: Sequence[str]
) -> None:
    """Create a table of results in the order of the pages."""
    structure = [{"start_time": "VARCHAR", "end_time": "VARCHAR", "results": [result]}]
    connection.execute(
        f"""
        create temp table {table} as
        with buckets as (
            select
                x_file,
                endpoint,
                unnest(from_json(data, '{json.dumps(structure)}')) as bucket,
                generate_subscripts(from_json(data, '["JSON"]'), 1) as bucket_number
            from pages
            where endpoint in (select unnest(?))
        ),
        results as (
            select
                x_file,
                endpoint,
                bucket.start_time as start_time,
                bucket.end_time as end_time,
                bucket_number,
                unnest(bucket.results) as result,
                generate_subscripts(bucket.results, 1) as result_number
            from buckets
        )
        select
            row_number() over (
                partition by x_file order by bucket_number, result_number
            ) as x_row,
            * exclude (bucket_number, result_number)
        from results
        order by x_file, x_row
        """,
        [list(endpoints)],
    )


def check_period(folder: Path, period: str) -> None:
    """Refuse buckets of another month: they would be counted in two slots."""
    files = sorted(path.name for path in folder.glob("*.json"))
    for file, page in _pages(folder, files).items():
        for bucket in page["data"]:
            found = datetime.fromtimestamp(int(bucket["start_time"]), UTC).strftime("%Y-%m")
            if found != period:
                raise ContractError(f"{file} has a bucket of {found}; it belongs to {period} alone")


def _pages(folder: Path, files: Sequence[str]) -> dict[str, Any]:
    """Return the pages by file: complete, and each bucket once."""
    pages = {file: page_content(read_json(folder, file), file) for file in sorted(files)}
    if not any(_endpoint(file) == COSTS for file in pages):
        raise ContractError(f"costs-0001.json is missing; found {', '.join(pages) or 'nothing'}")
    seen: dict[tuple[str, str], str] = {}
    for file, page in pages.items():
        for bucket in page["data"]:
            _check_bucket(bucket, file)
            first = seen.setdefault((_endpoint(file), bucket["start_time"]), file)
            if first != file:
                raise ContractError(f"{first} and {file} have the same bucket: a page came twice")
    for endpoint in {_endpoint(file) for file in pages}:
        _check_last(endpoint, pages)
    return pages


def _endpoint(file: str) -> str:
    endpoint = file.rpartition("-")[0]
    allowed = (COSTS, *TOKEN_ENDPOINTS, *OTHER_ENDPOINTS)
    if endpoint not in allowed:
        raise ContractError(f"{file} is not <endpoint>-0001.json; allowed: {', '.join(allowed)}")
    return endpoint


def _check_bucket(bucket: Any, file: str) -> None:
    is_bucket = isinstance(bucket, dict) and isinstance(bucket.get("results"), list)
    if not is_bucket or not str(bucket.get("start_time", "")).isdigit():
        raise ContractError(f"{file} has a bucket without start_time or the list 'results'")


def _check_last(endpoint: str, pages: dict[str, Any]) -> None:
    """A last page that says has_more was followed by one that is not here."""
    last = max(file for file in pages if _endpoint(file) == endpoint)
    if pages[last].get("has_more") and pages[last]["data"]:
        raise ContractError(f"{last} says has_more, but the next page is not there")
