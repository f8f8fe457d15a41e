"""The webhook: what is new is posted once, and nothing of it fails a run."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import stamina
from api_server import Answer, Asked, api_server
from configured import settings_of

from connectors._base import Window
from pipelines.notify import notify
from pipelines.run import Run, land, normalize_source
from pipelines.settings import Settings

BILLS = "sources: {gpu: {connector: runpod_billing, location: ./bills}}\n"
RATES = "sources: {rates: {connector: fx_rates, location: ./rates}}\n"
WEBHOOK = "guardrails: {webhook: {url_env: HOOK_URL, token_env: HOOK_TOKEN}}\n"


@dataclass
class Hook:
    """What was posted; the first answers may be other ones than 200."""

    answers: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return (self.answers.pop(0) if self.answers else 200), {}, b"ok"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for asked in self.asked for event in asked.json["events"]]

    @property
    def messages(self) -> list[str]:
        return [event["message"] for event in self.events]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    hook = Hook()
    with api_server(hook.answer) as url, stamina.set_testing(True, attempts=3):
        monkeypatch.setenv("HOOK_URL", f"{url}/services/secret-path")
        monkeypatch.setenv("HOOK_TOKEN", "secret-token")
        yield hook


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Its only source need not come every day."""
    return settings_of(tmp_path, RATES + WEBHOOK)


def write_bill(folder: Path, hour: datetime) -> None:
    """RunPod's answer for a month: one hour of one pod."""
    row = {"time": f"{hour:%Y-%m-%dT%H}:00:00Z", "podId": "p1", "amount": 1, "timeBilledMs": 36}
    file = folder / "bills" / f"{hour:%Y-%m}" / f"{hour:%Y%m%dT%H}0000Z" / "pods.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([row]))


def deliver(settings: Settings) -> None:
    run = Run(settings)
    land(run, settings.sources["gpu"], Window())
    normalize_source(run, settings.sources["gpu"])
    assert run.failures == []


def write_breaches(settings: Settings, *rows: str) -> None:
    """A published warehouse whose last day with costs is 20 October."""
    columns = "budget_id, entity, value, period_kind, period_start, threshold, crossed_on, "
    columns += "billing_currency, owner, amount, spent_cost"
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema marts; create schema intermediate")
        connection.execute(
            "create table intermediate.int_day_inputs as select date '2026-10-20' as charge_date"
        )
        connection.execute(
            f"create table marts.budget_breaches as select * replace (threshold::decimal(9, 4) "
            f"as threshold, crossed_on::date as crossed_on, amount::decimal(38, 12) as amount, "
            f"spent_cost::decimal(38, 12) as spent_cost) from (values {', '.join(rows)}) "
            f"as given({columns})"
        )


def test_a_failure_is_posted_once_with_the_token_and_not_in_each_run(
    settings: Settings, hook: Hook
) -> None:
    notify(settings, "run-1", ["gpu: the key is wrong; the traceback is in lake/logs/run-1.log"])
    notify(settings, "run-2", ["gpu: the key is wrong; the traceback is in lake/logs/run-2.log"])
    (asked,) = hook.asked
    assert (asked.method, asked.path) == ("POST", "/services/secret-path")
    assert asked.headers["authorization"] == "Bearer secret-token"
    message = "gpu: the key is wrong; the traceback is in lake/logs/run-1.log"
    assert asked.json == {
        "version": 1,
        "run_id": "run-1",
        "text": f"unitledger: 1 new\n- {message}",
        "events": [
            {
                "id": asked.json["events"][0]["id"],
                "kind": "failure",
                "subject": None,
                "message": message,
                "owner": None,
            }
        ],
    }


def test_nothing_is_posted_where_nothing_is_new(settings: Settings, hook: Hook) -> None:
    notify(settings, "run-1", [])
    assert hook.asked == []


def test_a_source_is_late_when_its_newest_day_is_too_old(tmp_path: Path, hook: Hook) -> None:
    settings = settings_of(tmp_path, BILLS + WEBHOOK)
    notify(settings, "run-1", [])
    late, in_time = (datetime.now(UTC) - timedelta(days=days) for days in (10, 1))
    write_bill(tmp_path, late)
    deliver(settings)
    (settings.lake.root / "notified.json").unlink()
    notify(settings, "run-2", [])
    write_bill(tmp_path, in_time)
    deliver(settings)
    (settings.lake.root / "notified.json").unlink()
    notify(settings, "run-3", [])
    assert hook.messages == [
        "gpu: nothing was delivered yet",
        f"gpu: its newest day is {late.date()}, 10 days ago; it is late after 3",
    ]
    assert [event["subject"] for event in hook.events] == ["gpu", "gpu"]


def test_a_breach_is_posted_once_with_its_owner_and_an_old_one_is_not(
    settings: Settings, hook: Hook
) -> None:
    new = "('chat', 'feature', 'mail', 'month', '2026-10-01', 0.8, '2026-10-19', 'USD', 'ann', 500"
    old = new.replace("2026-10-19", "2026-10-13").replace("0.8", "0.5")
    write_breaches(settings, f"{new}, 412.345)", f"{old}, 260)")
    for number in range(3):
        notify(settings, f"run-{number}", [])
    (event,) = hook.events
    assert event["kind"] == "budget_breach"
    assert event["owner"] == "ann"
    assert event["message"] == (
        "budget chat: feature mail has spent 412.34 of 500.00 USD for the month of 2026-10-01: "
        "80.00 % was reached on 2026-10-19"
    )


def test_an_anomaly_is_posted_on_its_first_day_where_it_began(
    settings: Settings, hook: Hook
) -> None:
    new = "('2026-10-19', 'USD', 'pool', 'gpu', 'ann', 1416.956, 139.29, 1, null)"
    others = (
        new.replace("2026-10-19", "2026-10-13"),
        new.replace("2026-10-19", "2026-10-20").replace(" 1, null", " 2, null"),
        new.replace("'pool', 'gpu'", "'customer_id', 'acme'").replace("null", "'gpu'"),
    )
    columns = "charge_date, billing_currency, entity, value, owner, observed_cost, "
    columns += "expected_estimate, days_in_a_row, follows_pool"
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema marts; create schema intermediate")
        connection.execute(
            "create table intermediate.int_day_inputs as select date '2026-10-20' as charge_date"
        )
        connection.execute(
            "create table marts.anomalies as select * replace (charge_date::date as charge_date, "
            "observed_cost::decimal(38, 12) as observed_cost, expected_estimate::decimal(38, 6) as "
            f"expected_estimate) from (values {', '.join((new, *others))}) as given({columns})"
        )
    notify(settings, "run-1", [])
    notify(settings, "run-2", [])
    (event,) = hook.events
    assert (event["kind"], event["subject"], event["owner"]) == ("anomaly", "gpu", "ann")
    assert event["message"] == (
        "anomaly: pool gpu cost 1416.96 USD on 2026-10-19; 139.29 was to be expected"
    )


def test_what_comes_back_after_two_days_is_told_again(settings: Settings, hook: Hook) -> None:
    notify(settings, "run-1", ["gpu: broken"])
    file = settings.lake.root / "notified.json"
    told = json.loads(file.read_text())
    for entry in told.values():
        entry["seen"] = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    file.write_text(json.dumps(told))
    notify(settings, "run-2", [])
    notify(settings, "run-3", ["gpu: broken"])
    assert hook.messages == ["gpu: broken", "gpu: broken"]


def test_a_busy_webhook_is_asked_again(settings: Settings, hook: Hook) -> None:
    hook.answers = [503, 429]
    notify(settings, "run-1", ["gpu: broken"])
    assert len(hook.asked) == 3
    notify(settings, "run-2", ["gpu: broken"])
    assert len(hook.asked) == 3


@pytest.mark.parametrize("status", [400, 404, 302, 500])
def test_what_the_webhook_did_not_take_is_posted_by_the_next_run(
    settings: Settings, hook: Hook, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answers = [status] * (3 if status == 500 else 1)
    caplog.set_level(logging.WARNING, "unitledger")
    logging.getLogger("unitledger").propagate = True
    notify(settings, "run-1", ["gpu: broken"])
    assert str(status) in caplog.text
    assert "secret" not in caplog.text
    refused = len(hook.asked)
    notify(settings, "run-2", ["gpu: broken"])
    assert len(hook.asked) == refused + 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "the environment variable HOOK_URL is not set"),
        ("http://hooks.example.test/secret", "the URL in HOOK_URL is not https"),
        ("http://127.0.0.1:9/secret", "ConnectError"),
    ],
)
def test_a_webhook_that_cannot_be_reached_is_a_warning_without_its_url(
    settings: Settings,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    url: str,
    reason: str,
) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    caplog.set_level(logging.WARNING, "unitledger")
    logging.getLogger("unitledger").propagate = True
    notify(settings, "run-1", ["gpu: broken"])
    assert f"webhook: {reason}" in caplog.text
    assert "secret" not in caplog.text


def test_the_end_of_a_run_posts_what_failed_in_it(settings: Settings, hook: Hook) -> None:
    run = Run(settings)
    with run.hold():
        with run.hold():
            run.fail("gpu: broken")
        assert hook.asked == []
    assert hook.messages == ["gpu: broken"]


def test_without_a_webhook_nothing_is_kept(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, RATES)
    with Run(settings).hold():
        pass
    assert not (settings.lake.root / "notified.json").exists()
