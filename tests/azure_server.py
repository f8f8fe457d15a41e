"""Cost Management's API on loopback: reports that are ordered, polled and downloaded, and queries.

It throttles, fails and restates as a test tells it to; the SDK talks to it over a socket.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from api_server import Answer, Asked, api_server

SCOPE = "subscriptions/c0ffee00-0000-0000-0000-000000000010"
SIGNATURE = "s1gnatur3-that-opens-the-report"


@dataclass
class CostManagement:
    """What the API knows: the parts of each report, the pages of the query, and what goes wrong."""

    url: str = ""
    reports: dict[str, list[bytes] | str] = field(default_factory=dict)
    pages: list[bytes] = field(default_factory=list)
    polls: int = 1
    # Answers given instead, to the first requests whose path has the word.
    troubles: dict[str, list[Answer]] = field(default_factory=dict)
    # What a report says of its parts' sizes, where it is not the truth.
    stated_bytes: int | None = None
    asked: list[Asked] = field(default_factory=list)
    _polled: dict[str, int] = field(default_factory=dict)

    @property
    def location(self) -> str:
        return f"{self.url}/{SCOPE}"

    def posts(self, word: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST" and word in asked.path]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        for word, answers in self.troubles.items():
            if word in asked.path and answers:
                return answers.pop(0)
        if asked.path.endswith("/generateCostDetailsReport"):
            return self._ordered(asked)
        if "/costDetailsOperationResults/" in asked.path:
            return self._polled_for(asked)
        if asked.path.endswith("/query"):
            return self._page(asked)
        return self._part(asked)

    def _ordered(self, asked: Asked) -> Answer:
        metric = asked.json["metric"]
        if self.reports[metric] == "nothing":
            return 204, {}, b""
        place = f"{self.url}/{SCOPE}/providers/Microsoft.CostManagement"
        self._polled[metric] = 0
        return 202, {"Location": f"{place}/costDetailsOperationResults/{metric}?x=1"}, b""

    def _polled_for(self, asked: Asked) -> Answer:
        metric = asked.path.rpartition("/")[2]
        self._polled[metric] += 1
        if self._polled[metric] < self.polls:
            return 202, {"Location": f"{self.url}{asked.path}?x=1"}, b""
        parts = self.reports[metric]
        if isinstance(parts, str):
            return _json(200, {"status": parts, "error": {"code": "X", "message": "no luck"}})
        blobs = [
            {
                "blobLink": f"{self.url}/account/reports/{metric}-{number}.csv?sig={SIGNATURE}",
                "byteCount": len(part) if self.stated_bytes is None else self.stated_bytes,
            }
            for number, part in enumerate(parts)
        ]
        manifest = {"manifestVersion": "2022-05-01", "dataFormat": "Csv", "blobs": blobs}
        valid = {"validTill": "2026-11-03T18:00:00.1234567Z"}
        return _json(200, {"status": "Completed", "manifest": manifest} | valid)

    def _part(self, asked: Asked) -> Answer:
        if asked.query.get("sig") != [SIGNATURE]:
            return 403, {}, b""
        metric, _, number = asked.path.rpartition("/")[2].removesuffix(".csv").partition("-")
        part = self.reports[metric][int(number)]
        assert isinstance(part, bytes)
        headers = {
            "Content-Range": f"bytes 0-{len(part) - 1}/{len(part)}",
            "ETag": '"0x1"',
            "x-ms-blob-type": "BlockBlob",
            "Last-Modified": "Tue, 03 Nov 2026 06:00:00 GMT",
            "Content-Type": "text/csv",
        }
        return 206, headers, part

    def _page(self, asked: Asked) -> Answer:
        if not self.pages:
            return 204, {}, b""
        number = int(asked.query.get("$skiptoken", ["0"])[0])
        return 200, {"Content-Type": "application/json"}, self.pages[number]

    def page(self, number: int, rows: str, last: bool = False, link: str = "") -> bytes:
        """Return a page of a query whose rows are this text: a number is what it says."""
        path = f"{SCOPE}/providers/Microsoft.CostManagement/query"
        link = link or f"{self.url}/{path}?api-version=2025-03-01&$skiptoken={number + 1}"
        columns = ("UsageDate", "Meter", "Cost", "ResourceId", "UsageQuantity", "Currency")
        return (
            f'{{"id": "{path}/1", "properties": {{"nextLink": '
            f"{'null' if last else json.dumps(link)}, "
            f'"columns": {json.dumps([{"name": name} for name in columns])}, "rows": [{rows}]}}}}'
        ).encode()


def _json(status: int, body: object) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, kind, body = _json(status, {"error": {"code": code, "message": message}})
    return status, kind | named, body


@contextmanager
def serve() -> Iterator[CostManagement]:
    """Play the API until the block ends."""
    api = CostManagement()
    # Looked up at each request: a test may put another in its place.
    with api_server(lambda asked: api.answer(asked)) as api.url:  # noqa: PLW0108
        yield api
