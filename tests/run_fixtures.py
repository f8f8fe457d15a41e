"""Two small accounts to run, without exports, for all that name this in `pytest_plugins`."""

from pathlib import Path

import pytest
from run_workspace import build_without_dbt, write_bill, write_project

from pipelines import steps
from pipelines.transform import run_dbt


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two accounts with a month each, a small dbt project that nobody runs, and no exports."""
    monkeypatch.setattr(steps, "run_dbt", build_without_dbt)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr("pipelines.run.export_all", lambda settings: [])
    # The small project has nothing to be judged.
    monkeypatch.setattr(steps, "judge_marts", lambda run: None)
    for account in ("one", "two"):
        write_bill(tmp_path / account, "2026-10", "20261103T060000Z", "1.10", "2.20")
    (tmp_path / "unitledger.yml").write_text(
        "sources:\n"
        "  one: {connector: runpod_billing, location: one}\n"
        "  two: {connector: runpod_billing, location: two}\n"
    )
    write_project(tmp_path / "dbt")
    return tmp_path


@pytest.fixture
def dbt_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and the dbt project is run."""
    monkeypatch.setattr(steps, "run_dbt", run_dbt)
    return workspace
