"""The unit tests of the dbt models, beside them in YAML, on the sample company's warehouse."""

import json
import shutil

import pytest
import yaml
from company import ROOT, Company
from dbt_project import DbtProject

NAMES = sorted(
    test["name"]
    for file in (ROOT / "dbt" / "models").rglob("_*.yml")
    for test in yaml.load(file.read_text(), yaml.CSafeLoader).get("unit_tests", ())
)


@pytest.fixture(scope="module")
def messages(company: Company, dbt_project: DbtProject) -> dict[str, str]:
    """What dbt says of each unit test; it runs all of them at once."""
    shutil.copy(company.folder / "warehouse.duckdb", dbt_project.warehouse)
    run = dbt_project.run("test", "--select", "test_type:unit")
    file = dbt_project.target / "run_results.json"
    assert file.exists(), run.stdout
    return {
        result["unique_id"].rsplit(".", 1)[1]: f"{result['status']}: {result['message'] or ''}"
        for result in json.loads(file.read_text())["results"]
    }


def test_dbt_knows_every_unit_test(messages: dict[str, str]) -> None:
    assert sorted(messages) == NAMES
    assert len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_dbt_unit_test(messages: dict[str, str], name: str) -> None:
    assert messages[name].startswith("pass: "), messages[name]
