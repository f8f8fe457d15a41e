"""A month of answers from a billing API, as the map's section `api` describes it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Landed, Source, Window
from connectors.invoice_mapping._api import Api, Each, Request
from connectors.invoice_mapping._records import records
from models.errors import ConfigError, ContractError

Values = Mapping[str, str | None]


def discover(api: Api, source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer the months that the vendor may still change and that there is a question about."""
    for delivery in _http.discover(source, window, landed):
        if _requests(api, delivery.slot):
            yield delivery


def fetch(api: Api, source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write every answer about one month below its billing period."""
    values = _values(source, api, delivery.slot)
    target = folder / delivery.slot
    target.mkdir()
    credential = api.secret.credential(values["api_key_env"] or api.secret.env)
    unfinished = _http.unfinished_folder(delivery, folder)
    asked: dict[str, Any] = {"url": source.location}
    with _http.connect(source.location, credential, api.headers, unfinished) as connection:
        for request in _requests(api, delivery.slot):
            endpoints = list(_endpoints(request, values, target))
            if not endpoints:
                raise ContractError(
                    f"{source.location} has no {request.name} of {delivery.slot} yet"
                )
            asked[request.name] = [_http.save(connection, each, target) for each in endpoints]
    return replace(delivery, request=asked)


def _requests(api: Api, period: str) -> list[Request]:
    state = "open" if _http.now() < _http.month_bounds(period)[1] else "closed"
    return [request for request in api.requests if request.only in (None, state)]


def _values(source: Source, api: Api, period: str) -> Values:
    """Return the placeholders' values; those of a month that is open end with what is complete."""
    start, end = _http.month_bounds(period)
    hour = _http.now().replace(minute=0, second=0, microsecond=0)
    until = min(end, max(hour, start + timedelta(hours=1)))
    last = min(end - timedelta(days=1), _http.now()).date()
    options = source.options.model_dump()
    return {
        "period": period,
        "next_period": f"{end:%Y-%m}",
        "year": f"{start:%Y}",
        "month": str(start.month),
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "start_date": f"{start:%Y-%m-%d}",
        "end_date": f"{last + timedelta(days=1)}",
        "last_date": f"{last}",
        "start_epoch": str(int(start.timestamp())),
        "last_epoch": str(int(start.timestamp()) + 86_400 * last.day - 1),
        **{name: options.get(name) for name in ("api_key_env", *api.options)},
    }


def _endpoints(request: Request, values: Values, folder: Path) -> Iterator[_http.Endpoint]:
    if request.each is None:
        yield _endpoint(request, values, request.name)
        return
    for number, value in enumerate(_each(request.each, values, folder), start=1):
        # Several invoices of a month are several questions.
        name = request.name if number == 1 else f"{request.name}-{number}"
        yield _endpoint(request, {**values, "each": value}, name)


def _endpoint(request: Request, values: Values, name: str) -> _http.Endpoint:
    params = {key: _filled(text, values) for key, text in request.params.items()}
    path = _filled(request.path, values)
    if path is None:
        missing = re.findall(r"\{(\w+)\}", request.path)
        raise ConfigError(f"{request.name}: the source does not say {' or '.join(missing)}")
    return _http.Endpoint(
        name=name,
        path=path,
        params={key: text for key, text in params.items() if text is not None},
        paging=request.paging.paging() if request.paging else None,
        method=request.method,
        body=json.loads(_filled(json.dumps(request.body), values) or "null"),
        optional=request.optional,
        suffix=request.suffix,
    )


def _filled(text: str, values: Values) -> str | None:
    """Fill the placeholders in; None where one of them has no value."""
    found = [name for name in re.findall(r"\{(\w+)\}", text) if name in values]
    if any(values[name] is None for name in found):
        return None
    for name in found:
        text = text.replace(f"{{{name}}}", values[name] or "")
    return text


def _each(each: Each, values: Values, folder: Path) -> list[str]:
    patterns = {column: _filled(text, values) or "" for column, text in each.where.items()}
    found = []
    for file in sorted(folder.glob(f"{each.request}-*.json")):
        page = _http.read_json(folder, file.name)
        for path in each.records:
            for row in records(page, path, file.name):
                if all(re.search(text, row.get(name) or "") for name, text in patterns.items()):
                    found.append(row.get(each.value))
    return [value for value in dict.fromkeys(found) if value]


def check_pages(api: Api, folder: Path, files: Sequence[str]) -> None:
    """Refuse an answer whose last page says that there is more: one is missing."""
    for request in api.requests:
        pages = sorted(
            file for file in files if re.search(rf"(^|/){request.name}-\d+\.json$", file)
        )
        if request.paging is None or not pages:
            continue
        paging = request.paging.paging()
        if paging.token and paging.says_more(_http.read_json(folder, pages[-1]), pages[-1]):
            raise ContractError(f"{pages[-1]} says that there is more, but the next page is absent")
        numbers = [int(file[-9:-5]) for file in pages]
        if numbers != list(range(1, len(pages) + 1)):
            raise ContractError(f"{request.name}: pages are {numbers}; one of them is absent")
