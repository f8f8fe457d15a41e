"""Files of facts that no warehouse reads are removed, and no others."""

import hashlib
from datetime import date
from pathlib import Path

import duckdb

from connectors._lake import Lake
from pipelines.superseded import files_of, prune


def md5(*hashes: str) -> str:
    return hashlib.md5(",".join(hashes).encode()).hexdigest()


def warehouse_with(days: dict[date, str], folder: Path) -> Path:
    """Write a warehouse of these days, each with the hash of what it was built from."""
    file = folder / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute('create schema lake; create table lake."index" (file text)')
        connection.execute("""
            create table lake.copied_files as select '/lake/facts/states-2026-Q2-f.parquet' as file
        """)
        connection.execute("create schema intermediate")
        connection.execute("""
            create table intermediate.int_day_inputs (charge_date date, files map(text, text))
        """)
        for day, of_day in days.items():
            connection.execute(
                "insert into intermediate.int_day_inputs values (?, map {'costs_hash': ?})",
                [day, f"{day}-{of_day}"],
            )
    return file


def test_quarters_of_other_days_and_months_that_are_in_a_quarter_now_are_removed(
    tmp_path: Path,
) -> None:
    days = {
        date(2026, 8, 31): "a",
        date(2026, 9, 30): "b",
        date(2026, 10, 1): "c",
        date(2026, 10, 2): "d",
        date(2026, 11, 1): "e",
    }
    kept = {
        "model-2026-08-31-a",
        "model-2026-11-01-e",
        f"model-2026-Q3-{md5('a', 'b')}",
        f"model-2026-10-{md5('c', 'd')}",
        "states-2026-Q2-f",
    }
    superseded = {
        "model-2026-08-31-b",
        f"model-2026-Q3-{md5('a')}",
        f"model-2026-08-{md5('a')}",
        f"model-2026-Q4-{md5('c', 'd', 'e')}",
        "states-2026-Q2-g",
    }
    lake = Lake(tmp_path / "lake")
    facts = lake.root / "facts"
    facts.mkdir(parents=True)
    for name in kept | superseded:
        (facts / f"{name}.parquet").touch()

    prune(lake, files_of(warehouse_with(days, tmp_path)))

    assert {file.stem for file in facts.iterdir()} == kept
