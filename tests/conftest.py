"""What all tests share: the sample company, what dbt knows of the project, and their order."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpcore2
import pytest
from company import Company, write_sample_config
from dbt_project import FOLDER, DbtProject
from filelock import FileLock

# Fixtures that may ask for the finished company.
_OF_COMPANY = {"company", "landed"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what does without the company, then what looks at it: of two processes that each begin
    with a half, the second comes to it first, and runs it while the other is busy."""
    of_company = {
        item.path for item in items if _OF_COMPANY & set(getattr(item, "fixturenames", ()))
    }
    items.sort(key=lambda item: item.path in of_company)


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look at it again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Those that the machine trusts, read once: every client of ours would read them for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all test processes that run side by side."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def company(shared: Path) -> Company:
    """The sample company, run once for all tests that look at its results."""
    folder = shared / "company"
    folder.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if (folder / "warehouse.duckdb").exists():
            return Company(folder, folder / "unitledger.yml")
        finished = Company(folder, write_sample_config(folder))
        run = finished.unitledger("run")
        assert run.returncode == 0, run.stdout + run.stderr
    return finished


@pytest.fixture(scope="session", autouse=True)
def dbt_project(shared: Path) -> DbtProject:
    """The dbt project with a folder where what dbt makes of it is kept: it is parsed once."""
    folder = shared / "dbt"
    folder.mkdir(exist_ok=True)
    os.environ[FOLDER] = str(folder)
    return DbtProject(folder)
