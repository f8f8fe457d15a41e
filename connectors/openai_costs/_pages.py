"""Read pages: `{data: [{start_time, end_time, results: […]}, …], has_more, next_page}`."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._http import Paging, endpoint_of, read_pages
from models.errors import ContractError

COSTS = "costs"
PROJECTS = "projects"
TOKEN_ENDPOINTS = ("completions", "decisions", "embeddings", "moderations")
# Landed, but not in tokens: they are of use to whoever asks the raw delivery.
OTHER_ENDPOINTS = (
    "images", "audio_speeches", "audio_transcriptions", "vector_stores",
    "code_interpreter_sessions", "web_search_calls", "file_search_calls",
)  # fmt: skip
PAGINGS = {
    **dict.fromkeys((COSTS, *TOKEN_ENDPOINTS, *OTHER_ENDPOINTS), Paging()),
    PROJECTS: Paging(cursor="after", token="last_id"),
}

_COST_TEXTS = ("line_item", "project_id", "api_key_id", "quantity", "quantity_unit")
_USAGE_TEXTS = ("project_id", "api_key_id", "model", "batch", "service_tier")
USAGE_COUNTS = (
    "input_tokens", "input_uncached_tokens", "input_cached_tokens", "input_cache_write_tokens",
    "input_cache_write_30m_tokens", "input_cache_write_12h_tokens", "input_audio_tokens",
    "output_tokens", "output_audio_tokens", "num_model_requests",
)  # fmt: skip


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the inputs `costs`, `usage` and `projects`: numbers as the vendor's text."""
    pages = _pages(folder, files)
    _name_projects(connection, pages)
    cost = {
        **dict.fromkeys(_COST_TEXTS, "VARCHAR"),
        "amount": {"value": "VARCHAR", "currency": "VARCHAR"},
    }
    usage = dict.fromkeys((*_USAGE_TEXTS, *USAGE_COUNTS), "VARCHAR")
    _unnest(connection, "cost_results", cost, pages, (COSTS,))
    _unnest(connection, "usage_results", usage, pages, TOKEN_ENDPOINTS)
    return {
        COSTS: (
            "select * exclude (result), result.* exclude (amount), "
            "result.amount.value as amount_value, result.amount.currency as amount_currency "
            "from cost_results"
        ),
        "usage": "select * exclude (result), result.* from usage_results",
        PROJECTS: "select * from project_names",
    }


def _name_projects(connection: DuckDBPyConnection, pages: dict[str, Any]) -> None:
    connection.execute(
        "create temp table project_names (id varchar, name varchar, x_file varchar, x_row bigint)"
    )
    for file, page in pages.items():
        for number, project in enumerate(
            page["data"] if endpoint_of(file, PAGINGS) == PROJECTS else (), start=1
        ):
            connection.execute(
                "insert into project_names values (?, ?, ?, ?)",
                [project["id"], project.get("name"), file, number],
            )


# A bucket's results as rows, in the order of the pages.
_RESULTS = """
    create temp table {table} as
    with parsed as (
        select
            * exclude (results),
            from_json(results, '{structure}') as results
        from {table}_buckets
    ),

    numbered as (
        select
            * exclude (results),
            unnest(results) as result,
            generate_subscripts(results, 1) as result_number
        from parsed
    )

    select
        * exclude (bucket_number, result_number),
        row_number() over (partition by x_file order by bucket_number, result_number) as x_row
    from numbered
    order by x_file, x_row
"""


def _unnest(
    connection: DuckDBPyConnection,
    table: str,
    result: dict[str, Any],
    pages: dict[str, Any],
    endpoints: Sequence[str],
) -> None:
    """Create a table of results, in the order of the pages."""
    connection.execute(
        f"create temp table {table}_buckets "
        "(x_file varchar, bucket_number integer, endpoint varchar, start_time varchar, "
        "end_time varchar, results varchar)"
    )
    for file, page in pages.items():
        endpoint = endpoint_of(file, PAGINGS)
        for number, bucket in enumerate(page["data"] if endpoint in endpoints else ()):
            times = (bucket["start_time"], bucket.get("end_time"))
            connection.execute(
                f"insert into {table}_buckets values (?, ?, ?, ?, ?, ?)",
                [file, number, endpoint, *times, json.dumps(bucket["results"])],
            )
    connection.execute(_RESULTS.format(table=table, structure=json.dumps([result])))


def check_period(folder: Path, period: str) -> None:
    """Refuse buckets of another month: they would be counted in two slots."""
    files = sorted(path.name for path in folder.glob("*.json"))
    for file, page in _pages(folder, files).items():
        for bucket in _buckets(page, file):
            found = datetime.fromtimestamp(int(bucket["start_time"]), UTC).strftime("%Y-%m")
            if found != period:
                raise ContractError(f"{file} has a bucket of {found}; it belongs to {period} alone")


def _pages(folder: Path, files: Sequence[str]) -> dict[str, Any]:
    """Return the pages by file: complete, and each bucket once."""
    pages = read_pages(folder, files, PAGINGS)
    if not any(endpoint_of(file, PAGINGS) == COSTS for file in pages):
        raise ContractError(f"costs-0001.json is missing; found {', '.join(pages) or 'nothing'}")
    seen: dict[tuple[str, str], str] = {}
    for file, page in pages.items():
        for bucket in _buckets(page, file):
            first = seen.setdefault((endpoint_of(file, PAGINGS), bucket["start_time"]), file)
            if first != file:
                raise ContractError(f"{first} and {file} have the same bucket: a page came twice")
    return pages


def _buckets(page: Any, file: str) -> Iterator[Any]:
    """Yield the buckets of a page; projects have none."""
    for bucket in [] if endpoint_of(file, PAGINGS) == PROJECTS else page["data"]:
        is_bucket = isinstance(bucket, dict) and isinstance(bucket.get("results"), list)
        if not is_bucket or not str(bucket.get("start_time", "")).isdigit():
            raise ContractError(f"{file} has a bucket without start_time or the list 'results'")
        yield bucket
