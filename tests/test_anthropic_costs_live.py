"""Anthropic's live API, played by a server on the loopback that speaks its documented answers."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from anthropic_api import ANALYTICS, KEY, LEGACY, OCTOBER, FakeAnthropic, Live, refusal
from api_server import Answer, Asked, api_server

from connectors import _http
from connectors._base import Window
from connectors._http import _client
from connectors.anthropic_costs import CONNECTOR
from models.errors import ConfigError, FetchError

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    monkeypatch.setattr(_http, "now", lambda: NOW)
    fake = FakeAnthropic()
    with api_server(fake.answer) as url:
        yield Live(tmp_path / "lake", fake, f"{url}/v1")


def test_the_analytics_are_asked_in_days_with_at_most_five_dimensions(live: Live) -> None:
    (manifest,) = live.land().landed
    assert live.api.endpoints() == [*ANALYTICS, "workspaces"]
    five = ["workspace_id", "model", "api_key_id", "service_tier", "context_window"]
    assert live.api.groups("cost") == [[*five, "cost_type", "token_type"]]
    assert live.api.groups("usage") == [five]
    for _, asked in live.api.asked[:2]:
        assert asked.query["time_bucket_width"] == ["1d"]
        assert asked.query["starting_at"] == ["2026-10-01T00:00:00Z"]
        assert asked.query["ending_at"] == ["2026-11-01T00:00:00Z"]
        assert (asked.query["order_by"], asked.query["order"]) == (["time"], ["asc"])
        assert asked.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in asked.headers
    charges = live.charges()
    assert charges["billed_cost"].sum() == 31 * Decimal("0.255")
    assert set(charges["sub_account_name"]) == {"Evaluation"}
    assert set(charges["x_api_key_id"]) == {"apikey_1"}
    assert set(charges["consumed_quantity"]) == {Decimal(10)}
    assert manifest.request["report"] == "analytics"


def test_pages_are_followed_and_has_more_wins_over_a_stray_token(live: Live) -> None:
    live.api.page_rows = 7
    (manifest,) = live.land().landed
    files = [file.path for file in manifest.files]
    assert [name for name in files if name.startswith("cost-")] == [
        f"cost-{number:04d}.json" for number in range(1, 6)
    ]
    assert live.charges().height == 31


def test_today_and_before_is_asked_for_and_no_day_to_come(live: Live) -> None:
    report = live.land(Window())
    assert [manifest.slot for manifest in report.landed] == ["2026-10", "2026-11"]
    assert live.api.asked[-2][1].query["ending_at"] == ["2026-11-21T00:00:00Z"]


def test_a_refused_dimension_is_left_out_the_least_important_first(live: Live) -> None:
    def too_many(endpoint: str, asked: Asked) -> Answer | None:
        return refusal(400) if "api_key_id" in asked.query.get("group_by[]", []) else None

    live.api.fault = too_many
    (manifest,) = live.land().landed
    assert manifest.request["usage"]["group_by[]"] == ["workspace_id", "model"]
    assert set(live.charges()["x_api_key_id"]) == {None}


def test_the_dimensions_are_the_users_to_choose(live: Live) -> None:
    live.source = live.with_options(group_by=["model"])
    live.land()
    assert live.api.groups("usage") == [["model"]]
    for overlapping in ("rbac_group_id", "claude_tag_user_id"):
        with pytest.raises(ValueError, match="group_by"):
            CONNECTOR.options(group_by=[overlapping])
    with pytest.raises(ValueError, match="at most 5"):
        CONNECTOR.options(group_by=["model"] * 6)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_without_the_analytics_the_legacy_reports_are_asked(live: Live, status: int) -> None:
    live.api.fault = lambda endpoint, asked: refusal(status) if endpoint in ANALYTICS else None
    (manifest,) = live.land().landed
    assert manifest.request["report"] == "legacy"
    assert manifest.request["data_refreshed_at"] is None
    assert live.api.groups("cost_report") == [["workspace_id", "description"]]
    legacy = [asked for endpoint, asked in live.api.asked if endpoint in LEGACY]
    assert [asked.headers.get("anthropic-beta") for asked in legacy] == [None, None]
    charges = live.charges()
    assert charges["billed_cost"].sum() == 31 * Decimal("0.255")
    assert set(charges["x_finality"]) == {None}


def test_an_answer_of_which_only_half_is_offered_is_left_for_the_legacy_reports(
    live: Live,
) -> None:
    live.api.fault = lambda endpoint, asked: refusal(403) if endpoint == "usage" else None
    (manifest,) = live.land().landed
    assert [file.path for file in manifest.files] == [
        "cost_report-0001.json", "messages-0001.json", "workspaces-0001.json",
    ]  # fmt: skip
    assert live.charges().height == 31


def test_a_month_that_the_analytics_do_not_know_is_asked_of_the_legacy_reports(
    live: Live,
) -> None:
    live.land(Window("2025-10", "2025-10"))
    assert live.api.endpoints() == [*LEGACY, "workspaces"]


def test_the_legacy_reports_never_replace_the_analytics(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.land()
    whole = live.charges()
    live.api.fault = lambda endpoint, asked: refusal(404) if endpoint in ANALYTICS else None
    monkeypatch.setattr(_http, "now", lambda: NOW + timedelta(days=1))
    sentence = live.land().failures["2026-10"]
    assert "analytics/cost answered 404" in sentence
    assert sentence.endswith("20261120T093000Z stays in force")
    assert live.charges().equals(whole)


def test_an_answer_with_too_many_rows_is_asked_for_in_fewer_days(live: Live) -> None:
    def capped(endpoint: str, asked: Asked) -> Answer | None:
        too_many = endpoint == "messages" and int(asked.query["limit"][0]) > 7
        return refusal(400) if endpoint in ANALYTICS or too_many else None

    live.api.fault = capped
    (manifest,) = live.land().landed
    assert (manifest.request["messages"]["limit"], manifest.request["messages"]["pages"]) == (7, 5)
    assert live.charges().height == 31


@pytest.mark.parametrize("report", ["analytics", "legacy"])
def test_one_kind_of_report_can_be_required(live: Live, report: str) -> None:
    other = ANALYTICS if report == "legacy" else LEGACY
    live.source = live.with_options(report=report)
    live.land()
    assert not set(live.api.endpoints()) & set(other)
    live.api.fault = lambda endpoint, asked: refusal(404)
    assert "answered 404" in live.land(Window("2026-09", "2026-09")).failures["2026-09"]
    assert not set(live.api.endpoints()) & set(other)


def test_a_month_is_read_again_until_it_is_final_and_then_no_more(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.api.refreshed_at = "2026-10-31T22:00:00Z"
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 1, 6, tzinfo=UTC))
    live.land(Window())
    assert live.charges()["x_finality"].value_counts().sort("x_finality").rows() == [
        ("final", 30), ("provisional", 2),
    ]  # fmt: skip
    # Two months later October is still not known to be final; its last day was restated.
    live.api.refreshed_at, live.api.amount = "2026-12-20T08:00:00Z", "30"
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 12, 20, 9, tzinfo=UTC))
    landed = [manifest.slot for manifest in live.land(Window()).landed]
    assert landed == ["2026-10", "2026-11", "2026-12"]
    october = live.charges().filter(x_billing_period="2026-10")
    assert october["billed_cost"].unique().to_list() == [Decimal("0.3")]
    assert set(october["x_finality"]) == {"final"}
    # From now on only the open month is asked for, unless somebody names another one.
    live.api.asked.clear()
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 12, 21, 9, tzinfo=UTC))
    report = live.land(Window())
    assert ([manifest.slot for manifest in report.landed], report.known) == (["2026-12"], 1)
    assert live.api.endpoints() == [*ANALYTICS, "workspaces"]
    live.land(OCTOBER)
    assert live.api.endpoints()[-3:] == [*ANALYTICS, "workspaces"]


def test_a_legacy_month_is_read_again_for_a_week(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.source = live.with_options(report="legacy")
    for day, asked in ((7, 2), (9, 2), (10, 1)):
        live.api.asked.clear()
        monkeypatch.setattr(_http, "now", lambda day=day: datetime(2026, 11, day, tzinfo=UTC))
        live.land(Window())
        assert live.api.endpoints().count("cost_report") == asked, day
        live.api.amount = str(day)


@pytest.mark.parametrize(
    "trouble",
    [(429, {"Retry-After": "0"}, b""), (500, {"Retry-After": "0"}, b""),
     (200, {"Content-Length": "1000"}, b'{"data"')],
)  # fmt: skip
def test_a_busy_or_broken_answer_is_asked_for_again(live: Live, trouble: Answer) -> None:
    live.api.fault = lambda endpoint, asked: trouble if len(live.api.asked) == 1 else None
    assert live.land().failures == {}
    assert live.api.endpoints() == ["cost", *ANALYTICS, "workspaces"]
    assert live.charges().height == 31


def test_a_fetch_that_fails_half_way_goes_on_where_it_stopped(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    live.api.page_rows = 10
    live.api.fault = lambda endpoint, asked: (
        refusal(503) if asked.query.get("page") == ["page_20"] else None
    )
    with pytest.raises(FetchError, match="analytics/cost still answers 503"):
        live.land()
    assert live.lake.manifests("anthropic") == {}
    live.api.fault = lambda endpoint, asked: None
    live.api.asked.clear()
    live.land()
    cost = [asked.query.get("page") for name, asked in live.api.asked if name == "cost"]
    assert cost == [["page_20"], ["page_30"]]
    assert live.charges().height == 31


def test_a_token_can_be_sent_as_a_bearers(live: Live) -> None:
    live.source = live.with_options(sent_as="bearer")
    assert live.land().failures == {}
    assert {asked.headers["authorization"] for _, asked in live.api.asked} == {f"Bearer {KEY}"}
    assert not any("x-api-key" in asked.headers for _, asked in live.api.asked)


def test_workspaces_that_may_not_be_read_leave_the_bill_readable(live: Live) -> None:
    live.api.fault = lambda endpoint, asked: refusal(403) if endpoint == "workspaces" else None
    (manifest,) = live.land().landed
    assert manifest.request["workspaces"] == {"offered": False}
    assert set(live.charges()["sub_account_name"]) == {"wrkspc_1"}


def test_a_wrong_key_is_a_mistake_in_the_configuration(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-wrong")
    with pytest.raises(ConfigError, match="answered 401: the key in ANTHROPIC_ADMIN_KEY is wrong"):
        live.land()
    assert live.api.endpoints() == ["cost"]


def test_the_key_is_in_no_file_and_no_log(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = (404, {}, json.dumps({"error": {"type": "x", "message": KEY}}).encode())
    live.api.fault = lambda endpoint, asked: echo if endpoint in ANALYTICS else None
    live.land(Window())
    live.charges()
    files = [path for path in live.root.rglob("*") if path.is_file()]
    assert any(path.name == "manifest.json" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert "organizations/cost_report" in caplog.text
    assert KEY not in caplog.text
