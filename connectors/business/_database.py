"""Tables of a database that DuckDB attaches: what a query answers is kept as Parquet."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import duckdb

from connectors._base import Delivery, Source
from connectors._maps.expressions import identifier
from connectors._sql import connect, quoted
from connectors.business._options import BusinessOptions
from models.errors import ConfigError, FetchError

_EXTENSIONS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}


def discover(options: BusinessOptions) -> Iterator[Delivery]:
    """Offer every query: whether its answer changed is known once it came."""
    now = datetime.now(UTC).isoformat()
    for table in options.queries:
        yield Delivery(table, f"asked {now}", now)


def fetch(source: Source, options: BusinessOptions, delivery: Delivery, folder: Path) -> Delivery:
    """Ask for a table, and keep the answer; its version is a hash of it."""
    query = dict(options.queries)[delivery.slot].strip().rstrip(";")  # type: ignore[index]
    file = folder / f"{delivery.slot}.parquet"
    with connect() as connection:
        secret = _attach(connection, source, options)
        try:
            if options.database == "postgres":
                query = _as_text(connection, query)
            # One thread and one order: the same answer is the same bytes.
            connection.execute("set threads = 1")
            connection.execute(
                f"copy (select * from ({query}) order by all) to {quoted(str(file))} "
                "(format parquet, compression zstd)"
            )
        except duckdb.Error as error:
            said = _said(error, secret)
            raise ConfigError(f"{source.name}: queries.{delivery.slot}: {said}") from None
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return replace(delivery, version=version, request={"query": options.queries[delivery.slot]})  # type: ignore[index]


def _attach(connection: duckdb.DuckDBPyConnection, source: Source, options: BusinessOptions) -> str:
    """Attach the database read-only as `business`; return what no message may show."""
    kind, secret = str(options.database), ""
    _load_extension(connection, source, kind)
    if options.dsn_env:
        secret = os.environ.get(options.dsn_env, "")
        if not secret:
            raise ConfigError(
                f"{source.name}: the environment variable {options.dsn_env} is not set; it holds "
                "the connection string of the database"
            )
    elif not Path(source.location).is_file():
        raise ConfigError(f"{source.name}: location {source.location} is not a file of {kind}")
    place = quoted(secret or source.location)
    try:
        connection.execute(f"attach {place} as business (type {kind}, read_only)")
        if kind != "postgres":
            connection.execute("use business")
    except duckdb.Error as error:
        said = _said(error, secret)
        raise FetchError(f"{source.name}: the database cannot be opened: {said}") from None
    return secret


def _load_extension(connection: duckdb.DuckDBPyConnection, source: Source, kind: str) -> None:
    name = _EXTENSIONS.get(kind)
    if name is None:
        return
    package = find_spec(f"duckdb_extension_{name}")
    found = [
        file
        for folder in (package.submodule_search_locations or () if package else ())
        for file in Path(folder).rglob(f"v{duckdb.__version__}/**/{name}.duckdb_extension")
    ]
    try:
        connection.execute(f"load {quoted(str(found[0])) if found else name}")
    except duckdb.Error:
        wanted = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise ConfigError(
            f"{source.name}: to read {kind}, DuckDB's extension {name} must be installed: the "
            f"package {wanted} brings it"
        ) from None


def _as_text(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Let Postgres itself write every value as text: its numerics never become floats."""
    described = connection.execute(
        f"describe select * from postgres_query('business', {quoted(query)})"
    ).fetchall()
    names = [identifier(str(row[0])) for row in described]
    columns = ", ".join(f"cast(asked.{name} as text) as {name}" for name in names)
    return f"from postgres_query('business', {quoted(f'select {columns} from ({query}) as asked')})"


def _said(error: Exception, secret: str) -> str:
    """Return an error's first line, without the connection string."""
    line = str(error).strip().splitlines()[0]
    return line.replace(secret, "…") if secret else line
