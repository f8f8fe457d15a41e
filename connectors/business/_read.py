"""The rows of one file as text, each value looked at before it is used."""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._maps.expressions import identifier
from connectors._sql import quoted
from connectors.business._files import table_of
from connectors.business._rows import KEYS, NAMED, checks, period_of
from models.business import BUSINESS
from models.columns import Table
from models.errors import ContractError


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return a query for each table: the rows of the one that this file is of."""
    (file,) = files
    name = table_of(file)
    (table,) = (table for table in BUSINESS if table.name == name)
    _load(connection, folder / file, file, table)
    _check_values(connection, table)
    _check_overlaps(connection, table)
    return {
        each.name: "select * from sent" if each is table else _nothing(each) for each in BUSINESS
    }


def _nothing(table: Table) -> str:
    columns = ", ".join(f"cast(null as varchar) as {column.name}" for column in NAMED[table.name])
    return f"select {columns}, '' as x_file, 0 as x_row where false"


def _load(connection: DuckDBPyConnection, path: Path, file: str, table: Table) -> None:
    """Create the table `sent`: every known column as text; an empty text is NULL."""
    scanned = quoted(str(path))
    rows = (
        f"read_parquet({scanned}, hive_partitioning = false)"
        if path.suffix == ".parquet"
        else f"read_csv({scanned}, header = true, all_varchar = true, skip = 0, delim = ',', "
        """quote = '"', escape = '"', hive_partitioning = false)"""
    )
    connection.execute(f"create temp table file_rows as select * from {rows}")
    described = connection.execute("describe file_rows").fetchall()
    given = {str(row[0]).strip().lower(): str(row[0]) for row in described}
    known = [column.name for column in NAMED[table.name]]
    for name in given:
        if name not in known:
            allowed = ", ".join(known)
            raise ContractError(f"{file}: column {name} is not known; allowed: {allowed}")
    for column in NAMED[table.name]:
        if not column.nullable and column.name not in given:
            raise ContractError(
                f"{file}: column {column.name} is missing; found {', '.join(given)}"
            )
    values = ", ".join(f"{_text(given.get(name))} as {name}" for name in known)
    connection.execute(
        f"create temp table sent as select {values}, {quoted(file)} as x_file, rowid + 1 as x_row "
        "from file_rows order by rowid"
    )


def _text(header: str | None) -> str:
    value = "null" if header is None else identifier(header)
    return f"nullif(trim(cast({value} as varchar)), '')"


def _check_values(connection: DuckDBPyConnection, table: Table) -> None:
    for check in checks(table):
        bad = connection.execute(
            f"select {check.column}, x_file, x_row from sent where {check.is_wrong} "
            "order by x_row limit 1"
        ).fetchone()
        if bad:
            value = "empty" if bad[0] is None else repr(bad[0])
            raise ContractError(
                f"file {bad[1]}, row {bad[2]}: {check.column} is {value}; allowed: {check.allowed}"
            )


def _check_overlaps(connection: DuckDBPyConnection, table: Table) -> None:
    """Of one key, a row begins when the one before it has ended."""
    key, period = KEYS[table.name], period_of(table)
    first, end = period or ("null", "null")
    bad = connection.execute(f"""
        with dated as (
            select
                *,
                coalesce(cast(left({first}, 10) as date), date '0001-01-01') as begins,
                coalesce(cast(left({end}, 10) as date), date '9999-12-31') as ends
            from sent
        ),
        before as (
            select
                *,
                max(ends) over earlier as ended,
                arg_max(x_row, ends) over earlier as other_row
            from dated
            window earlier as (
                partition by {", ".join(key)} order by begins, x_row
                rows between unbounded preceding and 1 preceding
            )
        )
        select {", ".join(key)}, x_file, x_row, other_row, begins
        from before where begins < ended order by x_row limit 1
    """).fetchone()
    if bad:
        *values, file, row, other, begins = bad
        shown = ", ".join(
            f"{name} {value!r}" for name, value in zip(key, values, strict=True) if value
        )
        when = f" on {begins}; end one of them by {end}" if period else "; one of them came twice"
        raise ContractError(
            f"file {file}, rows {min(row, other)} and {max(row, other)}: both are of "
            f"{shown or 'everything'}{when}"
        )
