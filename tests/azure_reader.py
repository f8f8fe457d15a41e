"""A lake that reads October from Cost Management's API, and how a test plays that API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure_exports import charges_of, csv_bytes, line
from azure_server import CostManagement, refusal, serve

from connectors import _http
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.azure_cost_api import CONNECTOR, _live


class Reader:
    """A lake that reads October from the API."""

    def __init__(self, api: CostManagement, root: Path, **options: Any) -> None:
        self.lake = Lake(root / "lake")
        self.source = Source("azure", api.location, CONNECTOR.options(**options))

    def read(self) -> dict[str, str]:
        window = Window("2026-10", "2026-10")
        failures = self.lake.land(self.source, CONNECTOR, window).failures
        return failures | normalize(self.lake, self.source, CONNECTOR)

    def total(self, column: str = "billed_cost") -> Decimal:
        return sum((row[column] for row in charges_of(self.lake)), Decimal(0))

    def manifest(self) -> dict[str, Any]:
        return dict(self.lake.manifests("azure")["2026-10"][-1].request)


@contextmanager
def playing(monkeypatch: pytest.MonkeyPatch) -> Iterator[CostManagement]:
    """Play the API on the third of November: a subscription with 6.00 in October."""
    monkeypatch.setattr(_live, "POLL_SECONDS", 7)
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 3, 6, tzinfo=UTC))
    with serve() as running:
        running.reports = {
            "ActualCost": [csv_bytes([line("6")])],
            "AmortizedCost": [csv_bytes([line("6")])],
        }
        yield running


def not_offered(api: CostManagement) -> None:
    """Let the scope be one without reports."""
    refused = refusal(400, "BadRequest", "Cost details is not supported for this offer")
    api.troubles = {"generateCostDetailsReport": [refused]}
