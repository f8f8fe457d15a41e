"""The files of a delivery as tables of text: CSV, Parquet, and JSON by its record path."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._complete import check_text
from connectors._http import parse
from connectors._maps.expressions import as_text, identifier
from connectors._sql import quoted
from connectors.invoice_mapping._map import Map, Records
from connectors.invoice_mapping._records import records
from models.errors import ContractError

_FORMATS = {
    "csv": "csv", "tsv": "tsv", "json": "json", "ndjson": "ndjson", "jsonl": "ndjson",
    "parquet": "parquet",
}  # fmt: skip
_BATCH = 20_000


@dataclass(frozen=True)
class Invoice:
    """The files of one delivery, and the map that reads them into a connection's tables."""

    connection: DuckDBPyConnection
    folder: Path
    files: Sequence[str]
    map_: Map

    def load(self, places: Sequence[Records], columns: frozenset[str], table: str) -> None:
        """Fill a new table with the rows at `places`: `columns` as text, and where each row lies.

        An empty text is NULL.
        """
        names = sorted(columns)
        defined = "".join(f", {identifier(name)} varchar" for name in names)
        self.connection.execute(
            f"create or replace temp table {table} "
            f"(x_file varchar, x_row bigint, x_records varchar{defined})"
        )
        for file in sorted(self.files):
            for place in places:
                if re.search(place.files, file):
                    self._load(file, place.path, names, table)

    def text(self, file: str) -> str:
        """Return a small file as text; a ContractError where it is damaged."""
        encoding = self.map_.files.encoding.replace("utf-8", "utf-8-sig")
        return self._bytes(file).decode(encoding, errors="replace")

    def _load(self, file: str, path: str, names: list[str], table: str) -> None:
        suffix = file.removesuffix(".gz").rpartition(".")[2].lower()
        form = _FORMATS.get(suffix, self.map_.files.format)
        if form in ("json", "ndjson"):
            self._load_json(file, form, path, names, table)
        elif form == "parquet":
            self._load_table(file, f"read_parquet({self._quoted(file)})", names, table)
        elif form:
            check_text(self.folder / file, file)
            self._load_table(file, self._csv(file, form), names, table)
        else:
            allowed = ", ".join(_FORMATS)
            raise ContractError(f"{file} has no known ending; allowed: {allowed}, or files.format")

    def _bytes(self, file: str) -> bytes:
        content = (self.folder / file).read_bytes()
        try:
            return gzip.decompress(content) if file.endswith(".gz") else content
        except (EOFError, OSError) as error:
            raise ContractError(f"{file} is cut off or damaged: {error}") from error

    def _quoted(self, file: str) -> str:
        return quoted(str(self.folder / file))

    # --- JSON -------------------------------------------------------------------------------------

    def _load_json(self, file: str, form: str, path: str, names: list[str], table: str) -> None:
        rows = (
            {name: row.get(name) for name in names}
            for document in self._documents(file, form)
            for row in records(document, path, file)
        )
        structure = quoted(json.dumps([dict.fromkeys(names, "VARCHAR") or {"none": "VARCHAR"}]))
        values = "".join(f", nullif(item.{identifier(name)}, '')" for name in names)
        before = self._rows_of(file, table)
        while batch := list(islice(rows, _BATCH)):
            self.connection.execute(
                f"insert into {table} "
                f"select {quoted(file)}, {before} + position, {quoted(path)}{values} "
                "from (select unnest(items) as item, generate_subscripts(items, 1) as position "
                f"from (select from_json(?, {structure}) as items))",
                [json.dumps(batch)],
            )
            before += len(batch)

    def _rows_of(self, file: str, table: str) -> int:
        """Rows of several places in a file are numbered on."""
        query = f"select count(*) from {table} where x_file = ?"
        (count,) = self.connection.execute(query, [file]).fetchone() or (0,)
        return int(count)

    def _documents(self, file: str, form: str) -> Iterator[Any]:
        if form == "json":
            yield parse(self._bytes(file).removeprefix(b"\xef\xbb\xbf"), file)
            return
        check_text(self.folder / file, file)
        for number, line in enumerate(self.text(file).splitlines(), start=1):
            if line.strip():
                yield parse(line.encode(), f"{file}, line {number}")

    # --- tables -----------------------------------------------------------------------------------

    def _load_table(self, file: str, scan: str, names: list[str], table: str) -> None:
        self.connection.execute(f"create or replace temp table file_rows as select * from {scan}")
        described = self.connection.execute("describe file_rows").fetchall()
        types = {row[0]: row[1] for row in described}
        for name in names:
            if name not in types and name not in self.map_.optional:
                found = ", ".join(list(types)[:12])
                raise ContractError(f"{file}: column {name} is missing; found {found}")
        values = "".join(f", nullif({as_text(name, types.get(name))}, '')" for name in names)
        self.connection.execute(
            f"insert into {table} select {quoted(file)}, rowid + 1, ''{values} "
            "from file_rows order by rowid"
        )

    def _csv(self, file: str, form: str) -> str:
        delimiter = self.map_.files.delimiter or ("\t" if form == "tsv" else ",")
        return (
            f"read_csv({self._quoted(file)}, header = true, all_varchar = true, "
            f"skip = {self.map_.files.skip}, delim = {quoted(delimiter)}, "
            f"encoding = {quoted(self.map_.files.encoding)}, "
            """quote = '"', escape = '"', hive_partitioning = false)"""
        )
