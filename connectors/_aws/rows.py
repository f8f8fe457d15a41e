"""The rows of a delivery as text: Parquet with real maps, or csv.gz with maps as JSON objects."""

import gzip
from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._aws.columns import COLUMNS
from connectors._aws.costs import HAS_NET_COSTS
from connectors._sql import quoted, quoted_list

_KINDS = {column.name: column.kind for column in COLUMNS}


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: the used columns that are delivered, and where each row lies."""
    filled = [file for file in files if not is_empty(folder / file)]
    if filled[0].endswith(".parquet"):
        query = _parquet(connection, folder, filled)
    else:
        # A gzip file can only be read from its start: once is enough.
        chunks = " union all by name ".join(_csv(connection, folder, file) for file in filled)
        connection.execute(f"create temp table chunks as {chunks}")
        query = "select * from chunks"
    present = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    absent = [f", null as {name}" for name in _KINDS if name not in present]
    connection.execute(
        "set variable has_net_costs = "
        f"({HAS_NET_COSTS} from (select *{''.join(absent)} from ({query})))"
    )
    return {"raw": query}


def is_empty(file: Path) -> bool:
    """Tell whether a chunk holds nothing at all, as those that a refresh no longer needs."""
    if not file.stat().st_size:
        return True
    if file.suffix != ".gz":
        return False
    with gzip.open(file) as stream:
        return not stream.read(1)


def _parquet(connection: DuckDBPyConnection, folder: Path, files: list[str]) -> str:
    scan = (
        f"read_parquet({quoted_list([str(folder / file) for file in files])}, "
        "union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)"
    )
    columns = [_parquet_column(*column) for column in _used(connection, scan)]
    columns.append(f"substr(filename, {len(str(folder)) + 2}) as x_file")
    columns.append("file_row_number + 1 as x_row")
    return f"select {', '.join(columns)} from {scan}"


def _parquet_column(name: str, type_name: str) -> str:
    """AWS writes money as doubles: their shortest text is what was meant."""
    if type_name == "VARCHAR":
        return f"nullif({name}, '') as {name}"
    if _KINDS[name] in ("money", "quantity"):
        return f"cast({name} as varchar) as {name}"
    return name


def _csv(connection: DuckDBPyConnection, folder: Path, file: str) -> str:
    scan = (
        f"read_csv({quoted(str(folder / file))}, header = true, all_varchar = true, "
        """delim = ',', quote = '"', escape = '"', hive_partitioning = false)"""
    )
    columns = [_csv_column(name) for name, _ in _used(connection, scan)]
    columns += [f"{quoted(file)} as x_file", "row_number() over () as x_row"]
    return f"select {', '.join(columns)} from {scan}"


def _csv_column(name: str) -> str:
    if _KINDS[name] == "map":
        return f"cast(cast({name} as json) as map(varchar, varchar)) as {name}"
    return name


def _used(connection: DuckDBPyConnection, scan: str) -> list[tuple[str, str]]:
    """Return name and type of the used columns that are there."""
    described = connection.execute(f"describe select * from {scan}").fetchall()
    return [(row[0], row[1]) for row in described if row[0] in _KINDS]
