"""Bring a month of answers here, an answer a day: from the API, or from saved ones."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors.openrouter_activity._answers import rows_of
from models.errors import ContractError
from models.manifest import Manifest

OFFERED_DAYS = 30
READ_AGAIN_DAYS = 3  # a completed day should not change: the last ones are read again to be sure


class OpenRouterOptions(Options):
    """`management_key_env` names the environment variable with the management key."""

    management_key_env: str = "OPENROUTER_MANAGEMENT_KEY"
    # The API does not say whose account answers: a name for it, by default the source's.
    billing_account_id: str | None = None


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer a delivery a month that has a completed day."""
    for delivery in _http.discover(source, window, landed, _is_final):
        begins, _ = _http.month_bounds(delivery.slot)
        if not _http.is_url(source.location) or begins.date() < _http.now().date():
            yield delivery


def _is_final(manifest: Manifest) -> bool:
    return _http.is_settled(manifest, READ_AGAIN_DAYS)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the answers about the days of one month into `folder`."""
    delivery = _http.fetch(source, delivery, folder, _ask_all)
    for file in sorted(path.name for path in folder.glob("*.json")):
        for number, row in enumerate(rows_of(folder, file), start=1):
            if str(row.get("date"))[:7] != delivery.slot:
                raise ContractError(
                    f"{file}, row {number}: date is {row.get('date')}; it belongs to "
                    f"{delivery.slot} alone"
                )
    return delivery


def _ask_all(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, OpenRouterOptions)
    carried = _carry_over(delivery, folder)
    today = _http.now().date()
    asked: dict[str, Any] = {}
    key, unfinished = source.options.management_key_env, _http.unfinished_folder(delivery, folder)
    with _http.connect(source.location, key, unfinished=unfinished) as api:
        for day in _days(delivery.slot, today):
            age = (today - day).days
            if age <= OFFERED_DAYS and (age <= READ_AGAIN_DAYS or str(day) not in carried):
                asked[str(day)] = _http.save(api, _question(day), folder)
    if not asked and not carried:
        raise ContractError(
            f"{source.name}: {delivery.slot} is too long ago; OpenRouter offers the last "
            f"{OFFERED_DAYS} completed days"
        )
    return replace(delivery, request={"url": source.location, "asked": asked})


def _carry_over(delivery: Delivery, folder: Path) -> set[str]:
    """Copy the days of the delivery before; return them. It is beside the one that is made."""
    replaces = delivery.request.get("replaces")
    if replaces is None:
        return set()
    before = folder.parent / delivery.slot / replaces
    if not before.is_dir():
        raise ContractError(f"{before} is not there any more: its days are not offered again")
    files = sorted(before.glob("activity-*.json"))
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return {file.name.removeprefix("activity-")[:10] for file in files}


def _days(period: str, today: date) -> Iterator[date]:
    start, end = _http.month_bounds(period)
    day = start.date()
    while day < min(end.date(), today):
        yield day
        day += timedelta(days=1)


def _question(day: date) -> _http.Endpoint:
    return _http.Endpoint(
        f"activity-{day}",
        "activity",
        {"date": str(day)},
        paging=None,
        ladders=(_http.Ladder([{"group_by": "workspace"}, {}]),),
    )
