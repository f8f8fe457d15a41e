"""Small files of the lake are read from copies, which hold the same rows and are written once."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from connectors._lake import Lake
from pipelines import small_files
from pipelines.small_files import files_to_read

DAYS = (
    date(2026, 5, 30),
    date(2026, 6, 2),
    date(2026, 8, 1),
    date(2026, 8, 2),
    date(2026, 9, 1),
    date(2026, 9, 2),
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    (lake.root / "states").mkdir(parents=True)
    return lake


def delivered(lake: Lake, days: tuple[date, ...], version: int = 1) -> pl.DataFrame:
    """Write a file of a row for each day; return their index."""
    files = [f"states/{day:%m%d}v{version}.parquet" for day in days]
    for day, file in zip(days, files, strict=True):
        pl.DataFrame({"day": [day], "version": [version]}).write_parquet(lake.root / file)
    return pl.DataFrame(
        {"file": files, "days": [[{"day": day}] for day in days], "billing_period": None},
        schema_overrides={"billing_period": pl.String},
    )


def read(lake: Lake, index: pl.DataFrame) -> tuple[list[str], list[tuple[date, int]]]:
    """Return the names of the files to read, without the hashes of copies, and their rows."""
    with duckdb.connect() as connection:
        files = files_to_read(connection, lake, index)
        rows = connection.execute("select * from read_parquet(?) order by all", [files]).fetchall()
    names = [Path(file).stem for file in files]
    return [name.rsplit("-", 1)[0] for name in names], rows


def test_a_quarter_and_a_month_that_are_over_are_one_file_each(lake: Lake) -> None:
    names, rows = read(lake, delivered(lake, DAYS))

    assert names == ["states-2026-Q2", "states-2026-08", "0901v1", "0902v1"]
    assert rows == [(day, 1) for day in DAYS]


def test_bills_are_of_their_billing_period(lake: Lake) -> None:
    index = delivered(lake, DAYS)
    bills = index.with_columns(
        days=pl.lit(None, index["days"].dtype),
        billing_period=pl.Series([f"{day:%Y-%m}" for day in DAYS]),
    )

    assert read(lake, bills) == read(lake, index)


def test_a_copy_is_written_once_and_another_where_a_day_came_again(lake: Lake) -> None:
    index = delivered(lake, DAYS)
    read(lake, index)
    (spring, summer) = sorted((lake.root / "facts").iterdir(), reverse=True)
    written = spring.stat().st_mtime_ns, summer.stat().st_mtime_ns
    again = pl.concat([index[:2], delivered(lake, DAYS[2:3], 2), index[3:]])

    read(lake, index)
    names, rows = read(lake, again)

    assert (spring.stat().st_mtime_ns, summer.stat().st_mtime_ns) == written
    assert len(list((lake.root / "facts").iterdir())) == 3
    assert names == ["states-2026-Q2", "states-2026-08", "0901v1", "0902v1"]
    assert rows == [(day, 2 if day == DAYS[2] else 1) for day in DAYS]


def test_what_is_alone_large_or_of_no_day_is_read_itself(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = delivered(lake, DAYS[1:])
    plans = delivered(lake, DAYS[:1], 2).with_columns(days=pl.lit(None, index["days"].dtype))
    large = lake.root / "states" / "0801v1.parquet"
    pl.DataFrame({"day": [DAYS[2]] * 9, "version": range(9)}).write_parquet(large)
    monkeypatch.setattr(small_files, "SMALL_BYTES", large.stat().st_size)

    names, rows = read(lake, pl.concat([index, plans]))

    assert names == ["0602v1", "0801v1", "0802v1", "0901v1", "0902v1", "0530v2"]
    assert len(rows) == 14
