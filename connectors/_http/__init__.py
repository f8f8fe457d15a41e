"""Billing APIs over HTTP: live, or from answers that somebody saved as they were sent.

A location is a base URL, or a folder with `<billing period>/<fetched at>/<answer>.json`, where the
time of the fetch looks like 20261103T060000Z. Both fill the same slots: the UTC months.

An API is described, not programmed: an `Endpoint` a question, a `Paging` for how its answer goes
on, `Ladder`s for what to ask when the vendor refuses; `save` asks, and lands every page as sent.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._http._client import (
    Api,
    Credential,
    ForbiddenError,
    Params,
    RejectedError,
    open_client,
    poll,
)
from connectors._http._pages import (
    ONE_ANSWER,
    Endpoint,
    Ladder,
    Paging,
    endpoint_of,
    is_bad_request,
    parse,
    place,
    read_json,
    read_pages,
    save,
)
from models.errors import ConfigError, ContractError
from models.manifest import Manifest

__all__ = [
    "ONE_ANSWER",
    "Api",
    "Credential",
    "Endpoint",
    "ForbiddenError",
    "Ladder",
    "Paging",
    "Params",
    "RejectedError",
    "connect",
    "copy_saved",
    "discover",
    "endpoint_of",
    "fetch",
    "is_bad_request",
    "is_settled",
    "is_url",
    "midnight",
    "month_bounds",
    "month_so_far",
    "now",
    "parse",
    "place",
    "poll",
    "read_json",
    "read_pages",
    "save",
    "unfinished_folder",
]

KEPT_SECONDS = 86_400  # how long the pages of a fetch that broke off are of use
_FETCHED_AT = "%Y%m%dT%H%M%SZ"


def never(manifest: Manifest) -> bool:
    """Say of no delivery that it is final: most vendors have no such mark."""
    del manifest
    return False


def discover(
    source: Source,
    window: Window,
    landed: Landed,
    is_final: Callable[[Manifest], bool] = never,
) -> Iterator[Delivery]:
    """Offer one delivery a month: the saved ones, or live what the vendor may still change.

    That is the open month, the previous one, and older ones that were landed before they were
    final. A month that is final is read again only if the window names it.
    """
    if is_url(source.location):
        yield from _live(window, landed, is_final)
    else:
        yield from _saved(source, window)


def is_settled(manifest: Manifest, days: int) -> bool:
    """Tell of a vendor without a mark whether a month need not be read again.

    It was read so many days after its end, or after its end and has not changed for a month.
    """
    _, end = month_bounds(manifest.slot)
    fetched_at = datetime.strptime(manifest.version, _FETCHED_AT).replace(tzinfo=UTC)
    has_aged = fetched_at >= end and now() >= end + timedelta(days=35)
    return has_aged or fetched_at >= end + timedelta(days=days)


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


def month_so_far(period: str) -> tuple[datetime, datetime]:
    """Return the bounds of a month without days to come: empty buckets would change every day."""
    start, end = month_bounds(period)
    return start, min(end, midnight() + timedelta(days=1))


def midnight() -> datetime:
    """Return when today began, in UTC."""
    return now().replace(hour=0, minute=0, second=0, microsecond=0)


def _live(
    window: Window, landed: Landed, is_final: Callable[[Manifest], bool]
) -> Iterator[Delivery]:
    moment = now()
    fetched_at = moment.strftime(_FETCHED_AT)
    for period in _months(window, landed, is_final, moment):
        known = landed.get(period, ())
        if window.start is None and known and is_final(known[-1]):
            yield Delivery(period, known[-1].version, known[-1].order, period)
        else:
            request = {"replaces": known[-1].version} if known else {}
            yield Delivery(period, fetched_at, fetched_at, period, request)


def _months(
    window: Window, landed: Landed, is_final: Callable[[Manifest], bool], moment: datetime
) -> Iterator[str]:
    this_month = moment.replace(day=1)
    first = (this_month - timedelta(days=1)).strftime("%Y-%m")
    if is_final is not never:
        first = min([first, *(slot for slot, known in landed.items() if not is_final(known[-1]))])
    last = min((window.end or "9999")[:7], this_month.strftime("%Y-%m"))
    period = (window.start or first)[:7]
    while period <= last:
        yield period
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


def fetch(
    source: Source,
    delivery: Delivery,
    folder: Path,
    ask: Callable[[Source, Delivery, Path], Delivery],
) -> Delivery:
    """Bring the answers about one slot into `folder`: `ask` at a URL, else copy the saved ones."""
    return (ask if is_url(source.location) else copy_saved)(source, delivery, folder)


def unfinished_folder(delivery: Delivery, folder: Path) -> Path:
    """Return where the pages of a fetch into `folder` wait if it breaks off."""
    return folder.parent / ".unfinished" / delivery.slot


def copy_saved(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the saved answers of one fetch, unchanged."""
    saved = Path(source.location) / delivery.slot / delivery.version
    files = sorted(saved.glob("*.json"))
    if not files:
        raise ContractError(f"{saved} has no .json file: nothing was saved, or not all of it")
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return replace(delivery, request={"saved": f"{delivery.slot}/{delivery.version}"})


@contextmanager
def connect(
    base_url: str,
    credential: str | Credential,
    headers: Mapping[str, str] | None = None,
    unfinished: Path | None = None,
) -> Iterator[Api]:
    """Open an API that takes a secret: the name of its variable, or how it is sent too.

    `unfinished` is where pages wait if the fetch breaks off; it is emptied once all went well.
    """
    if isinstance(credential, str):
        credential = Credential(credential)
    with open_client(base_url, credential, headers or {}) as (client, secret):
        if unfinished is None:
            with tempfile.TemporaryDirectory() as folder:
                yield Api(client, credential, Path(folder), secret)
            return
        if unfinished.is_dir() and time.time() - unfinished.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(unfinished)
        yield Api(client, credential, unfinished, secret)
    shutil.rmtree(unfinished, ignore_errors=True)
