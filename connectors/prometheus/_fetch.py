"""Bring a UTC day of samples here: from the server, or from saved answers.

The answers about a day begin an hour before it and end an hour after it: what a counter gained
over midnight belongs to the day in which it began, and so needs the first sample of the next one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Landed, Source, Window
from connectors._files import StoredFile, open_store
from connectors.prometheus._client import connect
from connectors.prometheus._metrics import QUERIES, Query, selector
from connectors.prometheus._options import PrometheusOptions
from models.errors import ConfigError, ContractError

OVERLAP = timedelta(hours=1)
_DAY = timedelta(days=1)
_FETCHED_AT = "%Y%m%dT%H%M%SZ"
_FACT_STEP = 300  # the server looks back as far: no series is missed
_MOST_POINTS = 10_000  # the server refuses 11,000
_SHORTEST = timedelta(minutes=5)


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer a delivery a UTC day."""
    if _http.is_url(source.location):
        yield from _live(source, window, landed)
    else:
        yield from _saved(source, window)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the answers about one day into `folder`, as sent."""
    if _http.is_url(source.location):
        delivery = _fetch_live(source, delivery, folder)
    else:
        delivery = _copy_saved(source, delivery, folder)
    for file in sorted(folder.glob("*.json")):
        _check_whole(file, f"{source.name} {delivery.slot}")
    return delivery


# --- live -----------------------------------------------------------------------------------------


def _live(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    assert isinstance(source.options, PrometheusOptions)
    moment = _http.now()
    fetched_at = moment.strftime(_FETCHED_AT)
    last = min(_day((window.end or "9999-12-31"), "31"), moment.replace(tzinfo=None))
    day = _first_day(source.options, window, landed, moment)
    recent = moment.replace(tzinfo=None) - (source.options.reread_days + 1) * _DAY
    while day <= last:
        known = landed.get(f"{day:%Y-%m-%d}", ())
        is_whole = bool(known) and _was_over(day, known[-1].version)
        if window.start is not None or day > recent or not is_whole:
            yield Delivery(f"{day:%Y-%m-%d}", fetched_at, fetched_at)
        day += _DAY


def _first_day(
    options: PrometheusOptions, window: Window, landed: Landed, moment: datetime
) -> datetime:
    if window.start is not None:
        return _day(window.start, "01")
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    oldest = today - (options.history_days - 1) * _DAY
    if not landed:
        return oldest
    days = {_day(slot, "01"): versions[-1].version for slot, versions in landed.items()}
    open_days = [day for day, version in days.items() if not _was_over(day, version)]
    return max(oldest, min([today - options.reread_days * _DAY, max(days) + _DAY, *open_days]))


def _was_over(day: datetime, fetched_at: str) -> bool:
    return datetime.strptime(fetched_at, _FETCHED_AT) >= day + _DAY + OVERLAP


def _day(text: str, day_of_month: str) -> datetime:
    """Return a day; of a month, its first or (31: whatever its length) its last."""
    if len(text) == 7 and day_of_month == "31":
        return (datetime.strptime(text, "%Y-%m") + timedelta(days=31)).replace(day=1) - _DAY
    return datetime.strptime(text if len(text) > 7 else f"{text}-{day_of_month}", "%Y-%m-%d")


@dataclass(frozen=True)
class _Asking:
    api: _http.Api
    options: PrometheusOptions
    folder: Path

    def ask(self, query: Query, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Ask for a stretch of time; in halves where the server says that it is too much."""
        name = f"{query.name}-{start:%Y%m%dT%H%M}"
        path, params = self._question(query, start, end)
        try:
            endpoint = _http.Endpoint(name, path, params, paging=None)
            return [_http.save(self.api, endpoint, self.folder)]
        except _http.RejectedError as error:
            if end - start <= _SHORTEST or not _is_too_much(error):
                raise
        middle = start + timedelta(minutes=round((end - start) / timedelta(minutes=2)))
        return [*self.ask(query, start, middle), *self.ask(query, middle, end)]

    def _question(self, query: Query, start: datetime, end: datetime) -> tuple[str, dict[str, str]]:
        series = selector(query, self.options.matchers)
        if not query.is_fact and self.options.read == "samples":
            seconds = round((end - start).total_seconds())
            return "api/v1/query", {"query": f"{series}[{seconds}s]", "time": _seconds(end)}
        step = _FACT_STEP if query.is_fact else self.options.step
        first = -(-round(start.timestamp()) // step) * step
        last = (-(-round(end.timestamp()) // step) - 1) * step
        params = {"query": series, "start": str(first), "end": str(max(first, last))}
        return "api/v1/query_range", params | {"step": str(step)}

    def stretches(self, query: Query, start: datetime, end: datetime) -> Iterator[tuple[Any, Any]]:
        """Cut a stretch of time into what one request asks for."""
        step = _FACT_STEP if query.is_fact else self.options.step
        longest = timedelta(hours=self.options.hours_a_request)
        if query.is_fact or self.options.read == "query_range":
            longest = min(longest, timedelta(seconds=step * _MOST_POINTS))
        while start < end:
            yield start, min(start + longest, end)
            start += longest


def _is_too_much(error: _http.RejectedError) -> bool:
    said = str(error)
    return error.status in (413, 422) or "too many samples" in said or "11,000" in said


def _seconds(moment: datetime) -> str:
    return str(round(moment.timestamp()))


def _fetch_live(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, PrometheusOptions)
    options = source.options
    day = datetime.strptime(delivery.slot, "%Y-%m-%d").replace(tzinfo=UTC)
    now = _http.now().replace(second=0, microsecond=0)
    start, end = day - OVERLAP, min(day + _DAY + OVERLAP, now)
    asked: dict[str, Any] = {"url": source.location}
    with connect(source.location, options, folder.parent / ".unfinished" / delivery.slot) as api:
        asking = _Asking(api, options, folder)
        for query in QUERIES:
            if query.name in options.queries:
                stretches = list(asking.stretches(query, start, end))
                asked[query.name] = [a for one in stretches for a in asking.ask(query, *one)]
    return replace(delivery, request=asked)


# --- saved ----------------------------------------------------------------------------------------


def _saved(source: Source, window: Window) -> Iterator[Delivery]:
    store = open_store(source.location)
    days: dict[str, list[StoredFile]] = {}
    for file in store.files():
        day, _, name = file.path.partition("/")
        if name.endswith(".json") and _is_day(day):
            days.setdefault(day, []).append(file)
    if not days:
        raise ConfigError(
            f"{source.name}: {source.location} has no folder of a day such as "
            "2026-10-31/vllm-0001.json"
        )
    for day, files in sorted(days.items()):
        if window.covers(day):
            prints = [f"{file.path}={store.fingerprint(file)}" for file in files]
            version = hashlib.sha256("\n".join(sorted(prints)).encode()).hexdigest()[:16]
            yield Delivery(day, version, max(file.modified for file in files))


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return True


def _copy_saved(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    store = open_store(source.location)
    request: Mapping[str, Any] = {"saved": delivery.slot}
    for file in store.files(delivery.slot):
        if file.path.endswith(".json"):
            store.copy(file, folder / Path(file.path).name)
    return replace(delivery, request=request)


def _check_whole(file: Path, where: str) -> None:
    """Look at both ends only: answers can be large, and are parsed when they are normalized."""
    with file.open("rb") as stream:
        head = stream.read(200)
        stream.seek(max(0, file.stat().st_size - 50))
        tail = stream.read().strip()
    if not head.lstrip().startswith(b"{") or not tail.endswith(b"}"):
        raise ContractError(f"{where}: {file.name} is empty, cut off or not an answer of the API")
