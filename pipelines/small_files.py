"""Small files of the lake are read from copies: a year of days, or of bills, takes longer to open
than to read."""

import hashlib
from collections.abc import Iterator
from datetime import date
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

import duckdb
import polars as pl

from connectors._lake import Lake
from connectors._sql import quoted, quoted_list
from pipelines.superseded import span_of

# Days of a few rows, bills of a few thousand; what is larger is worth its opening, and would take
# its space twice.
SMALL_BYTES = 1_000_000


def files_to_read(
    connection: duckdb.DuckDBPyConnection, lake: Lake, index: pl.DataFrame, *, rebuild: bool = False
) -> list[str]:
    """Return the files to read all rows of a table from: of small files a copy a quarter, and of
    the newest quarter one a month. Large files, and those of the newest month, are read themselves.

    `index` has the table's files in force. A copy that is not there is written; with `rebuild`,
    each is, since a file may have been changed by hand when it was copied.
    """
    day = pl.col("days").list.first().struct.field("day")
    month = (pl.col("billing_period") + "-01").str.to_date()
    days = index.select(pl.coalesce(day, month).alias("day"), "file").sort(pl.all())
    dated = [(day, lake.root / file) for day, file in days.iter_rows() if day]
    spans = dict(_spans([part for part in dated if part[1].stat().st_size < SMALL_BYTES]))
    copied = set(chain.from_iterable(spans.values()))
    files = [lake.root / file for file in index["file"]]
    copies = {_copy_of(lake, span, files): files for span, files in spans.items()}
    for copy, originals in copies.items():
        if rebuild or not copy.exists():
            _write(connection, copy, originals)
    return list(map(str, [*copies, *(file for file in files if file not in copied)]))


def _spans(small: list[tuple[date, Path]]) -> Iterator[tuple[str, list[Path]]]:
    """Yield the spans before the newest month that have several files."""
    newest = max(small, default=(date.min,))[0]
    for span, of_span in groupby(small, lambda part: span_of(part[0], newest)):
        files = list(map(itemgetter(1), of_span))
        if len(files) > 1 and span != f"{newest:%Y-%m}":
            yield span, files


def _copy_of(lake: Lake, span: str, files: list[Path]) -> Path:
    """Return where the copy of these files stands, named after them: they never change."""
    table = files[0].parent.name
    names = hashlib.md5(",".join(file.stem for file in files).encode()).hexdigest()
    return lake.root / "facts" / f"{table}-{span}-{names}.parquet"


def _write(connection: duckdb.DuckDBPyConnection, copy: Path, files: list[Path]) -> None:
    copy.parent.mkdir(exist_ok=True)
    connection.execute(f"""
        copy (from read_parquet({quoted_list(list(map(str, files)))})) to {quoted(str(copy))}
        (format parquet, compression zstd, compression_level 1, use_tmp_file true)
    """)
