"""OpenRouter's live API, played by a server on the loopback; it forgets days."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from api_server import Answer, Asked, api_server
from openrouter_answers import Account, answer, record

from connectors import _http
from connectors._base import Window
from connectors._http import _client
from models.errors import ConfigError, FetchError

KEY = "sk-or-management-nobody-may-see-this"


class FakeOpenRouter:
    """The last 30 completed days, a record each; `fault` may answer instead."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
        self.asked: list[Asked] = []
        self.fault: Callable[[Asked], Answer | None] = lambda asked: None
        self.usage = "0.5"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return 401, {}, b""
        if told := self.fault(asked):
            return told
        day = date.fromisoformat(asked.query["date"][0])
        if not 1 <= (self.now.date() - day).days <= 30:
            return 400, {}, b'{"error": {"code": 400, "message": "not in the last 30 days"}}'
        grouped = asked.query.get("group_by") == ["workspace"]
        row = record(str(day), self.usage, **({"workspace_id": "ws-1"} if grouped else {}))
        return 200, {}, answer(row).encode()

    def days(self) -> list[str]:
        return [asked.query["date"][0] for asked in self.asked]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeOpenRouter:
    fake = FakeOpenRouter()
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_KEY", KEY)
    monkeypatch.setattr(_http, "now", lambda: fake.now)
    return fake


@pytest.fixture
def live(tmp_path: Path, api: FakeOpenRouter) -> Iterator[Account]:
    with api_server(api.answer) as url:
        yield Account(tmp_path, f"{url}/api/v1")


def test_the_last_thirty_completed_days_are_asked_for(live: Account, api: FakeOpenRouter) -> None:
    october, november = live.land().landed
    assert (october.slot, november.slot) == ("2026-10", "2026-11")
    assert (min(api.days()), max(api.days()), len(api.days())) == ("2026-10-21", "2026-11-19", 30)
    assert {asked.query["group_by"][0] for asked in api.asked} == {"workspace"}
    assert sum(row["billed_cost"] for row in live.table()) == 15


def test_days_that_are_gone_are_carried_over(live: Account, api: FakeOpenRouter) -> None:
    api.now = datetime(2026, 10, 25, 6, tzinfo=UTC)
    live.land()
    api.asked.clear()
    api.now = datetime(2026, 11, 10, 6, tzinfo=UTC)
    api.usage = "0.75"
    live.land()
    # Of October what was not known yet; of November what there is.
    assert (min(api.days()), max(api.days()), len(api.days())) == ("2026-10-25", "2026-11-09", 16)
    october = [row for row in live.table() if row["x_billing_period"] == "2026-10"]
    costs = [row["billed_cost"] for row in october]
    assert costs == [Decimal("0.5")] * 24 + [Decimal("0.75")] * 7


def test_the_last_completed_days_are_read_again(live: Account, api: FakeOpenRouter) -> None:
    live.land()
    api.asked.clear()
    api.now += timedelta(days=1)
    api.usage = "0.6"
    (november,) = live.land().landed
    assert api.days() == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert len(november.files) == 20
    api.asked.clear()
    assert (live.land().known, api.days()) == (2, [])


def test_on_the_first_of_a_month_only_the_one_before_is_offered(
    live: Account, api: FakeOpenRouter
) -> None:
    api.now = datetime(2026, 12, 1, 6, tzinfo=UTC)
    (november,) = live.land().landed
    assert (november.slot, len(november.files)) == ("2026-11", 30)


def test_a_month_that_is_gone_is_one_sentence(live: Account, api: FakeOpenRouter) -> None:
    (sentence,) = live.land(Window("2026-08", "2026-08")).failures.values()
    assert sentence == (
        "openrouter: 2026-08 is too long ago; OpenRouter offers the last 30 completed days"
    )
    assert api.asked == []


def test_without_workspaces_the_rows_are_asked_for_together(
    live: Account, api: FakeOpenRouter
) -> None:
    api.fault = lambda asked: (400, {}, b"{}") if "group_by" in asked.query else None
    live.land()
    assert {row["sub_account_id"] for row in live.table()} == {None}


def test_a_fetch_that_fails_half_way_goes_on_where_it_stopped(
    live: Account, api: FakeOpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    api.fault = lambda asked: (
        (200, {"Content-Length": "999"}, b"{") if asked.query["date"] == ["2026-10-28"] else None
    )
    with pytest.raises(FetchError, match="activity cannot be reached"):
        live.land()
    api.fault = lambda asked: None
    api.asked.clear()
    live.land(Window("2026-10", "2026-10"))
    assert api.days() == ["2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31"]
    assert len(live.table()) == 30


def test_a_pause_that_is_asked_for_is_kept(live: Account, api: FakeOpenRouter) -> None:
    busy = (429, {"Retry-After": "0"}, b"")
    api.fault = lambda asked: busy if len(api.asked) == 2 else None
    live.land()
    assert len(api.asked) == 31


def test_a_wrong_key_is_a_mistake_in_the_configuration(
    live: Account, api: FakeOpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_KEY", "sk-or-wrong")
    with pytest.raises(ConfigError, match="the key in OPENROUTER_MANAGEMENT_KEY is wrong"):
        live.land()


def test_the_key_is_in_no_file_and_no_log(
    live: Account, api: FakeOpenRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    live.table()
    files = [path for path in live.root.rglob("*") if path.is_file()]
    assert any(path.name == "manifest.json" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert "/activity" in caplog.text
    assert KEY not in caplog.text
