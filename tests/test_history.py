"""A day is added to a history without a look at the history's requests."""

import re
from pathlib import Path

import duckdb
import pytest

from benchmarks import history

# The day that is added is 2026-10-04; a week is looked at as a whole.
RECENT = "2026-09-20"


def old_requests(built: Path) -> list[Path]:
    """Return the files with a row a request of days that nothing new can touch. Of the models' the
    oldest is left: a view looks there for its columns."""
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(f"""
            select files[1] from lake.day_files
            where table_name = 'attempts' and charge_date < date '{RECENT}' order by charge_date
        """).fetchall()
    kept = [built / "lake" / "attempts" / Path(file).name for (file,) in rows]
    for model in ("attempt_costs", "int_capacity_shares"):
        kept += sorted((built / "lake" / "facts").glob(f"{model}-*"))[1:-20]
    return kept


def quarters(built: Path) -> set[str]:
    """Return the files of whole quarters that the warehouse reads; each of them is there."""
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        views = connection.execute("select sql from duckdb_views()").fetchall()
    read = {name for (view,) in views for name in re.findall(r"[\w-]+-Q\d-\w{32}\.parquet", view)}
    assert read <= {file.name for file in (built / "lake" / "facts").iterdir()}
    return read


@pytest.mark.slow
def test_a_day_is_added_though_the_files_of_older_requests_are_broken(tmp_path: Path) -> None:
    history.write_history(tmp_path, 30, 20)
    history.build_history(tmp_path)
    broken = old_requests(tmp_path / "built")
    assert len(broken) > 20
    for file in broken:
        # Not in place: the lake that was written links to the same file.
        file.unlink()
        file.write_bytes(b"no Parquet at all")
    before = quarters(tmp_path / "built")
    # Fails where anything asks for one of them.
    assert history.add_day(tmp_path)["nodes"]
    # A quarter that is over is read from the same files as before, of days and of pairs.
    assert {name.split("-")[0] for name in before} > {"int_unit_days", "int_cost_changes"}
    assert quarters(tmp_path / "work") == before
