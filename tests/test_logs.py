"""What a run logs: each line with its run, and no secret."""

import logging
from pathlib import Path

import pytest
from run_workspace import run_of

from models.errors import ContractError
from pipelines.logs import LOGGER, RunFilter, log_to_file

pytest_plugins = ["run_fixtures"]


def test_every_log_line_carries_the_run_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_KEY", "sk-very-secret")
    run_filter = RunFilter("run-1", frozenset({"ADMIN_KEY", "UNSET_KEY"}))
    with log_to_file(tmp_path / "run.log", run_filter):
        LOGGER.info("asked with %s", "sk-very-secret")
        try:
            raise ContractError("refused sk-very-secret")
        except ContractError:
            LOGGER.exception("failed")
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert "sk-very-secret" not in "\n".join(lines)
    assert "INFO run=run-1 asked with ***" in lines[0]
    assert "run=run-1 failed" in lines[1]
    assert not [handler for handler in LOGGER.handlers if isinstance(handler, logging.FileHandler)]


def test_a_secret_never_reaches_what_the_run_says(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "rp-very-secret")
    run = run_of(workspace)
    run.fail("the vendor said: rp-very-secret is not valid")
    assert run.failures == ["the vendor said: *** is not valid"]
