"""Billing APIs over HTTP: live, or from answers that somebody saved as they were sent.

A location is a base URL, or a folder with `<billing period>/<fetched at>/<answer>.json`, where the
time of the fetch looks like 20261103T060000Z. Both fill the same slots: the UTC months.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import stamina

from connectors._base import Delivery, Landed, Source, Window
from models.errors import ConfigError, ContractError, FetchError

Params = Mapping[str, str | int | list[str]]

ATTEMPTS = 6
LONGEST_WAIT = 120.0  # seconds; a vendor that asks for more is left alone until the next run
MOST_PAGES = 1_000
_FETCHED_AT = "%Y%m%dT%H%M%SZ"
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class RejectedError(ContractError):
    """The vendor understood the question and said no; `code` is its own word for the reason."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


# --- deliveries -----------------------------------------------------------------------------------


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer one delivery a month: the saved ones, or the open and the previous month live."""
    if is_url(source.location):
        yield from _live(window, landed)
    else:
        yield from _saved(source, window)


def is_url(location: str) -> bool:
    """Tell a base URL from a folder."""
    return location.startswith(("https://", "http://"))


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def month_bounds(period: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month 'YYYY-MM' and of the month after it, in UTC."""
    start = datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + timedelta(days=31)).replace(day=1)


def _live(window: Window, landed: Landed) -> Iterator[Delivery]:
    moment = now()
    fetched_at = moment.strftime(_FETCHED_AT)
    this_month = moment.replace(day=1)
    previous = (this_month - timedelta(days=1)).strftime("%Y-%m")
    last = min((window.end or "9999")[:7], this_month.strftime("%Y-%m"))
    period = (window.start or previous)[:7]
    while period <= last:
        known = landed.get(period, ())
        request = {"replaces": known[-1].version} if known else {}
        yield Delivery(period, fetched_at, fetched_at, period, request)
        period = month_bounds(period)[1].strftime("%Y-%m")


def _saved(source: Source, window: Window) -> Iterator[Delivery]:
    """Oldest first: the newest fetch of a month is the one in force."""
    root = Path(source.location)
    if not root.is_dir():
        raise ConfigError(f"{source.name}: location {source.location} is not a folder or a URL")
    fetches = sorted(
        folder
        for folder in root.glob("*/*")
        if folder.is_dir() and re.fullmatch(r"\d{4}-\d{2}", folder.parent.name)
    )
    if not fetches:
        raise ConfigError(
            f"{source.name}: {source.location} has no folder like 2026-10/20261103T060000Z"
        )
    for folder in fetches:
        period = folder.parent.name
        if window.covers(period):
            yield Delivery(period, folder.name, folder.name, period)


def copy_saved(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the saved answers of one fetch, unchanged."""
    saved = Path(source.location) / delivery.slot / delivery.version
    files = sorted(saved.glob("*.json"))
    if not files:
        raise ContractError(f"{saved} has no .json file: nothing was saved, or not all of it")
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return replace(delivery, request={"saved": f"{delivery.slot}/{delivery.version}"})


def read_json(folder: Path, file: str) -> Any:
    """Read a JSON file with every number as the vendor's own text, so that no digit is lost."""
    return _parse((folder / file).read_bytes(), file)


def _parse(body: bytes, name: str) -> Any:
    if not body.strip():
        raise ContractError(f"{name} is empty")
    try:
        return json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except ValueError as error:
        raise ContractError(f"{name} is not complete JSON: {error}") from error


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Api:
    """An open connection; `secret_env` names the variable that holds the key."""

    client: httpx2.Client
    secret_env: str

    def get(self, path: str, params: Params) -> bytes:
        """Return one answer as sent, after retries while the vendor is busy."""
        response = self._get_retrying(path, params)
        name = f"{response.url.host}{response.url.path}"
        if response.status_code in (401, 403):
            raise ConfigError(
                f"{name} answered {response.status_code}: the key in {self.secret_env} "
                "is wrong, or is not allowed to read billing"
            )
        if response.status_code != 200:
            raise _rejected(response, name)
        return response.content

    def pages(self, path: str, params: Params) -> Iterator[bytes]:
        """Return the pages of an answer, each as sent.

        They end where `has_more` is false, and also at a page without data: some endpoints go on
        handing out tokens past the end.
        """
        asked: set[str] = set()
        page: Params = {}
        while True:
            body = self.get(path, {**params, **page})
            yield body
            content = page_content(_parse(body, path), path)
            if not content.get("has_more") or not content["data"]:
                return
            token = content.get("next_page")
            if not token or token in asked or len(asked) == MOST_PAGES:
                raise ContractError(
                    f"{path} does not end: after {len(asked) + 1} pages it says has_more, "
                    f"and next_page is {token!r}"
                )
            asked.add(token)
            page = {"page": token}

    def _get_retrying(self, path: str, params: Params) -> httpx2.Response:
        name = f"{self.client.base_url.host}{self.client.base_url.path}{path}"
        try:
            for attempt in stamina.retry_context(
                on=_seconds_to_wait, attempts=ATTEMPTS, timeout=600, wait_max=30
            ):
                with attempt:
                    response = self.client.get(path, params=params)
                    if response.status_code in _BUSY:
                        raise _BusyError(response)
        except _BusyError as error:
            status = error.response.status_code
            raise FetchError(f"{name} still answers {status}; try again later") from error
        except httpx2.RequestError as error:
            raise FetchError(f"{name} cannot be reached: {type(error).__name__}") from error
        return response


@contextmanager
def connect(base_url: str, secret_env: str) -> Iterator[Api]:
    """Open an API that takes the secret named by `secret_env` as a bearer token."""
    secret = os.environ.get(secret_env, "").strip()
    if not secret:
        raise ConfigError(f"the environment variable {secret_env} is not set: it holds the API key")
    is_loopback = httpx2.URL(base_url).host in ("127.0.0.1", "localhost", "::1")
    if not base_url.startswith("https://") and not is_loopback:
        raise ConfigError(f"{base_url} would send the key in {secret_env} unencrypted: use https")
    with httpx2.Client(
        base_url=base_url.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"},
        timeout=httpx2.Timeout(60, connect=10),
        trust_env=not is_loopback,
    ) as client:
        yield Api(client, secret_env)


def page_content(page: Any, name: str) -> Any:
    """Return a page that has the list `data`."""
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise ContractError(f"{name} is not a page of the API: it has no list 'data'")
    return page


class _BusyError(Exception):
    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"answered {response.status_code}")
        self.response = response


def _seconds_to_wait(error: Exception) -> bool | float:
    """Tell stamina whether to retry: as long as the vendor asks for, else with its own backoff."""
    if isinstance(error, httpx2.RequestError):
        return True
    if not isinstance(error, _BusyError):
        return False
    asked = _retry_after(error.response.headers.get("Retry-After", ""))
    if asked is None:
        return True
    return asked if asked <= LONGEST_WAIT else False


def _retry_after(header: str) -> float | None:
    """Read seconds or an HTTP date; None where the header is absent or neither."""
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())


def _rejected(response: httpx2.Response, name: str) -> RejectedError:
    try:
        error = response.json()["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        code, message = "", ""
    # A vendor may repeat the key in its message.
    secret = response.request.headers["Authorization"].removeprefix("Bearer ")
    said = ": ".join(text for text in (code, message.replace(secret, "***")[:300]) if text)
    sentence = f"{name} answered {response.status_code}" + (f" ({said})" if said else "")
    return RejectedError(sentence, response.status_code, code)
