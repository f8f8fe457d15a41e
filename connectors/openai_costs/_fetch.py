"""Bring a month of pages here: from the API, or from saved answers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Options, Source
from connectors.openai_costs._pages import COSTS, PAGINGS, PROJECTS, check_period
from models.errors import ContractError


class OpenAIOptions(Options):
    """`admin_key_env` names the environment variable with the admin key, never the key itself."""

    admin_key_env: str = "OPENAI_ADMIN_KEY"
    # The API does not say which organization answers: a name for it, by default the source's.
    billing_account_id: str | None = None


_KEYS = ("project_id", "api_key_id", "model")
_COARSER = (_KEYS, ("project_id", "model"), ("model",))
# Which groupings an organization may ask for is not documented: the finest that is not refused.
GROUPINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "costs": (
        ("project_id", "line_item", "api_key_id"),
        ("project_id", "line_item"),
        ("line_item",),
    ),
    "completions": ((*_KEYS, "batch", "service_tier"), *_COARSER),
    "decisions": ((*_KEYS, "batch", "service_tier"), *_COARSER),
    "embeddings": _COARSER,
    "moderations": _COARSER,
    "images": ((*_KEYS, "size", "source"), *_COARSER),
    "audio_speeches": _COARSER,
    "audio_transcriptions": _COARSER,
    "vector_stores": (("project_id",), ()),
    "code_interpreter_sessions": (("project_id",), ()),
    "web_search_calls": ((*_KEYS, "context_level"), *_COARSER),
    "file_search_calls": (("project_id", "api_key_id", "vector_store_id"), ("project_id",)),
}
# How many days back an organization may ask is not documented either.
LOOKBACK_DAYS = (730, 365, 180, 90, 30, 7)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the pages of one month into `folder`."""
    delivery = _http.fetch(source, delivery, folder, _ask_all)
    check_period(folder, delivery.slot)
    return delivery


def _ask_all(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, OpenAIOptions)
    unfinished = _http.unfinished_folder(delivery, folder)
    asked: dict[str, Any] = {}
    with _http.connect(source.location, source.options.admin_key_env, unfinished=unfinished) as api:
        for endpoint in endpoints(delivery):
            asked[endpoint.name] = _ask(api, endpoint, delivery, folder)
    return replace(delivery, request={"url": source.location, **asked})


def endpoints(delivery: Delivery) -> Iterator[_http.Endpoint]:
    """Describe the questions about one month; each has its own grouping, finest first."""
    month, end = _http.month_so_far(delivery.slot)
    starts = [month]
    if "replaces" not in delivery.request:
        # A part of the month must not replace what was landed when all of it was offered.
        starts += _later_starts(month, end)
    for name, groupings in GROUPINGS.items():
        yield _http.Endpoint(
            name=name,
            path=f"organization/{name}" if name == COSTS else f"organization/usage/{name}",
            params={
                "end_time": int(end.timestamp()),
                "bucket_width": "1d",
                "limit": 180 if name == COSTS else 31,
            },
            ladders=(
                _http.Ladder([{"start_time": int(s.timestamp())} for s in starts], _is_too_old),
                _http.Ladder([{"group_by[]": list(grouping)} for grouping in groupings]),
            ),
            optional=name != COSTS,
        )
    # Names, for the ids on the bill.
    yield _http.Endpoint(
        PROJECTS,
        "organization/projects",
        {"include_archived": "true", "limit": 100},
        paging=PAGINGS[PROJECTS],
        optional=True,
    )


def _is_too_old(error: _http.RejectedError) -> bool:
    return error.code == "reporting_lookback_exceeded"


def _ask(
    api: _http.Api, endpoint: _http.Endpoint, delivery: Delivery, folder: Path
) -> dict[str, Any]:
    try:
        return _http.save(api, endpoint, folder)
    except _http.RejectedError as error:
        replaces = delivery.request.get("replaces")
        if replaces and _is_too_old(error):
            raise ContractError(f"{error}; {replaces} stays in force") from error
        raise
    except _http.ForbiddenError as error:
        # A key that may not read names still reads the bill.
        if endpoint.name != PROJECTS or error.status != 403:
            raise
        return {"offered": False}


def _later_starts(month: datetime, end: datetime) -> list[datetime]:
    starts = (_http.midnight() - timedelta(days=days) for days in LOOKBACK_DAYS)
    return [start for start in starts if month < start < end]
