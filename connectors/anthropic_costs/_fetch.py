"""Bring a month of pages here: from the API, or from saved answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from connectors import _http
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors.anthropic_costs._pages import PAGINGS, WORKSPACES, Dimension, check
from models.errors import ContractError
from models.manifest import Manifest


class AnthropicOptions(Options):
    """`admin_key_env` names the environment variable with the admin key, never the key itself."""

    admin_key_env: str = "ANTHROPIC_ADMIN_KEY"
    # How it is sent: an admin key as documented, a token of an identity provider as a bearer's.
    sent_as: Literal["x-api-key", "bearer"] = "x-api-key"
    # The API does not say which organization answers: a name for it, by default the source's.
    billing_account_id: str | None = None
    # Which endpoints are asked: the legacy ones if the others are not offered, or one kind only.
    report: Literal["auto", "analytics", "legacy"] = "auto"
    # Of the analytics endpoints, most important first: the last ones are left out if refused.
    group_by: tuple[Dimension, ...] = Field(
        default=("workspace_id", "model", "api_key_id", "service_tier", "context_window"),
        min_length=1,
        max_length=5,
    )


# The first day that the analytics endpoints know, and how many days they look back.
_ANALYTICS_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_ANALYTICS_LOOKBACK = timedelta(days=365)
# How long after its end a month is read again: after the refresh mark, or where there is none.
_AFTER_REFRESH, _DAYS_WITHOUT_MARK = timedelta(days=3), 7
_VERSION = {"anthropic-version": "2023-06-01"}
_BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
_LEGACY_USAGE = (
    ("workspace_id", "model", "service_tier", "context_window", "inference_geo", "api_key_id"),
    ("workspace_id", "model", "service_tier", "context_window", "inference_geo"),
    ("workspace_id", "model", "service_tier"),
    ("workspace_id", "model"),
)
_LEGACY_DAYS = (31, 7, 1)  # an answer with too many rows is refused: ask for fewer days


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer a delivery a month: live, each until it is final."""
    for delivery in _http.discover(source, window, landed, _is_final):
        if "replaces" in delivery.request:
            report = landed[delivery.slot][-1].request.get("report")
            delivery = replace(delivery, request={**delivery.request, "report": report})
        yield delivery


def _is_final(manifest: Manifest) -> bool:
    _, end = _http.month_bounds(manifest.slot)
    mark = manifest.request.get("data_refreshed_at")
    if mark:
        return datetime.fromisoformat(mark) >= end + _AFTER_REFRESH
    return _http.is_settled(manifest, _DAYS_WITHOUT_MARK)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the pages of one month into `folder`."""
    delivery = _http.fetch(source, delivery, folder, _ask_all)
    mark = check(folder, delivery.slot)
    return replace(delivery, request={**delivery.request, "data_refreshed_at": mark})


def _ask_all(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, AnthropicOptions)
    options = source.options
    key = _http.Credential(options.admin_key_env)
    if options.sent_as == "x-api-key":
        key = _http.Credential(options.admin_key_env, header="x-api-key", scheme="")
    unfinished = _http.unfinished_folder(delivery, folder)
    with _http.connect(source.location, key, _VERSION, unfinished) as api:
        asked = _ask(api, options, delivery, folder)
        asked[WORKSPACES] = _names(api, folder)
    return replace(delivery, request={"url": source.location, **asked})


def _ask(
    api: _http.Api, options: AnthropicOptions, delivery: Delivery, folder: Path
) -> dict[str, Any]:
    """Ask for the analytics, and for the legacy reports where those are not to be had."""
    refused: Exception | None = None
    if options.report != "legacy" and (options.report == "analytics" or _looks_back(delivery)):
        try:
            return _save_all(api, "analytics", _analytics(options, delivery), folder)
        except (_http.RejectedError, _http.ForbiddenError) as error:
            if options.report == "analytics" or error.status not in (400, 403, 404):
                raise
            refused = error
    if delivery.request.get("report") == "analytics":
        # The legacy reports know less: they must not replace what the others said.
        said = f"{refused or 'the month is too long ago for the analytics endpoints'}"
        raise ContractError(f"{said}; {delivery.request['replaces']} stays in force") from refused
    for file in folder.glob("*.json"):  # the one of the two that was not refused
        file.unlink()
    return _save_all(api, "legacy", _legacy(delivery), folder)


def _save_all(
    api: _http.Api, report: str, endpoints: tuple[_http.Endpoint, ...], folder: Path
) -> dict[str, Any]:
    asked: dict[str, Any] = {"report": report}
    for endpoint in endpoints:
        asked[endpoint.name] = _http.save(api, endpoint, folder)
    return asked


def _names(api: _http.Api, folder: Path) -> dict[str, Any]:
    """Ask for the workspaces' names; a key that may not read them still reads the bill."""
    endpoint = _http.Endpoint(
        WORKSPACES,
        "organizations/workspaces",
        {"include_archived": "true", "limit": 100},
        paging=PAGINGS[WORKSPACES],
        optional=True,
    )
    try:
        return _http.save(api, endpoint, folder)
    except _http.ForbiddenError:
        return {"offered": False}


def _looks_back(delivery: Delivery) -> bool:
    start, _ = _http.month_bounds(delivery.slot)
    return start >= max(_ANALYTICS_BEGIN, _http.now() - _ANALYTICS_LOOKBACK)


def _bounds(delivery: Delivery) -> dict[str, str]:
    start, end = _http.month_so_far(delivery.slot)
    return {"starting_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


def _analytics(options: AnthropicOptions, delivery: Delivery) -> tuple[_http.Endpoint, ...]:
    groups = [list(options.group_by[:number]) for number in range(len(options.group_by), 0, -1)]
    finest: dict[str, list[_http.Params]] = {
        "cost": [{"group_by[]": [*group, "cost_type", "token_type"]} for group in groups],
        "usage": [{"group_by[]": [*group]} for group in groups],
    }
    # By time, so that what is used meanwhile does not move rows from one page to another.
    params: _http.Params = {
        "time_bucket_width": "1d",
        "limit": 1000,
        "order_by": "time",
        "order": "asc",
        **_bounds(delivery),
    }
    return tuple(
        _http.Endpoint(
            name,
            f"organizations/analytics/{name}",
            params,
            ladders=(_http.Ladder(steps),),
            headers=_BETA,
        )
        for name, steps in finest.items()
    )


def _legacy(delivery: Delivery) -> tuple[_http.Endpoint, ...]:
    params: _http.Params = {"bucket_width": "1d", **_bounds(delivery)}
    cost_steps: list[_http.Params] = [
        {"group_by[]": ["workspace_id", "description"], "limit": days} for days in _LEGACY_DAYS
    ]
    usage_steps: list[_http.Params] = [
        {"group_by[]": list(group), "limit": days}
        for group in _LEGACY_USAGE
        for days in _LEGACY_DAYS
    ]
    paths = {
        "cost_report": ("organizations/cost_report", cost_steps),
        "messages": ("organizations/usage_report/messages", usage_steps),
    }
    return tuple(
        _http.Endpoint(name, path, params, ladders=(_http.Ladder(steps),))
        for name, (path, steps) in paths.items()
    )
