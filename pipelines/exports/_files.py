"""Write a period's rows as CSV and Parquet: the same bytes for the same rows."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from connectors._lake import sha256
from connectors._sql import quoted
from pipelines.exports._manifest import ExportedFile, ExportedTable
from pipelines.exports._tables import ExportTable

# A spreadsheet takes such a text for a formula; some do after spaces, or in full width.
_FORMULA = "^\\s*[-=+@\uff0b\uff0d\uff1d\uff20]|^[\\t\\r\\n]"
_CSV = "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''"
_PARQUET = "format parquet, compression zstd, row_group_size 122880"


def write_table(
    connection: duckdb.DuckDBPyConnection, table: ExportTable, billing_period: str, folder: Path
) -> ExportedTable:
    """Write <name>.csv and <name>.parquet into the folder; return rows, totals and hashes."""
    types = {
        str(name): str(kind)
        for name, kind, *_ in connection.execute(f"describe {table.relation}").fetchall()
    }
    # Sorted once, read three times.
    rows = table.query(types, billing_period)
    connection.execute(f"create or replace temp table exported as {rows}")
    cells = ", ".join(f'{_csv_cell(name, kind)} as "{name}"' for name, kind in types.items())
    return ExportedTable(
        name=table.name,
        rows=connection.execute("select count(*) from exported").fetchall()[0][0],
        totals=_totals(connection, table),
        files=(
            _copy(connection, f"select {cells} from exported", folder / f"{table.name}.csv", _CSV),
            _copy(connection, "from exported", folder / f"{table.name}.parquet", _PARQUET),
        ),
    )


def _csv_cell(name: str, kind: str) -> str:
    """Text that would run as a formula gets an apostrophe; numbers stay numbers."""
    if kind == "VARCHAR":
        column = f'"{name}"'
        return f"if(regexp_matches({column}, {quoted(_FORMULA)}), '''' || {column}, {column})"
    if kind == "TIMESTAMP":
        return f"replace(strftime(\"{name}\", '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z')"
    return f'"{name}"'


def _copy(
    connection: duckdb.DuckDBPyConnection, query: str, file: Path, options: str
) -> ExportedFile:
    connection.execute(f"copy ({query}) to {quoted(str(file))} ({options})")
    return ExportedFile(path=file.name, size=file.stat().st_size, sha256=sha256(file))


def _totals(
    connection: duckdb.DuckDBPyConnection, table: ExportTable
) -> Mapping[str, Mapping[str, str]]:
    """Return the totals of the rows just written by currency; an amount that nobody knows is
    left out."""
    if not table.totals:
        return {}
    sums = ", ".join(table.totals.values())
    groups = connection.execute(
        f"select {table.currency}, {sums} from exported "
        f"where {table.currency} is not null group by 1 order by 1"
    ).fetchall()
    return {
        currency: {
            name: f"{amount:f}"
            for name, amount in zip(table.totals, amounts, strict=True)
            if amount is not None
        }
        for currency, *amounts in groups
    }
