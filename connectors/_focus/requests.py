"""Exports that are asked for over HTTP: at once, or created, waited for and downloaded.

A vendor is a small YAML file (`connectors/focus/exports/<vendor>.yml`), or the same keys below
`export:` in a user's configuration. Texts may hold {period}, {start} and {end}: a month '2026-10'
and the first days of it and of the next, '2026-10-01' and '2026-11-01'.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from connectors import _http
from connectors._base import Delivery
from connectors._focus.archives import unpack
from models.errors import ContractError, FetchError

_TRIES = 3
_EXPIRED = (403, 404, 410)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Model):
    """A request. Without a body it sends none."""

    method: Literal["GET", "POST"] = "GET"
    path: str
    params: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None


class Waiting(_Model):
    """How to learn that what was asked for is ready; places in an answer are dotted."""

    id: str = "id"  # in the answer to the question
    path: str  # with {id}
    url: str = "download_url"  # filled once the file is ready
    status: str = "status"
    failed: tuple[str, ...] = ("failed", "error", "cancelled", "expired")
    every: float = 5
    at_most: float = 1800


class Pages(_Model):
    """How JSON goes on over several pages; places in a page are dotted, as in `_http.Paging`."""

    cursor: str | None = "page"
    token: str | None = "next_page"
    has_more: str | None = None
    records: str | None = "data"


class Export(_Model):
    """What to ask, how to wait for it, and what comes: the file itself, or a link to one."""

    key_env: str
    key_header: str = "Authorization"
    key_scheme: str = "Bearer"
    headers: Mapping[str, str] = {}
    ask: Question
    wait: Waiting | None = None
    pages: Pages | None = None
    file: str = "focus.csv"  # its name, unless it is an archive
    archive: bool = False


def fetch(url: str, export: Export, delivery: Delivery, folder: Path) -> Delivery:
    """Bring the export of one month into `folder`, taken out of its archive."""
    question = _filled(export.ask, delivery.slot)
    credential = _http.Credential(export.key_env, export.key_header, export.key_scheme)
    target = folder / ("archive" if export.archive else export.file)
    unfinished = _http.unfinished_folder(delivery, folder)
    with _http.connect(url, credential, export.headers, unfinished) as api:
        if export.pages is not None:
            _http.save(api, _endpoint(question, export.pages), folder)
        elif export.wait is None:
            target.write_bytes(
                api.send(question.method, question.path, question.params, question.body)
            )
        else:
            _download(api, question, export.wait, target)
    request: dict[str, Any] = {"url": url, "asked": question.model_dump(exclude_defaults=True)}
    if export.archive:
        request["archive_sha256"] = hashlib.sha256(target.read_bytes()).hexdigest()
        request["files"] = unpack(target, folder)
    return replace(delivery, request=request)


def _endpoint(question: Question, pages: Pages) -> _http.Endpoint:
    return _http.Endpoint(
        "page",
        question.path,
        question.params,
        _http.Paging(**pages.model_dump()),
        method=question.method,
        body=question.body,
    )


def _filled(question: Question, period: str) -> Question:
    start, end = _http.month_bounds(period)
    values = {"period": period, "start": f"{start:%Y-%m-%d}", "end": f"{end:%Y-%m-%d}"}

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.format(**values)
        if isinstance(value, Mapping):
            return {key: fill(inner) for key, inner in value.items()}
        return value

    return Question.model_validate(fill(question.model_dump()))


def _download(api: _http.Api, question: Question, wait: Waiting, target: Path) -> None:
    """Ask, wait and download; a link that expired before it was used is asked for again."""
    answer = api.send(question.method, question.path, question.params, question.body)
    identity = _http.place(_http.parse(answer, question.path), wait.id)
    if not identity:
        raise ContractError(f"{question.path} answered without '{wait.id}': nothing to wait for")
    path = wait.path.format(id=identity)
    for _ in range(_TRIES):
        link = _http.poll(lambda: _link(api, path, wait), wait.every, wait.at_most)
        try:
            return api.download(link, target)
        except _http.RejectedError as error:
            if error.status not in _EXPIRED:
                raise
    raise FetchError(f"{path}: the link had expired before it was used, {_TRIES} times")


def _link(api: _http.Api, path: str, wait: Waiting) -> str | None:
    """Return the link once there is one."""
    answer = _http.parse(api.get(path), path)
    status = str(_http.place(answer, wait.status) or "")
    if status.lower() in wait.failed:
        raise ContractError(f"{path} says {wait.status} {status}: the vendor could not export it")
    return _http.place(answer, wait.url) or None
