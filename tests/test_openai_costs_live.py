"""The live API of OpenAI, played by a server on the loopback that speaks its documented answers."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from api_server import Answer, api_server

from connectors import _http
from connectors._base import Source, Window
from connectors._http import _client, _pages
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.openai_costs import CONNECTOR
from models.errors import ConfigError, FetchError

KEY = "sk-admin-nobody-may-see-this"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OCTOBER = Window("2026-10", "2026-10")
DAY = 86_400
PROJECTS = {
    "object": "list",
    "data": [{"id": "proj_1", "object": "organization.project", "name": "Desk"}],
    "first_id": "proj_1",
    "last_id": "proj_1",
    "has_more": False,
}
Query = dict[str, list[str]]
Fault = Callable[[str, Query], Answer | None]


def refusal(status: int, code: str, message: str = "") -> Answer:
    return status, {}, json.dumps({"error": {"code": code, "message": message}}).encode()


class FakeOpenAI:
    """Daily buckets in pages; `faults` may answer instead, or change the page that is sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Query]] = []
        self.faults: list[Fault] = []
        self.page_buckets = 1_000
        self.amount = "0.25"
        self.change_page: Callable[[str, dict[str, Any]], None] = lambda endpoint, page: None

    def answer(self, path: str, query: Query, key: str) -> Answer:
        endpoint = path.removeprefix("/v1/organization/").removeprefix("usage/")
        self.asked.append((endpoint, query))
        if key != f"Bearer {KEY}":
            return refusal(401, "invalid_api_key", f"Incorrect API key provided: {key}")
        if endpoint == "projects":
            return 200, {}, json.dumps(PROJECTS).encode()
        for fault in self.faults:
            if answer := fault(endpoint, query):
                return answer
        page = self.page(endpoint, query)
        self.change_page(endpoint, page)
        body = json.dumps(page).replace('"AMOUNT"', self.amount)
        return 200, {"Content-Type": "application/json"}, body.encode()

    def page(self, endpoint: str, query: Query) -> dict[str, Any]:
        start, end = int(query["start_time"][0]), int(query["end_time"][0])
        first = int(query.get("page", ["page_0"])[0].removeprefix("page_"))
        days = list(range(start, end, DAY))[first:]
        shown = days[: min(self.page_buckets, int(query["limit"][0]))]
        group = query.get("group_by[]", [])
        return {
            "object": "page",
            "data": [
                {"object": "bucket", "start_time": day, "end_time": day + DAY,
                 "results": [self.result(endpoint, group)] if endpoint == "costs" else []}
                for day in shown
            ],
            "has_more": len(days) > len(shown),
            "next_page": f"page_{first + len(shown)}" if len(days) > len(shown) else None,
        }  # fmt: skip

    def result(self, endpoint: str, group: list[str]) -> dict[str, Any]:
        named = {"project_id": "proj_1", "line_item": f"gpt-5, {endpoint}", "api_key_id": "key_1"}
        return {
            "object": f"organization.{endpoint}.result",
            "amount": {"value": "AMOUNT", "currency": "usd"},
            **{name: value if name in group else None for name, value in named.items()},
        }

    def questions(self, endpoint: str = "costs") -> list[Query]:
        return [query for name, query in self.asked if name == endpoint]


class Live:
    def __init__(self, root: Path, api: FakeOpenAI, url: str) -> None:
        self.api, self.root, self.lake = api, root, Lake(root)
        self.source = Source("openai", url, CONNECTOR.options())

    def land(self, window: Window = OCTOBER) -> LandReport:
        return self.lake.land(self.source, CONNECTOR, window)

    def charges(self) -> pl.DataFrame:
        assert normalize(self.lake, self.source, CONNECTOR) == {}
        rows = self.lake.index().filter(pl.col("table") == "charges")
        return pl.read_parquet([self.root / file for file in rows["file"]])


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    monkeypatch.setattr(_http, "now", lambda: NOW)
    fake = FakeOpenAI()

    with api_server(
        lambda asked: fake.answer(asked.path, dict(asked.query), asked.headers["authorization"])
    ) as url:
        yield Live(tmp_path / "lake", fake, f"{url}/v1")


def test_pages_are_followed_until_has_more_is_false(live: Live) -> None:
    live.api.page_buckets, live.api.amount = 7, "0.1234567890123456789"
    (manifest,) = live.land().landed
    files = [file.path for file in manifest.files if file.path.startswith("costs")]
    assert files == [f"costs-{number:04d}.json" for number in range(1, 6)]
    assert [query.get("page") for query in live.api.questions()] == [
        None, ["page_7"], ["page_14"], ["page_21"], ["page_28"],
    ]  # fmt: skip
    assert live.charges().height == 31
    amount = Decimal("0.1234567890123456789").quantize(Decimal("1e-12"))
    assert live.charges()["billed_cost"].sum() == 31 * amount


def test_every_endpoint_is_asked_in_days_with_its_own_grouping(live: Live) -> None:
    (manifest,) = live.land().landed
    assert len({name for name, _ in live.api.asked}) == len(live.api.asked) == 13
    (costs,), (completions,) = live.api.questions(), live.api.questions("completions")
    october = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
    for query in (costs, completions):
        assert query["start_time"] == [str(october)]
        assert query["end_time"] == [str(october + 31 * DAY)]
        assert query["bucket_width"] == ["1d"]
    assert (costs["limit"], completions["limit"]) == (["180"], ["31"])
    assert costs["group_by[]"] == ["project_id", "line_item", "api_key_id"]
    finest = ["project_id", "api_key_id", "model", "batch", "service_tier"]
    assert completions["group_by[]"] == finest
    assert manifest.request["completions"]["group_by[]"] == finest


def test_by_default_the_open_and_the_previous_month_are_asked(live: Live) -> None:
    report = live.land(Window())
    assert [manifest.slot for manifest in report.landed] == ["2026-10", "2026-11"]
    assert {manifest.version for manifest in report.landed} == {"20261120T093000Z"}
    tomorrow = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
    assert live.api.questions()[-1]["end_time"] == [str(tomorrow)]


def test_an_answer_that_did_not_change_is_not_landed_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.land()
    monkeypatch.setattr(_http, "now", lambda: NOW + timedelta(days=1))
    again = live.land()
    assert (again.landed, again.known) == ([], 1)
    live.api.amount = "0.5"
    (changed,) = live.land().landed
    assert changed.version == "20261121T093000Z"
    assert live.charges()["billed_cost"].unique().to_list() == [Decimal("0.5")]


def test_a_token_past_the_end_stops_at_the_first_page_without_data(live: Live) -> None:
    def always_another(endpoint: str, page: dict[str, Any]) -> None:
        page["has_more"], page["next_page"] = True, f"page_{len(live.api.asked) * 100}"

    live.api.change_page = always_another
    assert live.land().failures == {}
    assert len(live.api.questions()) == 2
    assert live.charges().height == 31


@pytest.mark.parametrize("token", ["page_0", None, "fresh"])
def test_pages_that_never_end_are_refused(
    live: Live, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    def never_last(endpoint: str, page: dict[str, Any]) -> None:
        next_page = f"page_0{'0' * len(live.api.asked)}" if token == "fresh" else token
        page["has_more"], page["next_page"] = True, next_page

    monkeypatch.setattr(_pages, "MOST_PAGES", 5)
    live.api.change_page = never_last
    sentence = live.land().failures["2026-10"]
    assert "organization/costs does not end" in sentence
    assert len(live.api.asked) == {"page_0": 2, None: 1, "fresh": 5}[token]


def test_a_refused_grouping_is_followed_by_the_next_coarser_one(live: Live) -> None:
    def no_keys(endpoint: str, query: Query) -> Answer | None:
        if "api_key_id" in query.get("group_by[]", []):
            return refusal(400, "invalid_request_error", "group_by api_key_id is not supported")
        return None

    live.api.faults.append(no_keys)
    (manifest,) = live.land().landed
    assert manifest.request["costs"]["group_by[]"] == ["project_id", "line_item"]
    assert manifest.request["completions"]["group_by[]"] == ["project_id", "model"]
    charges = live.charges()
    assert charges["x_api_key_id"].unique().to_list() == [None]
    assert charges["sub_account_id"].unique().to_list() == ["proj_1"]


def test_when_every_grouping_is_refused_the_vendors_words_are_shown(live: Live) -> None:
    live.api.faults.append(lambda endpoint, query: refusal(400, "no_access", "not for this plan"))
    assert live.land().failures == {
        "2026-10": "127.0.0.1/v1/organization/costs answered 400 (no_access: not for this plan)"
    }
    assert len(live.api.asked) == 3


def limited_to(days: int) -> Fault:
    oldest = NOW.timestamp() - days * DAY - DAY
    return lambda endpoint, query: (
        refusal(400, "reporting_lookback_exceeded")
        if int(query["start_time"][0]) < oldest
        else None
    )


def test_a_start_that_is_too_long_ago_is_moved(live: Live) -> None:
    live.api.faults.append(limited_to(30))
    (manifest,) = live.land().landed
    october_21 = int(datetime(2026, 10, 21, tzinfo=UTC).timestamp())
    assert manifest.request["costs"]["start_time"] == october_21
    assert live.charges().height == 11


def test_a_part_of_a_month_does_not_replace_the_whole(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.land()
    whole = live.charges()
    live.api.faults.append(limited_to(30))
    monkeypatch.setattr(_http, "now", lambda: NOW + timedelta(days=1))
    sentence = live.land().failures["2026-10"]
    assert "reporting_lookback_exceeded" in sentence
    assert sentence.endswith("20261120T093000Z stays in force")
    assert live.charges().equals(whole)


def test_a_usage_endpoint_that_is_not_offered_is_noted(live: Live) -> None:
    live.api.faults.append(lambda name, query: refusal(404, "") if name == "images" else None)
    (manifest,) = live.land().landed
    assert manifest.request["images"] == {"offered": False}
    assert not any("images" in file.path for file in manifest.files)


def test_a_fetch_that_fails_half_way_goes_on_where_it_stopped(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    live.api.page_buckets = 7

    def out_of_order(endpoint: str, query: Query) -> Answer | None:
        return refusal(500, "") if query.get("page") == ["page_21"] else None

    live.api.faults.append(out_of_order)
    with pytest.raises(FetchError, match="organization/costs still answers 500"):
        live.land()
    assert live.lake.manifests("openai") == {}
    live.api.faults.clear()
    live.api.asked.clear()
    assert live.land().failures == {}
    assert [query.get("page") for query in live.api.questions()] == [["page_21"], ["page_28"]]
    assert live.charges().height == 31
    unfinished = live.root / "raw" / "openai" / ".unfinished" / "2026-10"
    assert not unfinished.exists()


def test_a_wrong_key_is_a_mistake_in_the_configuration_and_not_retried(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-wrong")
    with pytest.raises(ConfigError, match="answered 401: the key in OPENAI_ADMIN_KEY is wrong"):
        live.land()
    assert len(live.api.asked) == 1


def test_the_key_is_in_no_file_and_no_log(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    busy = (429, {"Retry-After": "0"}, KEY.encode())
    live.api.faults.append(lambda name, query: busy if len(live.api.asked) == 1 else None)
    live.api.faults.append(lambda name, query: refusal(404, "", KEY) if name == "images" else None)
    live.land(Window())
    live.charges()
    files = [path for path in live.root.rglob("*") if path.is_file()]
    assert any(path.name == "manifest.json" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert "organization/costs" in caplog.text
    assert KEY not in caplog.text
