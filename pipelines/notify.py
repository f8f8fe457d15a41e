"""Tell a webhook of failures, late sources, budget breaches and anomalies, each once.

It never fails a run.

What was told stands in lake/notified.json. A failure, or a late source, that was not seen for two
days is forgotten: it is told again when it comes back.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import polars as pl
import stamina

from connectors._lake import Lake
from models.guardrails import Webhook
from models.signals import COUNTER_DELTAS, GAUGE_SAMPLES, RESOURCE_STATES
from models.tables import ATTEMPTS, CHARGES, METERED_USAGE, RESTATEMENTS
from pipelines.logs import LOGGER
from pipelines.money import shown
from pipelines.settings import Settings
from pipelines.warehouse import current_index, read_published

# What comes every day; prices, customers and owners may be as old as they are.
_DAILY = (ATTEMPTS, CHARGES, COUNTER_DELTAS, GAUGE_SAMPLES, METERED_USAGE, RESOURCE_STATES)
_FORGOTTEN_AFTER = timedelta(days=2)
# A breach, or an anomaly, of longer ago is history when the webhook is configured.
_NEW_DAYS = 7
_NEVER_AGAIN = ("budget_breach", "anomaly")
_ATTEMPTS, _SECONDS = 4, 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BUSY = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Event:
    """Something that somebody should know; `key` tells it from others of its kind."""

    kind: str  # failure, late_source, budget_breach or anomaly
    subject: str | None
    key: str
    message: str
    owner: str | None = None

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.kind}\n{self.key}".encode()).hexdigest()[:16]

    def payload(self) -> dict[str, Any]:
        """Return what is posted of it."""
        told = {name: value for name, value in asdict(self).items() if name != "key"}
        return {"id": self.id, **told}


class _BusyError(Exception):
    """The webhook may take it later."""


def notify(settings: Settings, run_id: str, failures: Iterable[str]) -> None:
    """Post what is new. Whatever goes wrong is a warning in the log."""
    webhook = settings.config.guardrails.webhook
    if webhook is None:
        return
    try:
        _notify(settings, webhook, run_id, failures)
    except Exception as error:
        # Not the error's own words: they may have the URL.
        LOGGER.warning("webhook: %s", _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return type(error).__name__
    return str(error) or type(error).__name__


def _notify(settings: Settings, webhook: Webhook, run_id: str, failures: Iterable[str]) -> None:
    now = datetime.now(UTC)
    events = [
        *_failures(failures, run_id),
        *_late_sources(settings, now.date()),
        *_breaches(settings),
        *_anomalies(settings),
    ]
    told = _read_told(settings.lake)
    new = [event for event in events if event.id not in told]
    if new:
        _post(webhook, _payload(run_id, new))
        LOGGER.info("webhook: posted %s", ", ".join(event.id for event in new))
    _write_told(settings.lake, _remembered(told, events, now))


def _payload(run_id: str, events: list[Event]) -> dict[str, Any]:
    """Return the body. Chat tools show its `text`."""
    lines = "\n".join(f"- {event.message}" for event in events)
    return {
        "version": 1,
        "run_id": run_id,
        "text": f"unitledger: {len(events)} new\n{lines}",
        "events": [event.payload() for event in events],
    }


# --- what there is to tell ----------------------------------------------------------------------


def _failures(sentences: Iterable[str], run_id: str) -> Iterator[Event]:
    for sentence in sentences:
        # A log's name has the run's id, which is new each time.
        yield Event("failure", None, sentence.replace(run_id, ""), sentence)


def _late_sources(settings: Settings, today: date) -> Iterator[Event]:
    allowed = settings.config.guardrails.late_after_days
    newest = _newest_days(current_index(settings))
    for name, item in settings.sources.items():
        if not any(table in item.connector.produces for table in _DAILY):
            continue
        day = newest.get(name)
        if day is None:
            yield Event("late_source", name, name, f"{name}: nothing was delivered yet")
        elif (today - day).days > allowed:
            yield Event(
                "late_source",
                name,
                name,
                f"{name}: its newest day is {day}, {(today - day).days} days ago; "
                f"it is late after {allowed}",
            )


def _newest_days(index: pl.DataFrame) -> dict[str, date]:
    """Return the newest day of each source; what is valid for ever has no day of its own."""
    in_force = (pl.col("status") == "current") & (pl.col("table") != RESTATEMENTS.name)
    days = index.filter(in_force).select("source", "days").explode("days").unnest("days")
    dated = days.filter(pl.col("day") > date(1970, 1, 1))
    return dict(dated.group_by("source").agg(pl.col("day").max()).iter_rows())


def _breaches(settings: Settings) -> Iterator[Event]:
    rows = _newest(
        settings,
        "select budget_id, entity, value, period_kind, period_start, threshold, "
        "crossed_on, billing_currency, owner, amount, spent_cost "
        "from marts.budget_breaches where crossed_on > {since} "
        "order by crossed_on, budget_id, value, threshold",
    )
    for budget, entity, value, kind, start, threshold, day, currency, owner, amount, spent in rows:
        yield Event(
            "budget_breach",
            budget,
            f"{budget}\n{value}\n{start}\n{threshold}",
            f"budget {budget}: {entity} {value} has spent {shown(round(spent, 2))} of "
            f"{shown(amount)} {currency} for the {kind} of {start}: "
            f"{shown(threshold * 100)} % was reached on {day}",
            owner,
        )


def _anomalies(settings: Settings) -> Iterator[Event]:
    # What lasts is told once; what follows a pool is told of the pool.
    rows = _newest(
        settings,
        "select charge_date, billing_currency, entity, value, owner, observed_cost, "
        "expected_estimate from marts.anomalies where charge_date > {since} "
        "and days_in_a_row = 1 and follows_pool is null "
        "order by charge_date, billing_currency, entity, value",
    )
    for day, currency, entity, value, owner, observed, expected in rows:
        yield Event(
            "anomaly",
            value,
            f"{day}\n{currency}\n{entity}\n{value}",
            f"anomaly: {entity} {value} cost {shown(round(observed, 2))} {currency} on {day}; "
            f"{shown(round(expected, 2))} was to be expected",
            owner,
        )


def _newest(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of the last days that have costs; an older warehouse has none."""
    if not settings.warehouse.exists():
        return []
    since = f"(select max(charge_date) from intermediate.int_day_inputs) - {_NEW_DAYS}"
    try:
        with read_published(settings) as connection:
            return connection.execute(query.format(since=since)).fetchall()
    except duckdb.CatalogException:
        return []


# --- posting ------------------------------------------------------------------------------------


def _post(webhook: Webhook, payload: dict[str, Any]) -> None:
    url = _variable(webhook.url_env)
    is_loopback = httpx2.URL(url).host in _LOOPBACK
    if not url.startswith("https://") and not is_loopback:
        raise ValueError(f"the URL in {webhook.url_env} is not https")
    headers = {}
    if webhook.token_env:
        headers["Authorization"] = f"Bearer {_variable(webhook.token_env)}"
    with httpx2.Client(timeout=_SECONDS, trust_env=not is_loopback) as client:
        for attempt in stamina.retry_context(
            on=(_BusyError, httpx2.RequestError), attempts=_ATTEMPTS, timeout=60, wait_max=10
        ):
            with attempt:
                status = client.post(url, json=payload, headers=headers).status_code
                if status in _BUSY:
                    raise _BusyError(f"it still answers {status}")
    if not 200 <= status < 300:
        raise ValueError(f"it answered {status}")


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set")
    return value


# --- what was told ------------------------------------------------------------------------------


def _file(lake: Lake) -> Path:
    return lake.root / "notified.json"


def _read_told(lake: Lake) -> dict[str, dict[str, str]]:
    """Return what was told, by id, with its kind and when it was last seen."""
    try:
        told = json.loads(_file(lake).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return dict(told)


def _remembered(
    told: dict[str, dict[str, str]], events: Iterable[Event], now: datetime
) -> dict[str, dict[str, str]]:
    """Return what need not be told again: what happened once; else what was seen of late."""
    seen = {event.id: {"kind": event.kind, "seen": now.isoformat()} for event in events}
    return {
        name: entry
        for name, entry in (told | seen).items()
        if entry["kind"] in _NEVER_AGAIN
        or now - datetime.fromisoformat(entry["seen"]) <= _FORGOTTEN_AFTER
    }


def _write_told(lake: Lake, told: dict[str, dict[str, str]]) -> None:
    lake.root.mkdir(parents=True, exist_ok=True)
    temporary = lake.root / f".notified.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(temporary, _file(lake))
