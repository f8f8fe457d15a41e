"""Cost Management's own client, with what it lacks: throttling headers, errors as sentences.

Its SDK waits for a standard Retry-After header only; Cost Management says how long to wait in up to
four headers of its own, one a quota, and often in those alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HeadersPolicy, RetryPolicy, SansIOHTTPPolicy
from azure.identity import DefaultAzureCredential
from azure.mgmt.costmanagement import CostManagementClient

from models.errors import ConfigError, ContractError, FetchError

_QUOTAS = ("qpu", "entity", "tenant", "client")
WAIT_HEADERS = tuple(f"x-ms-ratelimit-microsoft.costmanagement-{q}-retry-after" for q in _QUOTAS)
LONGEST_WAIT = 300.0  # seconds; a vendor that asks for more is left alone until the next run
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ThrottlingPolicy(RetryPolicy):  # type: ignore[type-arg]
    """Retry what was throttled after the longest of all waits that the answer asks for."""

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """Return the seconds to wait; None where no header says."""
        asked = [super().get_retry_after(response)]
        for header in WAIT_HEADERS:
            text = response.http_response.headers.get(header)
            if text and text.strip().replace(".", "", 1).isdigit():
                asked.append(float(text))
        return max((seconds for seconds in asked if seconds is not None), default=None)

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Tell whether to ask again; not where it would take too long."""
        is_soon = (self.get_retry_after(response) or 0) <= LONGEST_WAIT
        return is_soon and super().is_retry(settings, response)

    def _is_method_retryable(self, *arguments: Any, **named: Any) -> bool:
        """Questions are POSTs here, but they change nothing."""
        return True


class _LoopbackToken(SansIOHTTPPolicy[Any, Any]):
    """A token that no real server takes: tokens of value are never sent without encryption."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = "Bearer loopback"


class _WithoutSignatures(logging.Filter):
    """A link to a report is a password for it; the SDK leaves it out of its logs, urllib3 not."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "sig=" not in record.getMessage()


_WITHOUT_SIGNATURES = _WithoutSignatures()


def split_location(location: str) -> tuple[str, str]:
    """Return the address of the API and the scope, of https://management.azure.com/<scope>."""
    parts = urlsplit(location)
    scope = parts.path.strip("/")
    if not scope:
        raise ConfigError(
            f"location {location} names no scope; allowed: "
            "https://management.azure.com/subscriptions/… or …/providers/Microsoft.Billing/…"
        )
    return f"{parts.scheme}://{parts.netloc}", scope


@contextmanager
def connect(address: str) -> Iterator[CostManagementClient]:
    """Open the client; its login is whatever Azure's own chain of logins finds."""
    host = urlsplit(address).hostname or ""
    if not address.startswith("https://") and host not in _LOOPBACK:
        raise ConfigError(f"{address} would send a token unencrypted: use https")
    # Adding the same filter again changes nothing.
    logging.getLogger("urllib3.connectionpool").addFilter(_WITHOUT_SIGNATURES)
    policies: dict[str, Any] = {
        "retry_policy": ThrottlingPolicy(retry_total=6, retry_backoff_factor=2),
        # A caller with a name has a quota of its own.
        "headers_policy": HeadersPolicy({"ClientType": "unitledger"}),
    }
    if not address.startswith("https://"):
        policies["authentication_policy"] = _LoopbackToken()
    with CostManagementClient(DefaultAzureCredential(), address, **policies) as client:
        yield client


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise ConfigError(
            f"{name}: no login of this machine may read costs: {said(error)}"
        ) from error
    except HttpResponseError as error:
        status = error.status_code or 0
        if status in (401, 403):
            raise ConfigError(f"{name} answered {status}: {said(error)}") from error
        if status in (408, 429) or status >= 500:
            raise FetchError(f"{name} still answers {status}; try again later") from error
        if status < 400:
            raise FetchError(f"{name}: the answer cannot be read: {said(error)}") from error
        raise RefusedError(f"{name} answered {status}: {said(error)}") from error
    except ServiceRequestError as error:
        raise FetchError(f"{name} cannot be reached: {type(error).__name__}") from error
    except AzureError as error:
        raise FetchError(f"{name}: {said(error)}") from error


class RefusedError(ContractError):
    """Azure understood the question and said no: this scope is not offered such a report."""


def said(error: Exception) -> str:
    """Return the first line of an error, without the query of any address in it."""
    line = str(error).strip().partition("\n")[0]
    return " ".join(word.partition("?")[0] for word in line.split(" "))[:300]
