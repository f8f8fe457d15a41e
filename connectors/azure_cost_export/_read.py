"""The rows of a delivery: of Microsoft's own datasets or of FOCUS, as many as the manifest says."""

import json
from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._azure._focus import read_focus
from connectors._azure._read import read as read_native
from models.errors import ContractError


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the queries of `raw` and `focus`."""
    queries = read_native(connection, folder, files) | read_focus(connection, folder, files)
    stated = _stated_rows(folder, files)
    for query in queries.values():
        rows = dict(
            connection.execute(f"select x_file, count(*) from ({query}) group by x_file").fetchall()
        )
        for file in rows:
            if stated.get(file, rows[file]) != rows[file]:
                raise ContractError(
                    f"{file} has {rows[file]} rows; its manifest says {stated[file]}"
                )
            stated.pop(file, None)
    for file, count in stated.items():
        if count:
            raise ContractError(f"{file} has no rows; its manifest says {count}")
    return queries


def _stated_rows(folder: Path, files: Sequence[str]) -> dict[str, int]:
    """Return the rows of each file that its manifest states."""
    stated = {}
    for manifest in (file for file in files if file.endswith("/manifest.json")):
        for blob in json.loads((folder / manifest).read_bytes())["blobs"]:
            name = str(blob["blobName"]).rpartition("/")[2]
            if str(blob.get("dataRowCount", "")).isdigit():
                stated[manifest.replace("manifest.json", name)] = int(blob["dataRowCount"])
    return stated
