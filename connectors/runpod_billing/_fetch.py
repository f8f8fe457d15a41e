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


# Of each API, the answers that together are the bill, and the paths that they are found under.
_ANSWERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "v1": {
        "pods": ("pods",),
        "endpoints": ("endpoints",),
        "networkvolumes": ("networkvolumes",),
    },
    "v2": {
        "pods": ("pods",),
        "serverless": ("serverless",),
        "public-endpoints": ("endpoints",),
        "clusters": ("clusters",),
        # Its documentation says the second, its servers have been seen to know only the first.
        "networkvolumes": ("network-volumes", "networkvolumes"),
    },
}
# v1 alone has to be told; v2 always answers by resource.
_GROUPINGS = {"pods": "podId", "endpoints": "endpointId"}


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the answers about one month into `folder`."""
    delivery = _http.fetch(source, delivery, folder, _ask_all)
    for file in sorted(path.name for path in folder.glob("*.json")):
        _check_period(read_answer(folder, file), file, delivery.slot)
    return delivery


def _ask_all(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, RunPodOptions)
    version = "v2" if source.location.rstrip("/").endswith("/v2") else "v1"
    asked: dict[str, Any] = {"url": source.location}
    with _http.connect(source.location, source.options.api_key_env) as api:
        for answer, paths in _ANSWERS[version].items():
            params = _window(delivery.slot) | {"bucketSize": "hour"}
            if version == "v1" and answer in _GROUPINGS:
                params["grouping"] = _GROUPINGS[answer]
            asked[answer] = _ask(api, paths, params, folder / f"{answer}.json")
    return replace(delivery, request=asked)


def _window(period: str) -> dict[str, str]:
    """Return a month up to its last second: a bucket that starts at its end is another month's.

    The hour that is running is left out.
    """
    start, month_end = _http.month_bounds(period)
    this_hour = _http.now().replace(minute=0, second=0, microsecond=0)
    end = min(month_end, max(this_hour, start + timedelta(hours=1))) - timedelta(seconds=1)
    return {
        "startTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _ask(
    api: _http.Api, paths: tuple[str, ...], params: Mapping[str, str], file: Path
) -> dict[str, Any]:
    for path in paths:
        try:
            answer = api.get(f"billing/{path}", params)
        except _http.RejectedError as error:
            # Not every account is offered everything that may be billed; pods are its heart.
            if error.status != 404 or path == "pods":
                raise
        else:
            file.write_bytes(answer)
            return {"path": path, **params}
    return {"offered": False}


def _check_period(answer: Answer, file: str, period: str) -> None:
    """Refuse records of another month: they would be counted in two slots."""
    months = {str(row.get("time") or row.get("startTime"))[:7] for row in answer.records}
    others = {month for month in months if re.fullmatch(r"\d{4}-\d{2}", month)} - {period}
    if others:
        raise ContractError(f"{file} has records of {min(others)}; it belongs to {period} alone")
