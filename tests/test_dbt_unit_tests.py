"""The unit tests of the dbt models, beside them in YAML, on the sample company's warehouse."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from company import ROOT, Company


def test_every_dbt_unit_test_passes(company: Company, tmp_path: Path) -> None:
    # DuckDB names the catalog after the file: the copy has the same name.
    shutil.copy(company.folder / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "test"]
    folders = ["--project-dir", str(ROOT / "dbt"), "--profiles-dir", str(ROOT / "dbt")]
    outputs = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]

    run = subprocess.run(
        [*dbt, "--select", "test_type:unit", *folders, *outputs],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "UNITLEDGER_WAREHOUSE": str(tmp_path / "warehouse.duckdb"),
            "UNITLEDGER_LAKE": str(company.folder / "lake"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
    )

    assert run.returncode == 0, run.stdout
    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"pass"}
    assert len(results) >= 15
