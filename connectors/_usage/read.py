"""The records of requests as fields of text, and where each record lies."""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._maps.expressions import as_text, columns_of, create_macros, identifier
from connectors._maps.macros import USAGE_MACROS
from connectors._sql import quoted
from connectors._usage.fields import columns_needed, field, fields_query
from connectors._usage.judged import judged
from connectors._usage.map import UsageMap
from models.errors import ContractError

_FORMATS = {
    "csv": "csv", "tsv": "tsv", "json": "json", "ndjson": "jsonl", "jsonl": "jsonl",
    "parquet": "parquet",
}  # fmt: skip
SUFFIXES = tuple(f".{suffix}{gz}" for suffix in _FORMATS for gz in ("", ".gz"))
# Bytes of a line of CSV: prompts may stand in it.
_LINE_BYTES = 32 << 20
# Bytes of a JSON document, or of a line: room for a large one only where it is needed.
_OBJECT_BYTES = (16 << 20, 64 << 20, 256 << 20)

_OBJECT = (
    "case when json_type(record) = 'OBJECT' then record "
    "else error('a record is no object; it begins ' || left(record, 60)) end"
)


def read(
    map_: UsageMap, connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the queries of `raw`, every record, and of `judged`, each request once."""
    create_macros(connection, USAGE_MACROS)
    beside: dict[str, list[str]] = {name: [] for name in map_.beside}
    requests: list[str] = []
    for file in sorted(files):
        names = [name for name, one in map_.beside.items() if re.search(one.files, file)]
        for name in names:
            beside[name].append(file)
        if not names:
            requests.append(file)
    own = [name for name in map_.fields() if field(name).top not in map_.beside]
    load(connection, map_, folder, requests, own, "delivered")
    query = "select * from delivered"
    for name, found in beside.items():
        query = _joined(connection, map_, folder, found, name, query)
    # What stands beside is looked up once.
    kind = "table" if map_.beside else "view"
    connection.execute(f"create temp {kind} requests as {query}")
    connection.execute(f"create temp table judged_request as {judged(map_)}")
    return {"raw": "select x_file, x_row from delivered", "judged": "select * from judged_request"}


def _joined(
    connection: duckdb.DuckDBPyConnection,
    map_: UsageMap,
    folder: Path,
    files: list[str],
    name: str,
    query: str,
) -> str:
    """Put the fields of the records beside next to each request; of each id the newest counts."""
    one = map_.beside[name]
    own, other = next(iter(one.equal.items()))
    inner = {
        text: text.removeprefix(f"{name}.") for text in map_.fields() if field(text).top == name
    }
    needed = {*inner.values(), other}
    for place, text in one.expressions().items():
        needed |= columns_of(text, f"beside.{name}.{place}")
    load(connection, map_, folder, files, sorted(needed), "beside", is_optional=True)
    connection.execute(f"""
        create temp table newest_{name} as
        select * from beside
        where {identifier(other)} is not null
        qualify row_number() over (
            partition by {identifier(other)}
            order by {one.newest or "null"} desc nulls last, x_file desc, x_row desc
        ) = 1
    """)
    connection.execute("drop table beside")
    given = "".join(
        f", found.{identifier(text)} as {identifier(full)}" for full, text in inner.items()
    )
    return (
        f"select requests.*{given} from ({query}) as requests left join "
        f"(select * from newest_{name} where ({one.deleted or 'false'}) is not true) as found "
        f"on requests.{identifier(own)} = found.{identifier(other)}"
    )


def load(
    connection: duckdb.DuckDBPyConnection,
    map_: UsageMap,
    folder: Path,
    files: Sequence[str],
    names: Sequence[str],
    table: str,
    is_optional: bool = False,
) -> None:
    """Fill a new table with the fields of all records of the files."""
    columns = columns_needed(names)
    strict = frozenset(field(name).top for name in map_.counted())
    # Of records beside the requests the names are their own.
    told = frozenset(name.split(".", 1)[-1] if is_optional else name for name in map_.telling())
    defined = "".join(f", {identifier(name)} varchar" for name in sorted(names))
    connection.execute(
        f"create temp table {table} (x_file varchar, x_row bigint, x_malformed varchar{defined})"
    )
    for file in files:
        _scan_file(connection, map_, folder, file, columns, is_optional)
        delivered = f"(select {quoted(file)} as x_file, rowid + 1 as x_row, * from file_rows)"
        query = fields_query(names, delivered, strict, told)
        connection.execute(f"insert into {table} {query}")
        connection.execute("drop table file_rows")


def _scan_file(
    connection: duckdb.DuckDBPyConnection,
    map_: UsageMap,
    folder: Path,
    file: str,
    columns: Sequence[str],
    is_optional: bool,
) -> None:
    """Create `file_rows`: the columns that are needed, as text, in the order of the file."""
    for size in _OBJECT_BYTES:
        scan = _scan(map_, folder / file, columns, size)
        try:
            described = connection.execute(f"describe {scan}").fetchall()
            types = {row[0].lower(): row[1] for row in described}
            _check_columns(map_, file, columns, [row[0] for row in described], is_optional)
            texts = (
                f"{as_text(column, types.get(column.lower()))} as {identifier(column)}"
                for column in columns
            )
            query = f"select {', '.join(texts)} from ({scan})"
            connection.execute(f"create temp table file_rows as {query}")
            return
        except duckdb.InvalidInputException as error:
            if "maximum_object_size" not in str(error) or size == _OBJECT_BYTES[-1]:
                raise


def _check_columns(
    map_: UsageMap, file: str, columns: Sequence[str], found: Sequence[str], is_optional: bool
) -> None:
    """Raise a ContractError where a column is absent that may not be."""
    known = {name.lower() for name in found}
    for column in columns:
        is_part = any(mark in column for mark in (".", "::"))
        is_part |= any(name.startswith(f"{column.lower()}.") for name in known)
        if column.lower() in known or is_part or is_optional or column in map_.optional:
            continue
        shown = ", ".join(found[:12])
        raise ContractError(f"{file}: column {column} is missing; found {shown}")


def _scan(map_: UsageMap, file: Path, columns: Sequence[str], object_bytes: int) -> str:
    """Return the query of a file's records: of JSON the columns that are needed, else all."""
    suffix = file.name.removesuffix(".gz").rpartition(".")[2].lower()
    form = map_.files.format or _FORMATS.get(suffix)
    path = quoted(str(file))
    if form == "parquet":
        return f"select * from read_parquet({path})"
    if form in ("csv", "tsv"):
        delimiter = map_.files.delimiter or ("\t" if form == "tsv" else ",")
        return (
            f"select * from read_csv({path}, header = true, all_varchar = true, skip = 0, "
            f"delim = {quoted(delimiter)}, max_line_size = {_LINE_BYTES}, "
            """quote = '"', escape = '"', hive_partitioning = false)"""
        )
    paths = ", ".join(quoted(f'$."{column}"') for column in columns)
    values = ", ".join(
        f"found[{number}] as {identifier(column)}" for number, column in enumerate(columns, 1)
    )
    lines = "newline_delimited" if form == "jsonl" else "auto"
    documents = (
        f"select json from read_json_objects({path}, format = '{lines}', "
        f"maximum_object_size = {object_bytes})"
    )
    return (
        f"select {values} from (select json_extract_string({_OBJECT}, [{paths}]) as found "
        f"from ({_records(documents, map_.files.records)}))"
    )


def _records(documents: str, name: str | None) -> str:
    if name is None:
        return f"select json as record from ({documents})"
    path = quoted(f'$."{name}"')
    return (
        f"select unnest(if(json_type(json, {path}) = 'ARRAY', "
        f"json_extract(json, {path} || '[*]'), [json])) as record from ({documents})"
    )
