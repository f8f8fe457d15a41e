"""The sample company, run once for all tests that look at its results."""

import os

import pytest
from company import Company, write_sample_config
from filelock import FileLock


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    base = tmp_path_factory.getbasetemp()
    # Test processes that run side by side share one company.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "company"
    folder.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if (folder / "warehouse.duckdb").exists():
            return Company(folder, folder / "unitledger.yml")
        finished = Company(folder, write_sample_config(folder))
        run = finished.unitledger("run")
        assert run.returncode == 0, run.stdout + run.stderr
    return finished
