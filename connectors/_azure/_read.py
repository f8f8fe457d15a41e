"""The rows of Microsoft's files as text: CSV (plain or gzip) and Parquet, whatever their headers.

A delivery's files lie in a folder a month and dataset: `2026-10/actual/part_0.csv`.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._azure._columns import COLUMNS, places
from connectors._base import InputColumn
from connectors._maps.expressions import identifier
from connectors._sql import quoted
from models.errors import ContractError

_CHUNK = 1 << 20


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: every row of the actual and of the amortized dataset."""
    delivered = [file for file in sorted(files) if dataset_of(file) in ("actual", "amortized")]
    datasets = {dataset_of(file) for file in delivered}
    connection.execute(f"set variable has_both_datasets = {len(datasets) == 2}")
    query = read_rows(connection, folder, delivered, COLUMNS, "raw_rows")
    check_months(connection, query, "billing_period_start_date", "date")
    return {"raw": query}


def dataset_of(file: str) -> str:
    """Return the dataset of a delivered file."""
    return file.split("/")[1] if file.count("/") > 1 else ""


def is_data(file: str) -> bool:
    """Tell a file of rows from a manifest."""
    return file.lower().endswith((".csv", ".csv.gz", ".parquet"))


def read_rows(
    connection: DuckDBPyConnection,
    folder: Path,
    files: Sequence[str],
    columns: Sequence[InputColumn],
    table: str,
) -> str:
    """Return a query of the declared columns of all files; files without rows are well."""
    queries = [
        query
        for file in files
        if is_data(file) and (query := _file_query(connection, folder, file, columns))
    ]
    empty = ", ".join(f"cast(null as varchar) as {column.name}" for column in columns)
    if not queries:
        return f"select {empty}, null::varchar as x_file, 0::bigint as x_row where false"
    query = " union all by name ".join(queries)
    if not any(file.endswith(".parquet") for file in files):
        # A gzip file can only be read from its start: once is enough.
        connection.execute(f"create temp table {table} as {query}")
        query = f"select * from {table}"
    return query


def _file_query(
    connection: DuckDBPyConnection, folder: Path, file: str, columns: Sequence[InputColumn]
) -> str:
    """Return the query of one file; '' where it holds nothing, not even a header."""
    path = folder / file
    if file.endswith(".parquet"):
        scan, header, row = _parquet(connection, path)
    elif not (header := csv_header(path)):
        return ""
    else:
        scan, row = _csv(path, len(header)), "row_number() over ()"
    found = places(header, columns)
    _check_header(file, header, found, columns)
    index = {name: number for number, name in reversed(list(enumerate(header)))}
    is_parquet = file.endswith(".parquet")
    selected = [
        f"nullif(trim(cast({_name(source, index, is_parquet)} as varchar)), '') as {column}"
        for column, source in found.items()
    ]
    selected += [f"{quoted(file)} as x_file", f"cast({row} as bigint) as x_row"]
    said = {"dataset": dataset_of(file), "states_invoices": str("invoice_id" in found).lower()}
    declared = {column.name for column in columns}
    selected += [f"{quoted(text)} as {name}" for name, text in said.items() if name in declared]
    query = f"select {', '.join(selected)} from {scan}"
    times = [column.name for column in columns if column.kind == "time" and column.name in found]
    return with_iso_dates(connection, query, file, times)


def _name(source: str, index: dict[str, int], is_parquet: bool) -> str:
    return identifier(source) if is_parquet else f"c{index[source]}"


def _check_header(
    file: str, header: Sequence[str], found: dict[str, str], columns: Sequence[InputColumn]
) -> None:
    said = ("dataset", "states_invoices")
    missing = [
        column.name
        for column in columns
        if column.required and column.name not in found and column.name not in said
    ]
    if missing:
        raise ContractError(
            f"{file}: no column is {missing[0]}; found {', '.join(header[:8])}, …; allowed: "
            "the columns of an actual, amortized or FOCUS cost export"
        )


# --- CSV and Parquet ------------------------------------------------------------------------------


def csv_header(path: Path) -> list[str]:
    """Return the first record of a CSV file, without a byte order mark; [] for an empty file."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
            return next(csv.reader(text), [])
    except (EOFError, OSError, zlib.error) as error:
        raise ContractError(f"{path.name}: the gzip file is truncated or damaged") from error
    except UnicodeDecodeError as error:
        raise ContractError(f"{path.name} is not UTF-8; allowed: UTF-8 text") from error


def _csv(path: Path, columns: int) -> str:
    names = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(columns))
    return (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = true, skip = 0, "
        f"""delim = ',', quote = '"', escape = '"', columns = {{{names}}}, """
        "max_line_size = 16777216, hive_partitioning = false)"
    )


def _parquet(connection: DuckDBPyConnection, path: Path) -> tuple[str, list[str], str]:
    scan = f"read_parquet({quoted(str(path))}, hive_partitioning = false, file_row_number = true)"
    header = [row[0] for row in connection.execute(f"describe select * from {scan}").fetchall()]
    return scan, [name for name in header if name != "file_row_number"], "file_row_number + 1"


# --- dates ----------------------------------------------------------------------------------------


def with_iso_dates(
    connection: DuckDBPyConnection, query: str, file: str, columns: Sequence[str]
) -> str:
    """Return the query with its dates as ISO texts; each file writes them in one way.

    10/02/2026 is the second of October in every export. A file must show it by some date whose
    second number cannot be a month; one that shows the opposite, or nothing, is refused.
    """
    if not columns:
        return query
    slashed = " union all ".join(
        f"select {column} as text from read where contains({column}, '/')" for column in columns
    )
    row = connection.execute(f"""
        with read as materialized ({query}), slashed as ({slashed}),
        parts as (
            select
                text,
                try_cast(split_part(text, '/', 1) as integer) as first,
                try_cast(split_part(text, '/', 2) as integer) as second
            from slashed
        )
        select
            count(*),
            max(text) filter (where first > 12),
            max(text) filter (where second > 12),
            max(text) filter (where first <> second)
        from parts
    """).fetchone()
    assert row is not None
    count, day_first, month_first, two_ways = row
    if not count:
        return query
    _check_order(file, day_first, month_first, two_ways)
    replaced = ", ".join(
        # What is no date stays as it is, for the error to name it.
        f"coalesce(strftime(try_strptime({column}, '%m/%d/%Y'), '%Y-%m-%d'), {column}) as {column}"
        for column in columns
    )
    return f"select * replace ({replaced}) from ({query})"


def _check_order(
    file: str, day_first: str | None, month_first: str | None, two_ways: str | None
) -> None:
    if day_first:
        raise ContractError(
            f"{file}: the date {day_first} has no month {day_first.split('/')[0]}; "
            "allowed: MM/DD/YYYY, M/D/YYYY or YYYY-MM-DD"
        )
    if two_ways and not month_first:
        raise ContractError(
            f"{file}: the date {two_ways} can be read in two ways, and no other date of the file "
            "says whether the month or the day is first; allowed: a file with "
            "BillingPeriodEndDate, or dates as YYYY-MM-DD"
        )


def check_months(connection: DuckDBPyConnection, query: str, *columns: str) -> None:
    """Refuse rows of another month than their folder's: they would be counted in two slots."""
    present = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    texts = ", ".join(column for column in columns if column in present)
    if not texts:
        return
    other = connection.execute(f"""
        select x_file, x_row, coalesce({texts}) as text
        from ({query})
        where left(text, 7) <> left(x_file, 7) and try_cast(text as timestamp) is not null
        limit 1
    """).fetchone()
    if other:
        raise ContractError(
            f"{other[0]}: row {other[1]} is of the billing period {other[2]}; allowed: rows of "
            f"{other[0][:7]}, the month of the run"
        )
