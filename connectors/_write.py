"""Write a normalized table: cast to the contract, checked against it, named by its content."""

import filecmp
import hashlib
import os
from pathlib import Path

import duckdb

from connectors._lake import Lake
from connectors._sql import quoted
from models.columns import PROVENANCE, Column, Table
from models.currencies import ISO_4217
from models.errors import ContractError
from models.manifest import Manifest
from models.tables import ATTEMPTS, CHARGES


def write(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    manifest: Manifest,
    inputs: str | None = None,
) -> dict[str, object]:
    """Write one table's rows; return what the index says of them: their file, the rows and content
    hash of each day, and what the attempts of a day tell apart.

    `inputs` are the shapes of what the query reads, if it may come again.
    """
    folder = lake.root / table.name
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{os.getpid()}.tmp"
    copied = connection.execute(
        f"copy ({_cast(connection, table, query, manifest, inputs)}) to {quoted(str(temporary))} "
        "(format parquet, compression zstd)"
    ).fetchone()
    is_empty = copied == (0,)
    if not is_empty:
        _check_contract(connection, table, temporary, manifest)
    days = [] if is_empty else _days(connection, table, temporary)
    content = repr((manifest.delivery_id, table.columns, days))
    name = f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.parquet"
    _publish(temporary, folder / name)
    dimensions = _dimensions(connection, folder / name) if table is ATTEMPTS else None
    return {"file": f"{table.name}/{name}", "days": days, "dimensions": dimensions}


def _publish(temporary: Path, file: Path) -> None:
    """Give a file its name. One that is there already, and right, stays: somebody may be reading
    it, and would read its end by the other's beginning."""
    if file.exists() and filecmp.cmp(temporary, file, shallow=False):
        temporary.unlink()
    else:
        os.replace(temporary, file)


# Of a query and the shapes of its inputs: its columns, and whether each is an ENUM. On a small
# delivery it takes as long to ask for them as to write the rows.
_COLUMNS: dict[str, dict[str, bool]] = {}


def fetch_shapes(connection: duckdb.DuckDBPyConnection) -> str:
    """Return what decides a query's columns: those of all tables and views, and the types."""
    shapes = connection.execute("""
        select table_name, column_name, data_type from duckdb_columns() where not internal
        union all select '', type_name, logical_type from duckdb_types() where not internal
        order by all
    """)
    return repr(shapes.fetchall())


def _columns(
    connection: duckdb.DuckDBPyConnection, query: str, inputs: str | None
) -> dict[str, bool]:
    key = hashlib.sha256(f"{inputs}{query}".encode()).hexdigest()
    if inputs is None or key not in _COLUMNS:
        described = connection.execute(f"describe {query}").fetchall()
        _COLUMNS[key] = {row[0]: row[1].startswith("ENUM(") for row in described}
    return _COLUMNS[key]


def _cast(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    manifest: Manifest,
    inputs: str | None,
) -> str:
    present = _columns(connection, query, inputs)
    unknown = present.keys() - set(table.column_names)
    if unknown:
        raise ContractError(f"{manifest.connector}: {table.name} has no column {min(unknown)}")
    given = {
        "x_source": _word(manifest.source),
        "x_delivery_id": _word(manifest.delivery_id),
    }

    def as_contracted(column: Column) -> str:
        if column.name in given:
            return given[column.name]
        if present.get(column.name) and column.type == "varchar":
            return column.name
        return f"cast({column.name if column.name in present else 'null'} as {column.type})"

    columns = ", ".join(f"{as_contracted(column)} as {column.name}" for column in table.columns)
    order = f" order by {table.order_by}" if table.order_by else ""
    return f"select {columns} from ({query}){order}"


def _word(text: str) -> str:
    """Return the SQL of a text that every row has: as an ENUM, none of them is looked at."""
    return f"{quoted(text)}::enum ({quoted(text)})"


def _check_contract(
    connection: duckdb.DuckDBPyConnection, table: Table, file: Path, manifest: Manifest
) -> None:
    with_nulls = _columns_with_nulls(connection, file)
    checks = {
        f"{column.name} is empty": f"{column.name} is null"
        for column in table.columns
        if column.name in with_nulls and not column.nullable
    }
    if table is CHARGES:
        known = ", ".join(quoted(code) for code in sorted(ISO_4217))
        checks["billing_currency is not an ISO 4217 code"] = f"billing_currency not in ({known})"
        checks["charge_period_end is not after charge_period_start"] = (
            "charge_period_end <= charge_period_start"
        )
    for sentence, condition in checks.items():
        found = connection.execute(
            f"select count(*), first(x_file), first(x_row), first({condition.split()[0]}) "
            f"from read_parquet({quoted(str(file))}) where {condition}"
        ).fetchone()
        count, x_file, x_row, value = found or (0, None, None, None)
        if count:
            raise ContractError(
                f"{manifest.source} {manifest.slot}: file {x_file}, row {x_row}: {sentence}"
                + (f" ({value})" if value is not None else "")
                + (f", and so in {count - 1} more rows" if count > 1 else "")
            )


def _columns_with_nulls(connection: duckdb.DuckDBPyConnection, file: Path) -> set[str]:
    """Return the columns that the file's own statistics do not say to be without NULL."""
    rows = connection.execute(f"""
        select path_in_schema from parquet_metadata({quoted(str(file))})
        where coalesce(stats_null_count, 1) > 0
    """).fetchall()
    return {row[0] for row in rows}


def _days(
    connection: duckdb.DuckDBPyConnection, table: Table, file: Path
) -> list[dict[str, object]]:
    """Return rows and an order-free content hash for each day; where rows came from is left out.

    The rows that can change other days' facts have a hash of their own.
    """
    content = ", ".join(column.name for column in table.columns if column not in PROVENANCE[1:])
    first, last = table.reaches or (table.day, table.day)
    beyond = f"filter (where {first} < {table.day} or {last} > {table.day})"
    return _records(
        connection,
        f"""
        select
            {table.day} as day,
            count(*) as rows,
            cast(sum(hash({content})) as varchar) as hash,
            cast(sum(hash({content})) {beyond} as varchar) as reach_hash,
            min({first}) {beyond} as reach_from,
            max({last}) {beyond} as reach_to
        from read_parquet({quoted(str(file))}) group by day order by day
        """,
    )


def _dimensions(connection: duckdb.DuckDBPyConnection, file: Path) -> list[dict[str, object]]:
    """Return, of each day's attempts that a vendor may bill, which providers' name a project and
    a key."""
    return _records(
        connection,
        f"""
        select distinct
            {ATTEMPTS.day} as day,
            provider_name,
            sub_account_id is not null as has_sub_account,
            api_key_id is not null as has_api_key
        from read_parquet({quoted(str(file))})
        where pod_uid is null and status not in ('rejected', 'cached')
        order by all
        """,
    )


def _records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, object]]:
    cursor = connection.execute(sql)
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
