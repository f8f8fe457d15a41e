"""The rows of FOCUS files as text, whichever version, format and vendor they are from."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._complete import check_complete, check_text, is_empty
from connectors._focus.columns import CLOSED, KINDS, REQUIRED, named, version_of
from connectors._http import read_json
from connectors._maps.expressions import identifier
from connectors._sql import quoted
from models.errors import ContractError

SUFFIXES = (".csv", ".csv.gz", ".parquet")


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: every known column of every file, and where each row lies."""
    return read_rows(connection, folder, files, REQUIRED, SUFFIXES)


def read_rows(
    connection: DuckDBPyConnection,
    folder: Path,
    files: Sequence[str],
    required: Sequence[str],
    suffixes: tuple[str, ...],
) -> dict[str, str]:
    """Read the files with these suffixes; they must have the `required` columns."""
    data_files = [file for file in sorted(files) if file.endswith(suffixes)]
    if not data_files:
        allowed = ", ".join(suffixes)
        raise ContractError(f"no data file among {', '.join(files)}; allowed: {allowed}")
    # AWS leaves files empty that it no longer needs.
    filled = [file for file in data_files if not is_empty(folder / file)] or data_files
    _check_last_page(folder, filled[-1])
    queries = [_rows(connection, folder, file, required) for file in filled]
    query = " union all by name ".join(queries)
    if not filled[0].endswith(".parquet"):
        # A compressed file can only be read from its start: once is enough.
        connection.execute(f"create temp table focus_rows as {query}")
        query = "select * from focus_rows"
    return {"raw": query}


def _rows(connection: DuckDBPyConnection, folder: Path, file: str, required: Sequence[str]) -> str:
    scan, row = _scan(connection, folder, file, required)
    described = connection.execute(f"describe select * from {scan}").fetchall()
    types = {name: type_name for name, type_name, *_ in described if name != "file_row_number"}
    columns = named(types)
    _check_required(columns, types, file, required)
    texts = [
        f'coalesce({", ".join(_text(header, types[header]) for header in headers)}) as "{name}"'
        for name, headers in columns.items()
    ]
    values = [_value(name) for name in columns]
    return (
        f"select {', '.join(values)}, {quoted(file)} as x_file, x_row "
        f"from (select {', '.join(texts)}, {row} as x_row from {scan})"
    )


def _scan(
    connection: DuckDBPyConnection, folder: Path, file: str, required: Sequence[str]
) -> tuple[str, str]:
    """Return what a file's rows are selected from, and the number of a row."""
    if file.endswith(".json"):
        return _page(connection, folder, file, required), "row_number() over ()"
    if file.endswith(".parquet"):
        check_complete(folder / file, file)
        return _parquet(folder / file), "file_row_number + 1"
    check_text(folder / file, file)
    return _csv(folder / file), "row_number() over ()"


def _check_last_page(folder: Path, file: str) -> None:
    """Refuse pages of which the last one says that another follows."""
    page = read_json(folder, file) if file.endswith(".json") else None
    if isinstance(page, dict):
        for name, value in page.items():
            if re.match("(?i)next|has_?more", name) and value:
                raise ContractError(f"{file} says {name}, but it is the last page that is here")


def _page(connection: DuckDBPyConnection, folder: Path, file: str, required: Sequence[str]) -> str:
    """Make a table of a JSON page: a list of rows, or an object that has one such list."""
    page = read_json(folder, file)
    values = page.values() if isinstance(page, dict) else [page]
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) != 1 or not all(isinstance(row, dict) for row in lists[0]):
        raise ContractError(f"{file} is neither a list of rows nor an object with one such list")
    names = list(dict.fromkeys(name for row in lists[0] for name in row)) or list(required)
    structure = json.dumps([dict.fromkeys(names, "VARCHAR")])
    table = identifier(file)
    connection.execute(
        f"create temp table {table} as select unnest(page) from "
        f"(select unnest(from_json(cast(? as json), {quoted(structure)})) as page)",
        [json.dumps(lists[0])],
    )
    return table


def _parquet(file: Path) -> str:
    return f"read_parquet({quoted(str(file))}, hive_partitioning = false, file_row_number = true)"


def _csv(file: Path) -> str:
    return (
        f"read_csv({quoted(str(file))}, header = true, all_varchar = true, skip = 0, "
        """delim = ',', quote = '"', escape = '"', hive_partitioning = false)"""
    )


def _check_required(
    columns: dict[str, list[str]], headers: dict[str, str], file: str, required: Sequence[str]
) -> None:
    absent = [name for name in required if name not in columns]
    if absent:
        found = ", ".join(list(headers)[:6])
        raise ContractError(
            f"{file}: column {absent[0]} is missing, without which it is no FOCUS "
            f"{version_of(headers)} file; found {found}, …"
        )


def _text(header: str, type_name: str) -> str:
    """A value as the vendor's text; of a double, the shortest that is the same number."""
    column = identifier(header)
    if type_name == "VARCHAR":
        # Some vendors write the word.
        return f"case when trim({column}) not in ('', 'NULL', 'null') then {column} end"
    if type_name.startswith("STRUCT(") and type_name.endswith("[]"):
        return _pairs(column)
    if type_name.startswith(("MAP", "STRUCT")):
        return f"cast(to_json({column}) as varchar)"
    return f"cast({column} as varchar)"


def _pairs(column: str) -> str:
    """A list of keys and values, as BigQuery has them, as an object; of two, the first is kept."""
    first = (
        f"list_filter({column}, lambda pair, place: "
        f'list_position(list_transform({column}, lambda other: other."key"), pair."key") = place)'
    )
    entries = (
        f"list_transform({first}, lambda pair: {{'key': pair.\"key\", 'value': pair.\"value\"}})"
    )
    return f"cast(to_json(map_from_entries({entries})) as varchar)"


def _value(name: str) -> str:
    """A column with the vendors' known spellings made one; what is unknown stays as it is."""
    column = f'"{name}"'
    if name in CLOSED:
        known = ", ".join(quoted(word) for word in dict.fromkeys(CLOSED[name].values()))
        words = " ".join(
            f"when {quoted(key)} then {quoted(word)}" for key, word in CLOSED[name].items()
        )
        letters = f"lower(regexp_replace({column}, '[^A-Za-z]', '', 'g'))"
        others = f"case {letters} {words} else {column} end"
        return f"if({column} is null or {column} in ({known}), {column}, {others}) as {column}"
    if KINDS[name] == "time":
        return f"{_with_seconds(column)} as {column}"
    if KINDS[name] == "map":
        return f"{_in_braces(column)} as {column}"
    if KINDS[name] in ("money", "quantity", "integer"):
        return f"trim({column}) as {column}"
    return column


def _with_seconds(column: str) -> str:
    """2026-10-01T00:00Z is a time that DuckDB does not know."""
    whole = (
        rf"regexp_replace({column}, '^(\S+[T ]\d\d:\d\d)(Z| ?UTC|[+-]\d\d(:?\d\d)?)?$', '\1:00\2')"
    )
    return f"if(substr({column}, 17, 1) = ':', {column}, {whole})"


def _in_braces(column: str) -> str:
    """Some exports of Azure leave the braces of an object out."""
    braces = f"'{{' || {column} || '}}'"
    return f"""case when starts_with(ltrim({column}), '"') then {braces} else {column} end"""
