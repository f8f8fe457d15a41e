"""A folder of what Kubernetes said, for all tests that name this in `pytest_plugins`."""

from pathlib import Path

import pytest
from landed_source import LandedSource

from connectors.kubernetes_events import CONNECTOR


@pytest.fixture
def cluster(tmp_path: Path) -> LandedSource:
    return LandedSource(tmp_path, CONNECTOR)
