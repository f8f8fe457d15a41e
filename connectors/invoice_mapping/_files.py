"""The files of a delivery as tables of text: CSV, Parquet, and JSON by its record path."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._sql import quoted
from connectors.invoice_mapping._expressions import identifier
from connectors.invoice_mapping._map import Map, Records
from connectors.invoice_mapping._records import records
from models.errors import ContractError

_FORMATS = {
    "csv": "csv", "tsv": "tsv", "json": "json", "ndjson": "ndjson", "jsonl": "ndjson",
    "parquet": "parquet",
}  # fmt: skip
_BATCH = 20_000


def load(
    connection: DuckDBPyConnection,
    folder: Path,
    files: Sequence[str],
    map_: Map,
    places: Sequence[Records],
    columns: frozenset[str],
    table: str,
) -> None:
    """Fill a new table with the rows at `places`: `columns` as text, and where each row lies.

    An empty text is NULL.
    """
    names = sorted(columns)
    defined = "".join(f", {identifier(name)} varchar" for name in names)
    connection.execute(
        f"create temp table {table} (x_file varchar, x_row bigint, x_records varchar{defined})"
    )
    for file in sorted(files):
        for place in places:
            if not re.search(place.files, file):
                continue
            form = _form(file, map_)
            if form in ("json", "ndjson"):
                _load_json(connection, folder, file, form, place.path, names, table)
            else:
                _load_table(connection, folder, file, form, map_, names, table)


def _form(file: str, map_: Map) -> str:
    suffix = file.removesuffix(".gz").rpartition(".")[2].lower()
    form = _FORMATS.get(suffix, map_.files.format)
    if form is None:
        allowed = ", ".join(_FORMATS)
        raise ContractError(f"{file} does not say its format; allowed: {allowed}, or files.format")
    return form


# --- JSON -----------------------------------------------------------------------------------------


def _load_json(
    connection: DuckDBPyConnection,
    folder: Path,
    file: str,
    form: str,
    path: str,
    names: list[str],
    table: str,
) -> None:
    rows = (row for document in _documents(folder / file, form, file) for row in
            records(document, path, file))  # fmt: skip
    values = "".join(f", nullif(item.{identifier(name)}, '')" for name in names)
    structure = json.dumps([dict.fromkeys(names, "VARCHAR") or {"x_none": "VARCHAR"}])
    # Rows of several places in a file are numbered on.
    found = connection.execute(f"select count(*) from {table} where x_file = ?", [file]).fetchone()
    before = found[0] if found else 0
    while batch := list(islice(rows, _BATCH)):
        connection.execute(
            f"insert into {table} "
            f"select {quoted(file)} as x_file, {before} + position as x_row, "
            f"{quoted(path)} as x_records{values} "
            "from (select unnest(rows) as item, generate_subscripts(rows, 1) as position "
            f"from (select from_json(?, {quoted(structure)}) as rows))",
            [json.dumps([{name: row.get(name) for name in names} for row in batch])],
        )
        before += len(batch)


def text_of(file: Path, name: str) -> str:
    """Return a small file as text; a ContractError where it is damaged."""
    return _bytes(file, name).decode("utf-8-sig", errors="replace")


def _documents(file: Path, form: str, name: str) -> Iterator[Any]:
    text = text_of(file, name)
    if not text.strip():
        raise ContractError(f"{name} is empty")
    for number, line in enumerate([text] if form == "json" else text.splitlines(), start=1):
        if line.strip():
            try:
                yield json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
            except ValueError as error:
                where = name if form == "json" else f"{name}, line {number}"
                raise ContractError(f"{where} is not complete JSON: {error}") from error


def _bytes(file: Path, name: str) -> bytes:
    try:
        return gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    except (EOFError, OSError) as error:
        raise ContractError(f"{name} is cut off or damaged: {error}") from error


# --- tables ---------------------------------------------------------------------------------------


def _load_table(
    connection: DuckDBPyConnection,
    folder: Path,
    file: str,
    form: str,
    map_: Map,
    names: list[str],
    table: str,
) -> None:
    if form == "parquet":
        scan = f"read_parquet({quoted(str(folder / file))})"
    else:
        _check_whole(folder / file, file)
        scan = _csv(folder / file, form, map_)
    connection.execute(f"create temp table file_rows as select * from {scan}")
    types = {row[0]: row[1] for row in connection.execute("describe file_rows").fetchall()}
    for name in names:
        if name not in types and name not in map_.optional:
            found = ", ".join(list(types)[:12])
            raise ContractError(f"{file}: column {name} is missing; found {found}")
    columns = "".join(f", {_as_text(name, types.get(name))}" for name in names)
    connection.execute(
        f"insert into {table} by name select {quoted(file)} as x_file, rowid + 1 as x_row, "
        f"'' as x_records{columns} from file_rows order by rowid"
    )
    connection.execute("drop table file_rows")


def _as_text(name: str, type_name: str | None) -> str:
    if type_name is None:
        return f"null as {identifier(name)}"
    if type_name.startswith(("STRUCT", "MAP")) or type_name.endswith("[]"):
        return f"cast(to_json({identifier(name)}) as varchar) as {identifier(name)}"
    return f"nullif(cast({identifier(name)} as varchar), '') as {identifier(name)}"


def _csv(file: Path, form: str, map_: Map) -> str:
    delimiter = map_.files.delimiter or ("\t" if form == "tsv" else ",")
    return (
        f"read_csv({quoted(str(file))}, header = true, all_varchar = true, "
        f"""skip = {map_.files.skip}, delim = {quoted(delimiter)}, quote = '"', escape = '"', """
        "hive_partitioning = false)"
    )


def _check_whole(file: Path, name: str) -> None:
    """A text that was cut off ends within a line."""
    content = _bytes(file, name)
    if not content:
        raise ContractError(f"{name} is empty")
    if not content.endswith(b"\n"):
        raise ContractError(f"{name} is cut off: its last line does not end")
