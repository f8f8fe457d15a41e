"""The dbt project, parsed once for all tests that need what dbt knows of it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from company import ROOT
from filelock import FileLock

_DBT = (sys.executable, "-c", "from dbt.cli.main import cli; cli()")


@dataclass(frozen=True)
class DbtProject:
    """dbt's commands on the project, with a warehouse of its own; all write into one folder."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        """Return where the warehouse is to be; DuckDB names the catalog after the file."""
        return self.folder / "warehouse.duckdb"

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def manifest(self) -> Path:
        """Return what `make dbt-parse` writes; every command of dbt does."""
        file = self.target / "manifest.json"
        if not file.exists():
            run = self.run("parse", "--quiet")
            assert run.returncode == 0, run.stdout
        return file

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of dbt. The same environment each time, or dbt parses again."""
        project = str(ROOT / "dbt")
        folders = ["--project-dir", project, "--profiles-dir", project]
        outputs = ["--target-path", str(self.target), "--log-path", str(self.folder / "logs")]
        with FileLock(self.folder.with_suffix(".lock")):
            return subprocess.run(
                [*_DBT, *command, *folders, *outputs],
                check=False,
                capture_output=True,
                text=True,
                env={
                    **os.environ,
                    "UNITLEDGER_WAREHOUSE": str(self.warehouse),
                    "UNITLEDGER_LAKE": str(self.folder.with_name("company") / "lake"),
                    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                },
            )
