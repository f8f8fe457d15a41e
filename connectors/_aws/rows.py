"""The rows of a delivery as text: Parquet, csv.gz or zipped csv, in the columns of CUR 2.0."""

import csv
import gzip
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from duckdb import DuckDBPyConnection

from connectors._aws.columns import COLUMNS
from connectors._aws.delivered import set_variables
from connectors._aws.words import create_types
from connectors._sql import quoted, quoted_list
from models.errors import ContractError

KINDS = {column.name: column.kind for column in COLUMNS}


@dataclass(frozen=True)
class Field:
    """A delivered column: its SQL expression, AWS's header, its DuckDB type."""

    expression: str
    header: str
    type: str
    is_filled: bool = False  # no row has an empty text

    def as_text(self, kind: str) -> str:
        """Return the value as text, NULL where empty; maps as maps.

        AWS writes money as doubles into Parquet: they stay, `money` and `exact` know them.
        """
        if kind == "map":
            return (
                f"cast(cast({self.expression} as json) as map(varchar, varchar))"
                if self.type == "VARCHAR"
                else self.expression
            )
        if self.type == "VARCHAR":
            return self.expression if self.is_filled else f"nullif({self.expression}, '')"
        if kind in ("money", "quantity") and self.type == "DOUBLE":
            return self.expression
        if kind in ("money", "quantity", "text"):
            return f"cast({self.expression} as varchar)"
        return self.expression


# The columns that a file has, as select expressions with our names.
Arrange = Callable[[Sequence[Field]], list[str]]


def arrange_as_named(renamed: Mapping[str, str]) -> Arrange:
    """Take the columns under CUR 2.0's names, or under those that the export's owner gave them."""
    ours = {renamed.get(name, name): name for name in KINDS}

    def arrange(fields: Sequence[Field]) -> list[str]:
        return [
            f"{field.as_text(KINDS[ours[field.header]])} as {ours[field.header]}"
            for field in fields
            if field.header in ours
        ]

    return arrange


def read_rows(
    connection: DuckDBPyConnection, folder: Path, files: Sequence[str], arrange: Arrange
) -> dict[str, str]:
    """Return the query of `raw`: the used columns that are delivered, and where each row lies."""
    filled = [file for file in files if not is_empty(folder / file)]
    if filled[0].endswith(".parquet"):
        query = _parquet(connection, folder, filled, arrange)
    else:
        # A compressed file can only be read from its start: once is enough.
        with _opened(folder, filled) as opened:
            chunks = [_csv(path, file, arrange) for file, path in opened.items()]
            connection.execute(f"create temp table chunks as {' union all by name '.join(chunks)}")
        query = "select * from chunks"
    present = {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}
    query = _twins_of_one_type(query, present)
    absent = [f", null as {name}" for name in KINDS if name not in present]
    rows = f"select *{''.join(absent)} from ({query})"
    set_variables(connection, rows, present)
    create_types(connection, rows, has_dictionaries=filled[0].endswith(".parquet"))
    return {"raw": query}


def _twins_of_one_type(query: str, types: Mapping[str, str]) -> str:
    """Return the query with a cost and its net cost both as text where only one is a double."""
    pairs = [(name, name.replace("_net_", "_", 1)) for name in types if "_net_" in name]
    casts = [
        f"cast({name} as varchar) as {name}"
        for pair in pairs
        if types.get(pair[1], types[pair[0]]) != types[pair[0]]
        for name in pair
    ]
    return f"select * replace ({', '.join(casts)}) from ({query})" if casts else query


def is_empty(file: Path) -> bool:
    """Tell whether a chunk holds nothing at all, as those that a refresh no longer needs."""
    if not file.stat().st_size:
        return True
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            return not any(member.file_size for member in archive.infolist())
    if file.suffix != ".gz":
        return False
    with gzip.open(file) as stream:
        return not stream.read(1)


def _parquet(
    connection: DuckDBPyConnection, folder: Path, files: list[str], arrange: Arrange
) -> str:
    scan = (
        f"read_parquet({quoted_list([str(folder / file) for file in files])}, "
        "union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)"
    )
    # Each of our queries begins with what the files say of themselves.
    connection.execute("set parquet_metadata_cache = true")
    described = connection.execute(f"describe select * from {scan}").fetchall()
    filled = _filled_columns(connection, [folder / file for file in files])
    columns = arrange([Field(f'"{row[0]}"', row[0], row[1], row[0] in filled) for row in described])
    columns.append(f"substr(filename, {len(str(folder)) + 2}) as x_file")
    columns.append("file_row_number + 1 as x_row")
    return f"select {', '.join(columns)} from {scan}"


def _filled_columns(connection: DuckDBPyConnection, files: Sequence[Path]) -> set[str]:
    """Return the columns that have no empty text, by what the files say of their least values.

    Where nothing is made NULL, rows keep a file's dictionary, and with it what saves most work.
    """
    rows = connection.execute(f"""
        select path_in_schema
        from parquet_metadata({quoted_list(list(map(str, files)))})
        group by path_in_schema
        having bool_and(coalesce(stats_min_value > '' or stats_null_count = num_values, false))
    """).fetchall()
    return {row[0] for row in rows}


def _csv(path: Path, file: str, arrange: Arrange) -> str:
    """Columns have numbers: DuckDB knows no case in names, AWS's tags do."""
    headers = _headers(path)
    names = [f"c{number}" for number in range(len(headers))]
    scan = (
        f"read_csv({quoted(str(path))}, header = true, skip = 0, all_varchar = true, "
        f"names = {quoted_list(names)}, "
        """delim = ',', quote = '"', escape = '"', hive_partitioning = false)"""
    )
    fields = [Field(name, header, "VARCHAR") for name, header in zip(names, headers, strict=True)]
    columns = [*arrange(fields), f"{quoted(file)} as x_file", "row_number() over () as x_row"]
    return f"select {', '.join(columns)} from {scan}"


def _headers(path: Path) -> list[str]:
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", encoding="utf-8-sig", newline="") as text:
        return next(csv.reader(text), [])


@contextmanager
def _opened(folder: Path, files: list[str]) -> Iterator[dict[str, Path]]:
    """Give each chunk as a file that DuckDB can read: what is zipped is unpacked for as long."""
    with TemporaryDirectory(prefix="unitledger-") as temporary:
        opened = {}
        for number, file in enumerate(files):
            opened[file] = folder / file
            if file.endswith(".zip"):
                opened[file] = _unpacked(folder / file, Path(temporary) / str(number))
        yield opened


def _unpacked(file: Path, folder: Path) -> Path:
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if member.file_size]
        if len(members) != 1:
            names = ", ".join(member.filename for member in members)
            raise ContractError(f"{file.name}: holds {names}; allowed: one csv file")
        return Path(archive.extract(members[0], folder))
