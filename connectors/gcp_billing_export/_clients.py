"""Clients of Google's SDKs, and their errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)

from connectors._base import Source
from connectors.gcp_billing_export._options import GcpOptions
from models.errors import ConfigError, FetchError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_A_PERSON_MUST_ACT = (
    exceptions.BadRequest,
    exceptions.Forbidden,
    exceptions.NotFound,
    exceptions.Unauthorized,
    auth_exceptions.DefaultCredentialsError,
    auth_exceptions.RefreshError,
)
_TRY_AGAIN = (
    exceptions.GoogleAPIError,
    auth_exceptions.TransportError,
    requests.exceptions.RequestException,
    ConnectionError,
)
# What is refused now, and not for good; and what fails for good, though it sounds otherwise.
_BUSY = {"rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded", "backendError"}
_TOO_MUCH = {"bytesBilledLimitExceeded"}


def rest_client(source: Source, options: GcpOptions, project: str) -> bigquery.Client:
    """Return a client that queries on the bill of the configured project."""
    settings: dict[str, Any] = {}
    if options.endpoint:
        settings["client_options"] = {"api_endpoint": options.endpoint}
        if _is_loopback(source, options.endpoint):
            settings["credentials"] = AnonymousCredentials()  # type: ignore[no-untyped-call]
    return bigquery.Client(
        project=options.billing_project or project, location=options.region, **settings
    )


def storage_client(endpoint: str | None) -> BigQueryReadClient:
    """Return a client of the Storage Read API; a loopback endpoint has no encryption."""
    settings: dict[str, Any] = {}
    if endpoint and urlsplit(f"//{endpoint}").hostname in _LOOPBACK:
        unlimited = [("grpc.max_receive_message_length", -1)]
        channel = grpc.insecure_channel(endpoint, options=unlimited)
        settings["transport"] = BigQueryReadGrpcTransport(channel=channel)
    elif endpoint:
        settings["client_options"] = {"api_endpoint": endpoint}
    return BigQueryReadClient(**settings)  # type: ignore[no-untyped-call]


def _is_loopback(source: Source, endpoint: str) -> bool:
    url = urlsplit(endpoint)
    if url.scheme == "https":
        return False
    if url.hostname not in _LOOPBACK:
        raise ConfigError(f"{source.name}: endpoint is {endpoint}; allowed: https://…")
    return True


@contextmanager
def explained(source: Source) -> Iterator[None]:
    """Turn the SDKs' errors into ours: what a person must change, and what may pass."""
    try:
        yield
    except _A_PERSON_MUST_ACT as error:
        kind = FetchError if _reasons(error) & _BUSY else ConfigError
        raise kind(_sentence(source, error)) from error
    except _TRY_AGAIN as error:
        kind = ConfigError if _reasons(error) & _TOO_MUCH else FetchError
        raise kind(_sentence(source, error)) from error


def _reasons(error: Exception) -> set[str]:
    return {
        str(item.get("reason")) for item in getattr(error, "errors", ()) if hasattr(item, "get")
    }


def _sentence(source: Source, error: Exception) -> str:
    text = str(getattr(error, "message", None) or error).strip() or type(error).__name__
    return f"{source.name}: {source.location}: {text.splitlines()[0][:300]}"
