"""The sample company, run once for all tests that look at its results."""

import pytest
from company import Company, write_sample_config


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    finished = Company(folder, write_sample_config(folder))
    run = finished.unitledger("run")
    assert run.returncode == 0, run.stdout + run.stderr
    return finished
