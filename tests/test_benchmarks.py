"""A small run of the benchmarks: they work, and what they build is right. Nothing is timed."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks", "--attempts", "2000"]
    command += ["--folder", str(folder), "--json", str(folder / "last.json")]
    subprocess.run(
        [*command, "--only", "cur", "--only", "tokens", "--only", "spans"],
        check=True,
        cwd=ROOT,
    )
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in json.loads((folder / "last.json").read_text())}


def test_every_step_has_rows_seconds_and_memory(rows: dict[str, dict[str, Any]]) -> None:
    assert len(rows) == 4
    for row in rows.values():
        assert row["rows"] > 1_000
        assert row["seconds"] > 0
        assert 50e6 < row["peak_memory"] < 4e9


def test_bare_scans_and_writes_read_the_files_of_every_day(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["token charges, by attempt"]["ratio"] > 0
    assert rows["token charges, by attempt"]["details"]["bare_files"] == 31


def test_generated_attempts_cost_what_their_tokens_cost(folder: Path) -> None:
    warehouse = folder / "api" / "warehouse.duckdb.building" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        costs = connection.execute("""
            select direct_cost, uncached_input_tokens, cache_read_tokens, output_tokens
            from marts.attempt_costs
            where request_model = 'gpt-5' and direct_cost is not null
        """).fetchall()
    assert len(costs) > 10
    for cost, uncached, cached, output in costs:
        true_cost = (uncached * 1_250 + cached * 125 + output * 10_000) * Decimal("1e-9")
        assert abs(cost - true_cost) <= 3 * Decimal("1e-9")
