"""The rows of a load as text: newline-delimited JSON or Parquet, both nested as in BigQuery."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._sql import quoted, quoted_list
from connectors.gcp_billing_export._columns import LISTS, PATHS, column
from connectors.gcp_billing_export._commitments import share_fees

_MOST_BYTES_A_ROW = 64 << 20
_NUMERIC = ("money", "quantity")
_NUMBERS = "|".join(
    sorted({path.rpartition(".")[2] for path, kind in PATHS.items() if kind in _NUMERIC})
)
# DuckDB reads JSON numbers as doubles: in quotes, they stay the vendor's text.
_QUOTED_NUMBERS = (
    rf"""regexp_replace(json, '("(?:{_NUMBERS})"\s*:\s*)(-?[0-9][-+0-9.eE]*)', """
    r"""'\1"\2"', 'g')"""
)


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the queries of `raw`, a row a row of the table, and `credits`, a row a credit."""
    if not files:
        _delivered(connection, "table", _nothing())
    elif files[0].endswith(".parquet"):
        _delivered(connection, "view", _parquet(folder, files))
    else:
        _delivered(connection, "table", _json(folder, files))
    absent = _absent(folder, files)
    share_fees(connection)
    return {
        "raw": f"select {_all_but(absent)} from delivered",
        "credits": (
            "select x_file, x_row, credit.type as credit_type, credit.amount as credit_amount "
            "from (select x_file, x_row, unnest(credits) as credit from delivered)"
        ),
    }


def _delivered(connection: DuckDBPyConnection, kind: str, query: str) -> None:
    connection.execute(f"create temp {kind} delivered as {query}")


def _type(fields: Iterable[str]) -> str:
    return f"struct({', '.join(f'{quoted_name(field)} varchar' for field in fields)})[]"


def quoted_name(name: str) -> str:
    """Return a name as an SQL identifier."""
    return f'"{name}"'


def _nothing() -> str:
    columns = [f"null::varchar as {column(path)}" for path in PATHS]
    columns += [f"null::{_type(fields)} as {column(path)}" for path, fields in LISTS.items()]
    return f"select {', '.join(columns)}, '' as x_file, 0::bigint as x_row where false"


def _json(folder: Path, files: Sequence[str]) -> str:
    """Return the query of one file's lines, a row each, in the order of the file."""
    scan = (
        f"read_json_objects({quoted(str(folder / files[0]))}, format = 'newline_delimited', "
        f"maximum_object_size = {_MOST_BYTES_A_ROW})"
    )
    columns = [_text(f"record.{path}", kind, path) for path, kind in PATHS.items()]
    columns += [f"record.{path} as {column(path)}" for path in LISTS]
    return f"""
        with parsed as (
            select
                from_json({_QUOTED_NUMBERS}, {quoted(json.dumps(_structure()))}) as record,
                row_number() over () as x_row
            from {scan}
        )
        select {", ".join(columns)}, {quoted(files[0])} as x_file, x_row from parsed
    """


def _structure() -> dict[str, Any]:
    structure: dict[str, Any] = {}
    for path in PATHS:
        _put(structure, path, "VARCHAR")
    for path, fields in LISTS.items():
        _put(structure, path, [dict.fromkeys(fields, "VARCHAR")])
    return structure


def _put(structure: dict[str, Any], path: str, value: Any) -> None:
    outer, _, name = path.rpartition(".")
    (structure.setdefault(outer, {}) if outer else structure)[name] = value


def _text(expression: str, kind: str, path: str) -> str:
    """Return a value as text; BigQuery prints an instant with the word UTC after it."""
    text = f"nullif(cast({expression} as varchar), '')"
    if kind == "time":
        text = f"replace({text}, ' UTC', '+00')"
    return f"{text} as {column(path)}"


def _parquet(folder: Path, files: Sequence[str]) -> str:
    scan = (
        f"read_parquet({quoted_list([str(folder / file) for file in files])}, "
        "union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)"
    )
    present = _fields(folder, files)
    columns = [_parquet_column(path, kind, present) for path, kind in PATHS.items()]
    columns += [_parquet_list(path, fields, present) for path, fields in LISTS.items()]
    columns.append(f"substr(filename, {len(str(folder)) + 2}) as x_file")
    columns.append("file_row_number + 1 as x_row")
    return f"select {', '.join(columns)} from {scan}"


def _parquet_column(path: str, kind: str, present: Mapping[str, Any]) -> str:
    if path not in present:
        return f"null::varchar as {column(path)}"
    return _text(".".join(map(quoted_name, path.split("."))), kind, path)


def _parquet_list(path: str, fields: Sequence[str], present: Mapping[str, Any]) -> str:
    if path not in present:
        return f"null::{_type(fields)} as {column(path)}"
    entries = (
        f"{quoted(field)}: "
        + (f"cast(item.{quoted_name(field)} as varchar)" if field in present[path] else "null")
        for field in fields
    )
    whole = ".".join(map(quoted_name, path.split(".")))
    return (
        f"cast(list_transform({whole}, lambda item: {{{', '.join(entries)}}}) as {_type(fields)}) "
        f"as {column(path)}"
    )


def _fields(folder: Path, files: Sequence[str]) -> dict[str, Any]:
    """Return the paths that the files have; of a repeated record, the names of its fields."""
    # It takes a sixth of a second to load: only where Parquet is read.
    import pyarrow.parquet as pq

    found: dict[str, Any] = {}
    for file in files:
        for field in pq.read_schema(folder / file):
            found |= _paths(field.name, field.type)
    return found


def _paths(name: str, kind: Any) -> dict[str, Any]:
    if hasattr(kind, "value_type"):
        return {name: tuple(field.name for field in kind.value_type)}
    if hasattr(kind, "fields") and kind.num_fields:
        inner = [_paths(f"{name}.{field.name}", field.type) for field in kind]
        return {path: value for paths in inner for path, value in paths.items()}
    return {name: None}


def _all_but(names: Sequence[str]) -> str:
    return f"* exclude ({', '.join(names)})" if names else "*"


def _absent(folder: Path, files: Sequence[str]) -> list[str]:
    if not files or not files[0].endswith(".parquet"):
        return []
    present = _fields(folder, files)
    return [column(path) for path in PATHS if path not in present]
