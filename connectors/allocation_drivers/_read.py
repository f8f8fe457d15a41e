"""The rows of CSV, Parquet and JSON files as text, in the order of the files' paths."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._maps.expressions import as_text
from connectors._sql import quoted
from models.errors import ContractError

ENTITIES = ("customer_id", "feature", "workflow", "team", "environment", "model")
_SYNONYMS = {
    "driver": ("driver", "stream", "stream_name"),
    "element": ("element", "element-name", "element_name"),
}
COLUMNS = (
    "driver", "timestamp", "granularity", "measured_from", "measured_to", "element", *ENTITIES,
    "filter", "value", "operation",
)  # fmt: skip


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: every row as text, in the order of the files' paths."""
    columns = ", ".join(f"{name} varchar" for name in COLUMNS)
    connection.execute(
        f"create temp table measured ({columns}, x_file varchar, x_row bigint, x_place bigint)"
    )
    for file in sorted(files):
        _load(connection, folder / file, file)
    return {"raw": "select * from measured"}


def _load(connection: DuckDBPyConnection, path: Path, file: str) -> None:
    rows = _scan(path)
    described = connection.execute(f"describe {rows}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    given = {name.lower(): name for name in types}
    known = {name: _SYNONYMS.get(name, (name,)) for name in COLUMNS}
    _check_columns(file, given, known)
    values = ", ".join(_text(known[name], given, types) for name in COLUMNS)
    connection.execute(f"create or replace temp table file_rows as {rows}")
    connection.execute(
        f"insert into measured select {values}, {quoted(file)}, rowid + 1, "
        "(select count(*) from measured) + rowid from file_rows order by rowid"
    )


def _check_columns(file: str, given: dict[str, str], known: Mapping[str, tuple[str, ...]]) -> None:
    names = {name for names in known.values() for name in names}
    unknown = sorted(set(given) - names)
    if unknown:
        raise ContractError(
            f"{file}: column {unknown[0]} is not known; allowed: {', '.join(COLUMNS)}"
        )
    if "value" not in given:
        raise ContractError(f"{file}: column value is missing; found {', '.join(given)}")


def _scan(path: Path) -> str:
    scanned = quoted(str(path))
    if path.suffix == ".parquet":
        return f"select * from read_parquet({scanned}, hive_partitioning = false)"
    if ".csv" in path.suffixes:
        return (
            f"select * from read_csv({scanned}, header = true, all_varchar = true, skip = 0, "
            """delim = ',', quote = '"', escape = '"', hive_partitioning = false)"""
        )
    if ".json" in path.suffixes:
        sent = f"select json as text from read_json_objects({scanned}, {_LARGE})"
    else:
        sent = f"select text from read_csv({scanned}, {_LINES}) where trim(text) <> ''"
    names = ("stream", "stream_name", "element-name", "element_name", *COLUMNS)
    structure = "{" + ", ".join(f'"{name}": "VARCHAR"' for name in names) + "}"
    return f"""
        select unnest(from_json(record, '{structure}'))
        from (
            select unnest(if(json_exists(sent, '$.records'), sent -> '$.records[*]', [sent]))
                as record
            from (
                select if(json_valid(line), cast(line as json),
                    error('no JSON: ' || left(text, 60)))
                    as sent
                from (select text, {_QUOTED} as line from ({sent}))
            )
        )
    """


_LARGE = f"maximum_object_size = {1 << 28}"
# A line is a text: what is no JSON, such as NaN, must not stop the others.
_LINES = (
    "header = false, auto_detect = false, columns = {'text': 'varchar'}, delim = '\x01', "
    f"quote = '', escape = '', max_line_size = {1 << 26}"
)
# A number would be read as a float: it is made a text, and so is what Python writes for none.
_QUOTED = r"""regexp_replace(
    text, '("value"\s*:\s*)(-?[0-9][0-9.eE+-]*|NaN|-?Infinity)', '\1"\2"', 'g')"""


def _text(names: tuple[str, ...], given: Mapping[str, str], types: Mapping[str, str]) -> str:
    """Return the SQL of the first of these columns that says something."""
    texts = []
    for name in (given[name] for name in names if name in given):
        texts.append(f"nullif(trim({as_text(name, types[name])}), '')")
    return f"coalesce({', '.join(texts)})" if texts else "null"
