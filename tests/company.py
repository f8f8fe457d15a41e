"""A run of the sample company in a folder of its own, as a user makes it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).parents[1]
# To open a warehouse takes longer than most questions to it: by file, its version and connection.
_OPEN: dict[Path, tuple[int, duckdb.DuckDBPyConnection]] = {}


@dataclass(frozen=True)
class Company:
    """A finished run of the sample company, in a folder of its own."""

    folder: Path
    config: Path

    def unitledger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user would."""
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *arguments, "--config", str(self.config)],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the published warehouse as an analyst does; it stays open until the next one."""
        file = self.folder / "warehouse.duckdb"
        version = file.stat().st_ino
        if file in _OPEN and _OPEN[file][0] != version:
            _OPEN.pop(file)[1].close()
        if file not in _OPEN:
            _OPEN[file] = version, duckdb.connect(str(file), read_only=True)
        return _OPEN[file][1].cursor()


def write_sample_config(folder: Path, **changes: object) -> Path:
    """Write the committed configuration with its lake, warehouse and exports in `folder`."""
    config = yaml.safe_load((ROOT / "unitledger.yml").read_text())
    for source in config["sources"].values():
        source["location"] = str((ROOT / source["location"]).resolve())
    for key in ("invoices", "control_totals"):
        config[key] = str((ROOT / config[key]).resolve())
    config.update(lake="lake", warehouse="warehouse.duckdb", exports="exports", **changes)
    file = folder / "unitledger.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file
