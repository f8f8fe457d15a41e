"""The dbt project, parsed once for all tests that need what dbt knows of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from company import ROOT
from filelock import FileLock

# Where the processes of a test session, side by side, find the folder.
FOLDER = "UNITLEDGER_TESTS_DBT"
# To put a unit test's rows before a model, dbt has sqlparse group all tokens of its SQL, and looks
# at the outermost: parentheses are enough, and a quarter of the time is spared.
_DBT = (
    sys.executable,
    "-c",
    "import sqlparse.engine.grouping as tokens; from dbt.cli.main import cli; "
    "tokens.group = lambda statement: tokens.group_parenthesis(statement) or statement; cli()",
)


@dataclass(frozen=True)
class DbtProject:
    """dbt's commands on the project, with a warehouse of its own; all write into one folder."""

    folder: Path

    @classmethod
    def of_session(cls) -> "DbtProject":
        """Return the one of all tests, for what is no fixture."""
        return cls(Path(os.environ[FOLDER]))

    @property
    def warehouse(self) -> Path:
        """Return where the warehouse is to be."""
        return self.folder / "warehouse.duckdb"

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def manifest(self) -> Path:
        """Return what `make dbt-parse` writes; every command of dbt does."""
        return self._kept("manifest.json", self._parse)

    def compiled(self, model: str) -> str:
        """Return the SQL of a model, as dbt compiles it without looking at the warehouse."""
        return self._kept(f"{model}.sql", lambda: self._compile(model)).read_text()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of dbt."""
        with self._lock():
            return self._run(*command)

    def _lock(self) -> FileLock:
        return FileLock(self.folder.with_suffix(".lock"))

    def _kept(self, name: str, make: Callable[[], Path]) -> Path:
        """Return a copy of a file of dbt's, which the next command writes anew."""
        kept = self.folder / name
        with self._lock():
            if not kept.exists():
                shutil.copy(make(), kept)
        return kept

    def _parse(self) -> Path:
        file = self.target / "manifest.json"
        if not file.exists():
            run = self._run("parse", "--quiet")
            assert run.returncode == 0, run.stdout
        return file

    def _compile(self, model: str) -> Path:
        run = self._run("compile", "--no-introspect", "--select", model)
        assert run.returncode == 0, run.stdout
        # What unit tests are made of has the model's name too, in a folder of theirs.
        files = self.target.glob(f"compiled/*/models/**/{model}.sql")
        (found,) = (path for path in files if path.parent.suffix != ".yml")
        return found

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """The same environment each time, or dbt parses again."""
        project = str(ROOT / "dbt")
        folders = ["--project-dir", project, "--profiles-dir", project]
        logs = ["--log-path", str(self.folder / "logs"), "--log-level-file", "info"]
        outputs = ["--target-path", str(self.target), *logs]
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
