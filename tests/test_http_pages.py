"""Answers of many pages: how they are followed, landed, continued, and known to be whole."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_server import Answer, Asked, api_server

from connectors import _http
from connectors._http import Endpoint, Ladder, Paging, _client, _pages
from models.errors import ContractError, FetchError

ROWS = [{"id": f"row_{number}"} for number in range(7)]


def ok(page: object) -> Answer:
    return 200, {}, json.dumps(page).encode()


def refusal(status: int, code: str = "") -> Answer:
    return status, {}, json.dumps({"error": {"code": code, "message": "no"}}).encode()


class Vendor:
    """Answers what `answer` says, and remembers what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = self.by_token

    def serve(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.answer(asked)

    def by_token(self, asked: Asked) -> Answer:
        """Two rows a page, as most vendors do."""
        first = int(asked.query.get("page", ["0"])[0])
        more = first + 2 < len(ROWS)
        return ok(
            {
                "data": ROWS[first : first + 2],
                "has_more": more,
                "next_page": str(first + 2) if more else None,
            }
        )

    def save(self, endpoint: Endpoint) -> dict[str, Any]:
        folder = self.root / "delivery"
        folder.mkdir(exist_ok=True)
        unfinished = self.root / "unfinished"
        with _http.connect(self.url, "SOME_KEY", unfinished=unfinished) as api:
            return _http.save(api, endpoint, folder)

    def pages(self) -> list[Any]:
        return [
            json.loads(file.read_bytes()) for file in sorted((self.root / "delivery").iterdir())
        ]

    def rows(self) -> list[str]:
        return [row["id"] for page in self.pages() for row in page["data"]]


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    monkeypatch.setenv("SOME_KEY", "secret-that-nobody-may-see")
    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    fake = Vendor(tmp_path)
    with api_server(fake.serve) as fake.url:
        yield fake


EVERY_ROW = [row["id"] for row in ROWS]


def test_pages_are_landed_byte_for_byte(vendor: Vendor) -> None:
    odd = b'{"data": [],\n\t"has_more": false, "amount": 0.10 }\r\n'
    vendor.answer = lambda asked: (200, {}, odd)
    asked = vendor.save(Endpoint("costs", "costs", {"limit": 5}))
    assert (vendor.root / "delivery" / "costs-0001.json").read_bytes() == odd
    assert asked == {"path": "costs", "limit": 5, "pages": 1}


def test_a_token_is_followed(vendor: Vendor) -> None:
    assert vendor.save(Endpoint("costs", "costs"))["pages"] == 4
    assert vendor.rows() == EVERY_ROW


def test_a_stray_token_after_the_last_page_is_not_followed(vendor: Vendor) -> None:
    vendor.answer = lambda asked: ok({"data": ROWS, "has_more": False, "next_page": "stray"})
    assert vendor.save(Endpoint("costs", "costs"))["pages"] == 1


def test_a_token_counts_where_has_more_is_not_said(vendor: Vendor) -> None:
    def silent(asked: Asked) -> Answer:
        return ok({**json.loads(vendor.by_token(asked)[2]), "has_more": None})

    vendor.answer = silent
    vendor.save(Endpoint("costs", "costs"))
    assert vendor.rows() == EVERY_ROW


def test_the_id_of_the_last_record_can_be_the_token(vendor: Vendor) -> None:
    def after(asked: Asked) -> Answer:
        last = asked.query.get("after", [""])[0]
        first = EVERY_ROW.index(last) + 1 if last else 0
        return ok({"data": ROWS[first : first + 3], "has_more": first + 3 < len(ROWS)})

    vendor.answer = after
    vendor.save(Endpoint("projects", "projects", paging=Paging("after", "data.-1.id")))
    assert vendor.rows() == EVERY_ROW


@pytest.mark.parametrize(("counts", "step"), [("records", 3), ("pages", 1)])
def test_a_cursor_can_count(vendor: Vendor, counts: Any, step: int) -> None:
    def from_offset(asked: Asked) -> Answer:
        first = int(asked.query.get("from", ["0"])[0]) * 3 // step
        return ok({"data": ROWS[first : first + 3]})

    vendor.answer = from_offset
    paging = Paging(cursor="from", token=None, has_more=None, counts=counts)
    vendor.save(Endpoint("invoices", "invoices", paging=paging))
    assert vendor.rows() == EVERY_ROW


def test_the_next_page_can_be_a_url_of_the_same_server(vendor: Vendor) -> None:
    def linked(asked: Asked) -> Answer:
        first = int(asked.query.get("from", ["0"])[0])
        following = f"{vendor.url}/billing?from={first + 4}" if first + 4 < len(ROWS) else None
        return ok({"data": ROWS[first : first + 4], "links": {"next": following}})

    vendor.answer = linked
    paging = Paging(cursor=None, token="links.next", has_more=None)
    vendor.save(Endpoint("items", "billing", {"from": 0}, paging=paging))
    assert vendor.rows() == EVERY_ROW


def test_the_key_does_not_follow_a_url_to_another_server(vendor: Vendor) -> None:
    vendor.answer = lambda asked: ok({"data": ROWS, "next": "https://elsewhere.example.com/"})
    paging = Paging(cursor=None, token="next", has_more=None)
    with pytest.raises(ContractError, match=r"elsewhere\.example\.com is not 127\.0\.0\.1"):
        vendor.save(Endpoint("items", "billing", paging=paging))


def test_a_query_can_be_a_body(vendor: Vendor) -> None:
    vendor.save(Endpoint("query", "query", method="POST", body={"metrics": ["cost"]}, paging=None))
    assert (vendor.asked[0].method, vendor.asked[0].body) == ("POST", b'{"metrics":["cost"]}')


def test_each_refusal_goes_one_step_down_its_own_ladder(vendor: Vendor) -> None:
    def picky(asked: Asked) -> Answer:
        if asked.query["start"] == ["2020"]:
            return refusal(400, "too_old")
        if "user" in asked.query.get("group", []):
            return refusal(400)
        return vendor.by_token(asked)

    vendor.answer = picky
    ladders = (
        Ladder([{"start": 2020}, {"start": 2026}], lambda error: error.code == "too_old"),
        Ladder([{"group": ["model", "user"]}, {"group": ["model"]}]),
    )
    asked = vendor.save(Endpoint("usage", "usage", ladders=ladders))
    assert asked == {"path": "usage", "start": 2026, "group": ["model"], "pages": 4}
    assert vendor.rows() == EVERY_ROW


def test_a_refusal_half_way_leaves_no_page_of_the_finer_answer(vendor: Vendor) -> None:
    def refuses_later(asked: Asked) -> Answer:
        if asked.query["group"] == ["fine"] and "page" in asked.query:
            return refusal(400)
        first = int(asked.query.get("page", ["0"])[0])
        return ok({"data": asked.query["group"], "has_more": first < 2, "next_page": first + 2})

    vendor.answer = refuses_later
    ladder = Ladder([{"group": "fine"}, {"group": "coarse"}])
    vendor.save(Endpoint("usage", "usage", ladders=(ladder,)))
    assert [page["data"] for page in vendor.pages()] == [["coarse"], ["coarse"]]


def broken_at(vendor: Vendor, page: str, answer: Answer) -> None:
    def breaks(asked: Asked) -> Answer:
        return answer if asked.query.get("page") == [page] else vendor.by_token(asked)

    vendor.answer = breaks


def pages_asked(vendor: Vendor) -> list[str]:
    return [asked.query.get("page", ["first"])[0] for asked in vendor.asked]


@pytest.mark.parametrize("answer", [(503, {}, b""), (200, {"Content-Length": "99"}, b"{")])
def test_a_fetch_that_broke_off_goes_on_at_the_missing_page(vendor: Vendor, answer: Answer) -> None:
    broken_at(vendor, "4", answer)
    with pytest.raises(FetchError):
        vendor.save(Endpoint("costs", "costs"))
    assert not (vendor.root / "delivery" / "costs-0001.json").exists()
    vendor.answer = vendor.by_token
    vendor.asked.clear()
    vendor.save(Endpoint("costs", "costs"))
    assert pages_asked(vendor) == ["4", "6"]
    assert vendor.rows() == EVERY_ROW
    assert not (vendor.root / "unfinished").exists()


def test_pages_of_the_day_before_yesterday_are_asked_for_again(vendor: Vendor) -> None:
    broken_at(vendor, "4", (503, {}, b""))
    with pytest.raises(FetchError):
        vendor.save(Endpoint("costs", "costs"))
    long_ago = time.time() - _http.KEPT_SECONDS - 60
    os.utime(vendor.root / "unfinished", (long_ago, long_ago))
    vendor.answer = vendor.by_token
    vendor.asked.clear()
    vendor.save(Endpoint("costs", "costs"))
    assert pages_asked(vendor) == ["first", "2", "4", "6"]


def test_a_place_that_the_vendor_has_forgotten_is_asked_from_the_first_page(
    vendor: Vendor,
) -> None:
    broken_at(vendor, "4", (503, {}, b""))
    with pytest.raises(FetchError):
        vendor.save(Endpoint("costs", "costs"))
    forgotten = {"left": 1}

    def forgets(asked: Asked) -> Answer:
        if asked.query.get("page") == ["4"] and forgotten.pop("left", 0):
            return refusal(400, "cursor_expired")
        return vendor.by_token(asked)

    vendor.answer = forgets
    vendor.asked.clear()
    vendor.save(Endpoint("costs", "costs"))
    assert pages_asked(vendor) == ["4", "first", "2", "4", "6"]
    assert vendor.rows() == EVERY_ROW


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "costs is empty"),
        (b"<html>", "costs is not complete JSON"),
        (b'{"data": {}}', "costs is not a page of the API: it has no list 'data'"),
        (b"[]", "costs is not a page of the API: it has no list 'data'"),
    ],
)
def test_what_is_no_page_is_one_sentence_and_is_not_kept(
    vendor: Vendor, body: bytes, said: str
) -> None:
    vendor.answer = lambda asked: (200, {}, body)
    with pytest.raises(ContractError, match=said):
        vendor.save(Endpoint("costs", "costs"))
    vendor.answer = vendor.by_token
    vendor.save(Endpoint("costs", "costs"))
    assert vendor.rows() == EVERY_ROW


@pytest.mark.parametrize("token", ["2", None, "fresh"])
def test_pages_that_never_end_are_refused(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.setattr(_pages, "MOST_PAGES", 5)

    def endless(asked: Asked) -> Answer:
        following = str(len(vendor.asked)) if token == "fresh" else token
        return ok({"data": ROWS, "has_more": True, "next_page": following})

    vendor.answer = endless
    with pytest.raises(ContractError, match=r"costs does not end: after \d pages"):
        vendor.save(Endpoint("costs", "costs"))
    assert len(vendor.asked) == {"2": 2, None: 1, "fresh": 5}[token]


def test_a_saved_answer_without_its_last_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "costs-0001.json").write_text('{"data": [1], "has_more": true, "next_page": "2"}')
    with pytest.raises(ContractError, match=r"costs-0001\.json says that there is more"):
        _http.read_pages(tmp_path, ["costs-0001.json"], {"costs": Paging()})
    with pytest.raises(ContractError, match=r"is not <endpoint>-0001\.json; allowed: usage"):
        _http.read_pages(tmp_path, ["costs-0001.json"], {"usage": Paging()})


@pytest.mark.parametrize(
    ("dotted", "found"),
    [("a.b", "1"), ("a", {"b": "1"}), ("list.-1.id", "y"), ("list.0.id", "x"), ("list.2", None),
     ("list.first", None), ("a.b.c", None), ("none", None)],
)  # fmt: skip
def test_a_place_is_dotted(dotted: str, found: Any) -> None:
    page = {"a": {"b": "1"}, "list": [{"id": "x"}, {"id": "y"}]}
    assert _http.place(page, dotted) == found
