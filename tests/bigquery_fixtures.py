"""A BigQuery on loopback for all tests that name this in `pytest_plugins`."""

from collections.abc import Iterator

import google.api_core.retry.retry_unary
import pytest
from bigquery_server import BigQuery, serve
from gcp_rows import set_today


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[BigQuery]:
    with serve() as bigquery:
        yield bigquery


@pytest.fixture
def bigquery(bigquery_server: BigQuery, monkeypatch: pytest.MonkeyPatch) -> BigQuery:
    """A server with an empty table, on the fifth of November; no retry waits."""
    bigquery_server.reset()
    monkeypatch.setattr(google.api_core.retry.retry_unary.time, "sleep", lambda seconds: None)
    set_today(monkeypatch, "2026-11-05")
    return bigquery_server
