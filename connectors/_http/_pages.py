"""Answers of many pages: how they are asked for, landed, continued and read.

A page is asked for up to six times by itself. If a fetch breaks off all the same, the next run
goes on at the page that is missing, within a day: what came is kept beside the deliveries until
the whole fetch is done. A vendor that no longer knows the place is asked from the first page.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from connectors._http._client import Api, Params, RejectedError
from models.errors import ContractError

MOST_PAGES = 10_000


@dataclass(frozen=True)
class Paging:
    """How an answer goes on.

    Places in a page are dotted: `next_page`, `meta.links.next`, `data.-1.id` (of the last one).
    An answer ends where `has_more` is false, and also at a page without records: some vendors go
    on handing out tokens past the end. Where `has_more` is not said, it ends without a token.
    """

    cursor: str | None = "page"  # the parameter that takes the token; None: the token is a URL
    token: str | None = "next_page"  # None: the cursor counts
    has_more: str | None = "has_more"
    records: str | None = "data"  # None: the page itself is the list
    counts: Literal["records", "pages"] = "records"
    first: int = 0  # of a cursor that counts

    def records_of(self, page: Any, name: str) -> list[Any]:
        """Return the records of a page; a page without the list is a ContractError."""
        records = page if self.records is None else place(page, self.records)
        if not isinstance(records, list):
            where = "is no list" if self.records is None else f"has no list '{self.records}'"
            raise ContractError(f"{name} is not a page of the API: it {where}")
        return records

    def says_more(self, page: Any, name: str) -> bool:
        """Tell whether a page says that another one follows."""
        if not self.records_of(page, name):
            return False
        more = None if self.has_more is None else place(page, self.has_more)
        if more is not None:
            return bool(more)
        return self.token is None or bool(place(page, self.token))

    def token_after(self, page: Any, pages: int, records: int) -> str | None:
        """Return the token of the next page."""
        if self.token is None:
            return str(self.first + (pages if self.counts == "pages" else records))
        token = place(page, self.token)
        return str(token) if token else None


ONE_ANSWER = Paging(token=None, has_more=None)


def is_bad_request(error: RejectedError) -> bool:
    """Tell whether the vendor refused the parameters."""
    return error.status == 400


@dataclass(frozen=True)
class Ladder:
    """Parameters from the most to the least wanted: a refusal that it takes goes one step down."""

    steps: Sequence[Params]
    takes: Callable[[RejectedError], bool] = is_bad_request


@dataclass(frozen=True)
class Endpoint:
    """One question to an API. Its pages become `<name>-0001.json`, `<name>-0002.json`, …

    `paging` None: one answer is all. `optional`: an API that answers 404 does not offer it.
    """

    name: str
    path: str
    params: Params = field(default_factory=dict)
    paging: Paging | None = Paging()
    ladders: tuple[Ladder, ...] = ()
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    suffix: str = "json"


def save(api: Api, endpoint: Endpoint, folder: Path) -> dict[str, Any]:
    """Write every page into `folder`, as sent; return what was asked, for the manifest."""
    ladders = [list(ladder.steps) for ladder in endpoint.ladders]
    while True:
        params: dict[str, Any] = dict(endpoint.params)
        for steps in ladders:
            params.update(steps[0])
        try:
            pages = _save_pages(api, endpoint, params, folder)
        except RejectedError as error:
            if error.status == 404 and endpoint.optional:
                return {"offered": False}
            _step_down(endpoint, ladders, error)
        else:
            return {"path": endpoint.path, **params, "pages": pages}


def _step_down(endpoint: Endpoint, ladders: list[list[Params]], error: RejectedError) -> None:
    for ladder, steps in zip(endpoint.ladders, ladders, strict=True):
        if ladder.takes(error):
            if len(steps) == 1:
                raise error
            steps.pop(0)
            return
    raise error


def _save_pages(api: Api, endpoint: Endpoint, params: Params, folder: Path) -> int:
    question = json.dumps([endpoint.method, endpoint.path, params, endpoint.body], sort_keys=True)
    kept = api.unfinished / hashlib.sha256(question.encode()).hexdigest()[:16]
    continued = kept.is_dir()
    kept.mkdir(parents=True, exist_ok=True)
    try:
        _ask_pages(api, endpoint, params, kept)
    except ContractError as error:
        shutil.rmtree(kept)
        if not continued or not isinstance(error, RejectedError):
            raise
        # The place where the last run stopped may be forgotten by now.
        kept.mkdir()
        _ask_pages(api, endpoint, params, kept)
    pages = sorted(kept.iterdir())
    for page in pages:
        shutil.copyfile(page, folder / f"{endpoint.name}-{page.name}.{endpoint.suffix}")
    return len(pages)


def _ask_pages(api: Api, endpoint: Endpoint, params: Params, kept: Path) -> None:
    path, asked, records = endpoint.path, params, 0
    tokens: set[str] = set()
    for number in count(1):
        body = _page(api, endpoint, path, asked, kept / f"{number:04d}")
        paging = endpoint.paging
        if paging is None:
            return
        page = parse(body, endpoint.path)
        if not paging.says_more(page, endpoint.path):
            return
        records += len(paging.records_of(page, endpoint.path))
        token = paging.token_after(page, number, records)
        if token is None or token in tokens or number >= MOST_PAGES:
            raise ContractError(
                f"{endpoint.path} does not end: after {number} pages it says that there is "
                f"more, and the next token is {token!r}"
            )
        tokens.add(token)
        if paging.cursor is None:
            path, asked = token, {}
        else:
            asked = {**params, paging.cursor: token}


def _page(api: Api, endpoint: Endpoint, path: str, params: Params, file: Path) -> bytes:
    """Return a page: the one that the last run has left, or else ask for it."""
    if not file.exists():
        partial = file.with_name(f".{file.name}")
        partial.write_bytes(_send(api, endpoint, path, params))
        partial.replace(file)
    return file.read_bytes()


def _send(api: Api, endpoint: Endpoint, path: str, params: Params) -> bytes:
    return api.send(endpoint.method, path, params, endpoint.body, endpoint.headers)


# --- reading --------------------------------------------------------------------------------------


def read_pages(folder: Path, files: Sequence[str], pagings: Mapping[str, Paging]) -> dict[str, Any]:
    """Return the pages by file, complete: a last page that says there is more is a ContractError.

    `pagings` are those of the endpoints whose pages may be there, by the name of their files.
    """
    pages: dict[str, Any] = {}
    last: dict[str, str] = {}
    for file in sorted(files):
        endpoint = endpoint_of(file, pagings)
        pages[file] = read_json(folder, file)
        pagings[endpoint].records_of(pages[file], file)
        last[endpoint] = file
    for endpoint, file in last.items():
        if pagings[endpoint].says_more(pages[file], file) and pagings[endpoint].token:
            raise ContractError(f"{file} says that there is more, but the next page is not there")
    return pages


def endpoint_of(file: str, allowed: Mapping[str, Any]) -> str:
    """Return the endpoint whose page a file is."""
    endpoint = file.rpartition("-")[0]
    if endpoint not in allowed:
        raise ContractError(f"{file} is not <endpoint>-0001.json; allowed: {', '.join(allowed)}")
    return endpoint


def read_json(folder: Path, file: str) -> Any:
    """Read a JSON file with every number as the vendor's own text, so that no digit is lost."""
    return parse((folder / file).read_bytes(), file)


def parse(body: bytes, name: str) -> Any:
    """Parse JSON with every number as the vendor's own text."""
    if not body.strip():
        raise ContractError(f"{name} is empty")
    try:
        return json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except ValueError as error:
        raise ContractError(f"{name} is not complete JSON: {error}") from error


def place(page: Any, dotted: str) -> Any:
    """Return the value at a dotted place, None where there is none."""
    for step in dotted.split("."):
        if isinstance(page, dict):
            page = page.get(step)
        elif isinstance(page, list) and page and step.lstrip("-").isdigit():
            page = page[int(step)] if -len(page) <= int(step) < len(page) else None
        else:
            return None
    return page
