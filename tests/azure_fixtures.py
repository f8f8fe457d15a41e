"""Azure's API on loopback and a lake that reads it, for all that name this in `pytest_plugins`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_reader import Reader, playing
from azure_server import CostManagement


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the SDK would have slept."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> Iterator[CostManagement]:
    with playing(monkeypatch) as running:
        yield running


@pytest.fixture
def reader(api: CostManagement, tmp_path: Path) -> Reader:
    return Reader(api, tmp_path)
