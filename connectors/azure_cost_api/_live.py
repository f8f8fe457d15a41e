"""Ask Cost Management about one month of one scope: reports of both datasets, else a query."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.rest import HttpRequest
from azure.mgmt.costmanagement import CostManagementClient
from azure.storage.blob import BlobClient, ExponentialRetry

from connectors import _http
from connectors._base import Delivery
from connectors.azure_cost_api._client import RefusedError, connect, explained, split_location
from connectors.azure_cost_api._options import ApiOptions
from models.errors import ContractError, FetchError

POLL_SECONDS = 30  # where Azure does not say when to ask again
MOST_PAGES = 10_000
METRICS = {"actual": "ActualCost", "amortized": "AmortizedCost"}


def ask(location: str, options: ApiOptions, delivery: Delivery, folder: Path) -> dict[str, Any]:
    """Write the month's files; return what was asked."""
    address, scope = split_location(location)
    with connect(address) as client:
        return _ask(client, scope, options, delivery, folder)


def _ask(
    client: CostManagementClient,
    scope: str,
    options: ApiOptions,
    delivery: Delivery,
    folder: Path,
) -> dict[str, Any]:
    days = _days(delivery.slot)
    if options.interface != "query":
        try:
            return _reports(client, scope, days, folder / delivery.slot)
        except RefusedError:
            # What a report said before is not replaced by the less that a query knows.
            if options.interface == "report" or delivery.request.get("interface") == "report":
                raise
            shutil.rmtree(folder / delivery.slot, ignore_errors=True)
    return _query(client, scope, options, days, folder / delivery.slot / "query")


def _days(period: str) -> tuple[str, str]:
    """Return the first and the last day of a month, both included; not beyond today."""
    start, end = _http.month_bounds(period)
    last = min(end - timedelta(days=1), _http.now())
    return f"{start:%Y-%m-%d}", f"{last:%Y-%m-%d}"


# --- cost details reports -------------------------------------------------------------------------


def _reports(
    client: CostManagementClient, scope: str, days: tuple[str, str], folder: Path
) -> dict[str, Any]:
    asked: dict[str, Any] = {"interface": "report", "days": list(days)}
    for dataset, metric in METRICS.items():
        blobs = _report(client, scope, metric, days)
        for number, (link, size) in enumerate(blobs, 1):
            target = folder / dataset / f"{number:04d}.csv"
            target.parent.mkdir(parents=True, exist_ok=True)
            _download(link, size, target)
        asked[dataset] = len(blobs)
    return asked


def _report(
    client: CostManagementClient, scope: str, metric: str, days: tuple[str, str]
) -> list[tuple[str, int | None]]:
    """Order one report and wait for it; return its files as links, and their sizes."""
    name = f"generateCostDetailsReport of {scope} ({metric}, {days[0]} to {days[1]})"
    question = {"metric": metric, "timePeriod": {"start": days[0], "end": days[1]}}
    with explained(name):
        result = client.generate_cost_details_report.begin_create_operation(
            scope,
            json.dumps(question).encode(),  # type: ignore[call-overload]
            polling_interval=POLL_SECONDS,
        ).result()
    # A scope without any costs is answered at once, by 204 and no body.
    if result is None or result.status == "NoDataFound":
        return []
    if result.status != "Completed" or result.manifest is None:
        message = result.error.message if result.error else None
        status = getattr(result.status, "value", result.status)
        raise FetchError(f"{name} ended as {status}: {message}; try again later")
    return [(blob.blob_link, blob.byte_count) for blob in result.manifest.blobs or []]


def _download(link: str, size: int | None, target: Path) -> None:
    """Download a part of a report. Its link is a password: it is named without its signature."""
    name = f"{urlsplit(link).hostname}{urlsplit(link).path}"
    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4)
    with (
        explained(name),
        BlobClient.from_blob_url(link, retry_policy=retry) as blob,
        target.open("wb") as output,
    ):
        output.writelines(blob.download_blob().chunks())
    if size is not None and target.stat().st_size != size:
        raise FetchError(f"{name} has {target.stat().st_size} bytes; the report says {size}")


# --- queries --------------------------------------------------------------------------------------


def _query(
    client: CostManagementClient,
    scope: str,
    options: ApiOptions,
    days: tuple[str, str],
    folder: Path,
) -> dict[str, Any]:
    question = {
        "type": "ActualCost",
        "timeframe": "Custom",
        "timePeriod": {"from": f"{days[0]}T00:00:00Z", "to": f"{days[1]}T23:59:59Z"},
        "dataset": {
            "granularity": "Daily",
            "aggregation": {
                "totalCost": {"name": "Cost", "function": "Sum"},
                "totalQuantity": {"name": "UsageQuantity", "function": "Sum"},
            },
            "grouping": [{"type": "Dimension", "name": name} for name in options.group_by],
        },
    }
    body = json.dumps(question).encode()
    pages = 0
    for page in _pages(client, scope, body):
        pages += 1
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{pages:04d}.json").write_bytes(page)
    return {"interface": "query", "days": list(days), "pages": pages, "question": question}


def _pages(client: CostManagementClient, scope: str, body: bytes) -> Iterator[bytes]:
    """Yield the pages as sent: the SDK reads only the first, and its numbers as floats."""
    name = f"query of {scope}"
    with explained(name):
        page = client.query.usage(
            scope,
            body,  # type: ignore[call-overload]
            cls=lambda answer, result, headers: answer.http_response.read(),
        )
    seen: set[str] = set()
    while page:
        yield page
        link = _next_link(page, name)
        if not link:
            return
        if link in seen or len(seen) == MOST_PAGES:
            raise ContractError(f"{name} does not end: after {len(seen) + 1} pages a link is there")
        seen.add(link)
        page = _follow(client, link, body, name)


def _next_link(page: bytes, name: str) -> str | None:
    try:
        link = json.loads(page)["properties"].get("nextLink")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{name}: a page is not a JSON object with properties") from error
    return str(link) if link else None


def _follow(client: CostManagementClient, link: str, body: bytes, name: str) -> bytes:
    """Ask the same question again at the address of the next page, of the same host only."""
    here, there = urlsplit(client._config.base_url), urlsplit(link)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise ContractError(f"{name}: the next page is at {there.netloc}, which is not asked")
    request = HttpRequest("POST", link, content=body, headers={"Content-Type": "application/json"})
    with explained(name):
        answer = client.send_request(request)
        answer.raise_for_status()
        return answer.read()
