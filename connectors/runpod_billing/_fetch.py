"""Bring a month of answers here: from the API, or from saved ones."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors import _http
from connectors._base import Delivery, Options, Source
from connectors.runpod_billing._answers import Answer, read_answer
from models.errors import ContractError


class RunPodOptions(Options):
    """`api_key_env` names the environment variable with the API key, never the key itself."""

    api_key_env: str = "RUNPOD_API_KEY"
    # The API does not say whose account answers: a name for it, by default the source's.
    billing_account_id: str | None = None


# Of each API, the endpoints that together are the bill, and what v1 is to group them by.
_ENDPOINTS: Mapping[str, Mapping[str, str | None]] = {
    "v1": {"pods": "podId", "endpoints": "endpointId", "networkvolumes": None},
    "v2": {"pods": None, "serverless": None, "clusters": None, "networkvolumes": None},
}


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the answers about one month into `folder`."""
    if _http.is_url(source.location):
        delivery = _fetch_live(source, delivery, folder)
    else:
        delivery = _http.copy_saved(source, delivery, folder)
    for file in sorted(path.name for path in folder.glob("*.json")):
        _check_period(read_answer(folder, file), file, delivery.slot)
    return delivery


def _fetch_live(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, RunPodOptions)
    version = source.location.rstrip("/").rpartition("/")[2]
    endpoints = _ENDPOINTS.get(version, _ENDPOINTS["v1"])
    start, month_end = _http.month_bounds(delivery.slot)
    this_hour = _http.now().replace(minute=0, second=0, microsecond=0)
    # The last second of the window: a bucket that starts at its end is another month's, and the
    # hour that is running is left out.
    end = min(month_end, max(this_hour, start + timedelta(hours=1))) - timedelta(seconds=1)
    asked: dict[str, Any] = {"url": source.location}
    with _http.connect(source.location, source.options.api_key_env) as api:
        for endpoint, grouping in endpoints.items():
            params = {
                "startTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "endTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "bucketSize": "hour",
            } | ({"grouping": grouping} if grouping else {})
            asked[endpoint] = _ask(api, endpoint, params, folder)
    return replace(delivery, request=asked)


def _ask(api: _http.Api, endpoint: str, params: Mapping[str, str], folder: Path) -> dict[str, Any]:
    try:
        answer = api.get(f"billing/{endpoint}", params)
    except _http.RejectedError as error:
        if error.status == 404 and endpoint != "pods":
            return {"offered": False}
        raise
    (folder / f"{endpoint}.json").write_bytes(answer)
    return dict(params)


def _check_period(answer: Answer, file: str, period: str) -> None:
    """Refuse records of another month: they would be counted in two slots."""
    months = {str(row.get("time") or row.get("startTime"))[:7] for row in answer.records}
    others = {month for month in months if re.fullmatch(r"\d{4}-\d{2}", month)} - {period}
    if others:
        raise ContractError(f"{file} has records of {min(others)}; it belongs to {period} alone")
