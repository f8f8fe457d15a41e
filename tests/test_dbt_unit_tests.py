"""The unit tests of the dbt models, beside them in YAML, on the sample company's warehouse."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from company import ROOT, Company

NAMES = sorted(
    test["name"]
    for file in (ROOT / "dbt" / "models").rglob("_*.yml")
    for test in yaml.safe_load(file.read_text()).get("unit_tests", ())
)


@pytest.fixture(scope="module")
def messages(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What dbt says of each unit test; it runs all of them at once."""
    folder = tmp_path_factory.mktemp("dbt")
    # DuckDB names the catalog after the file: the copy has the same name.
    shutil.copy(company.folder / "warehouse.duckdb", folder / "warehouse.duckdb")
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "test"]
    folders = ["--project-dir", str(ROOT / "dbt"), "--profiles-dir", str(ROOT / "dbt")]
    outputs = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    run = subprocess.run(
        [*dbt, "--select", "test_type:unit", *folders, *outputs],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "UNITLEDGER_WAREHOUSE": str(folder / "warehouse.duckdb"),
            "UNITLEDGER_LAKE": str(company.folder / "lake"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
    )
    file = folder / "target" / "run_results.json"
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
