"""Bring a month of pages here: from the API, or from saved answers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Options, Source
from connectors.openai_costs._pages import COSTS, check_period
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
    if _http.is_url(source.location):
        delivery = _fetch_live(source, delivery, folder)
    else:
        delivery = _http.copy_saved(source, delivery, folder)
    check_period(folder, delivery.slot)
    return delivery


def _fetch_live(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, OpenAIOptions)
    with _http.connect(source.location, source.options.admin_key_env) as api:
        asked = {name: _Question(api, name, delivery, folder).ask() for name in GROUPINGS}
    return replace(delivery, request={"url": source.location, **asked})


class _Question:
    """One endpoint and month: what is left to try when the vendor refuses."""

    def __init__(self, api: _http.Api, name: str, delivery: Delivery, folder: Path) -> None:
        self.api, self.name, self.folder = api, name, folder
        self.replaces = delivery.request.get("replaces")
        self.groupings = list(GROUPINGS[name])
        month, month_end = _http.month_bounds(delivery.slot)
        midnight = _http.now().replace(hour=0, minute=0, second=0, microsecond=0)
        # Days to come are left out: their empty buckets would change every day.
        self.end = min(month_end, midnight + timedelta(days=1))
        self.starts = [month, *_later_starts(month, self.end, midnight)]

    def ask(self) -> dict[str, Any]:
        """Write the pages; return the grouping and times that were accepted."""
        while True:
            try:
                pages = self._write_pages()
            except _http.RejectedError as error:
                if error.status == 404 and self.name != COSTS:
                    return {"offered": False}
                self._ask_for_less(error)
            else:
                return {
                    "group_by": list(self.groupings[0]),
                    "start_time": self.starts[0].isoformat(),
                    "end_time": self.end.isoformat(),
                    "pages": pages,
                }

    def _write_pages(self) -> int:
        path = "organization/costs" if self.name == COSTS else f"organization/usage/{self.name}"
        params: dict[str, str | int | list[str]] = {
            "start_time": int(self.starts[0].timestamp()),
            "end_time": int(self.end.timestamp()),
            "bucket_width": "1d",
            "limit": 180 if self.name == COSTS else 31,
        }
        if self.groupings[0]:
            params["group_by[]"] = list(self.groupings[0])
        number = 0
        for number, page in enumerate(self.api.pages(path, params), start=1):
            (self.folder / f"{self.name}-{number:04d}.json").write_bytes(page)
        return number

    def _ask_for_less(self, error: _http.RejectedError) -> None:
        if error.status != 400:
            raise error
        if error.code == "reporting_lookback_exceeded":
            if self.replaces:
                # A part of the month must not replace what was landed when all of it was offered.
                raise ContractError(f"{error}; {self.replaces} stays in force") from error
            self.starts.pop(0)
        else:
            self.groupings.pop(0)
        if not self.starts or not self.groupings:
            raise error


def _later_starts(month: datetime, end: datetime, midnight: datetime) -> list[datetime]:
    starts = (midnight - timedelta(days=days) for days in LOOKBACK_DAYS)
    return [start for start in starts if month < start < end]
