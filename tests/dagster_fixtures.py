"""One account for Dagster's jobs, for all that name this in `pytest_plugins`."""

from pathlib import Path

import pytest

from pipelines import steps
from pipelines.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One account with two months of hourly bills."""
    monkeypatch.setattr("pipelines.run.export_all", lambda settings: [])
    # What is built here has nothing to be judged.
    monkeypatch.setattr(steps, "judge_marts", lambda run: None)
    for period, amount in (("2026-09", "1.10"), ("2026-10", "2.20")):
        answer = tmp_path / "bills" / period / "20261103T060000Z" / "pods.json"
        answer.parent.mkdir(parents=True)
        answer.write_text(
            f'[{{"time": "{period}-01T00:00:00Z", "amount": {amount}, '
            '"timeBilledMs": 3600000, "podId": "pod"}]'
        )
    (tmp_path / "unitledger.yml").write_text(
        "sources: {gpu: {connector: runpod_billing, location: bills}}\n"
    )
    return load_settings(tmp_path / "unitledger.yml")
