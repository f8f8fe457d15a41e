"""Normalize landed deliveries: check the inputs, cast to the contract, write Parquet, index it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import polars as pl

from connectors._base import Connector, InputColumn, Source
from connectors._lake import Lake, Progress, _silent, failure_row, slot_is
from connectors._restatements import restatements_query
from connectors._sql import quoted, session
from connectors._write import fetch_shapes, write
from models.columns import Table
from models.errors import ContractError
from models.manifest import Manifest
from models.tables import CHARGES, RESTATEMENTS

# Raise when the meaning of a normalized table changes without a change of its columns.
CONTRACT_VERSION = 2


def normalize(
    lake: Lake, source: Source, connector: Connector, progress: Progress = _silent
) -> dict[str, str]:
    """Normalize the delivery in force of every slot that changed; return one sentence a failure.

    A slot that fails keeps the rows of its last good delivery.
    """
    failures: dict[str, str] = {}
    files = _files_in_force(lake, source, connector)
    for slot, versions in sorted(lake.manifests(source.name).items()):
        manifest = versions[-1]
        fingerprint = _fingerprint(manifest, connector, source)
        if fingerprint not in files[slot]:
            progress(f"{source.name}: normalizing {slot}")
            try:
                rows = _normalize_one(lake, source, connector, manifest, fingerprint)
            except ContractError as error:
                failures[slot] = str(error)
                failure = failure_row(source, connector, manifest, str(error))
                failed = slot_is(source.name, slot) & (pl.col("status") == "failed")
                lake.replace_in_index([failure], gone=failed)
                continue
            files[slot] |= {fingerprint: str(rows[0]["file"])}
            lake.replace_in_index(rows, gone=slot_is(source.name, slot))
        if connector.produces[0] is CHARGES:
            _record_restatements(lake, source, connector, versions, files[slot])
    return failures


# Of each slot, the file of its first table, and that of its restatements, by fingerprint.
_Files = defaultdict[str, dict[str, str]]


def _files_in_force(lake: Lake, source: Source, connector: Connector) -> _Files:
    files: _Files = defaultdict(dict)
    tables = [connector.produces[0].name, RESTATEMENTS.name]
    mine = lake.index().filter(pl.col("table").is_in(tables), source=source.name, status="current")
    for row in mine.to_dicts():
        files[row["slot"]][row["fingerprint"]] = row["file"]
    return files


def _record_restatements(
    lake: Lake,
    source: Source,
    connector: Connector,
    versions: Sequence[Manifest],
    files: Mapping[str, str],
) -> None:
    """Index what each delivery of a slot changed, unless that is known of all of them."""
    code = _hash(_code(connector, source))[:16]
    fingerprint = _hash([code, *(manifest.delivery_id for manifest in versions)])
    if fingerprint in files:
        return

    def file_of(manifest: Manifest) -> Path:
        made_from = _fingerprint(manifest, connector, source)
        if made_from in files:
            return lake.root / files[made_from]
        rows = _normalize_one(lake, source, connector, manifest, made_from)
        return lake.root / str(rows[0]["file"])

    manifest = versions[-1]
    known = [file for file in files.values() if file.startswith(f"{RESTATEMENTS.name}/")]
    query = restatements_query(versions, file_of, code, lake.root / known[0] if known else None)
    with session() as connection:
        written = write(lake, connection, RESTATEMENTS, query, manifest)
    row = _index_row(source, connector, manifest, RESTATEMENTS, fingerprint) | written
    outdated = slot_is(source.name, manifest.slot) & (pl.col("table") == RESTATEMENTS.name)
    lake.replace_in_index([row], gone=outdated)


def _fingerprint(manifest: Manifest, connector: Connector, source: Source) -> str:
    sent = (file.sha256 for file in manifest.files)
    return _hash([manifest.delivery_id, *sent, *_code(connector, source)])


def _code(connector: Connector, source: Source) -> list[str]:
    return [
        str(CONTRACT_VERSION),
        *(f"{name}={sql}" for name, sql in sorted(connector.normalize(source).items())),
        *(f"{table.name}:{table.columns}" for table in connector.produces),
        connector.amounts,
    ]


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _index_row(
    source: Source, connector: Connector, manifest: Manifest, table: Table, fingerprint: str
) -> dict[str, object]:
    return {
        "status": "current",
        "source": source.name,
        "connector": connector.name,
        "slot": manifest.slot,
        "table": table.name,
        "version": manifest.version,
        "delivery_id": manifest.delivery_id,
        "billing_period": manifest.billing_period,
        "fingerprint": fingerprint,
        "delivered": [],
    }


def _normalize_one(
    lake: Lake, source: Source, connector: Connector, manifest: Manifest, fingerprint: str
) -> list[dict[str, object]]:
    """Write the tables of one delivery; return their rows of the index."""
    where = f"{source.name} {manifest.slot}"
    with session() as connection:
        _bind_inputs(connection, connector, lake.folder(manifest), manifest, where)
        try:
            delivered = _delivered(connection, connector, manifest)
            queries = connector.normalize(source)
            inputs = fetch_shapes(connection)
            rows = [
                _index_row(source, connector, manifest, table, fingerprint)
                | write(lake, connection, table, queries[table.name], manifest, inputs)
                for table in connector.produces
            ]
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                _explain_bad_value(connection, connector, where)
            raise ContractError(f"{where}: {_first_line(error)}") from error
    # Several tables can come from one delivery: it was delivered once.
    return [rows[0] | {"delivered": delivered}, *rows[1:]]


def _bind_inputs(
    connection: duckdb.DuckDBPyConnection,
    connector: Connector,
    folder: Path,
    manifest: Manifest,
    where: str,
) -> None:
    """Create a view for each declared input, with every declared column."""
    try:
        queries = connector.read(connection, folder, [file.path for file in manifest.files])
        for name, columns in connector.inputs.items():
            _bind(connection, name, queries[name], columns, where)
    except duckdb.Error as error:
        raise ContractError(f"{where}: a file cannot be read: {_first_line(error)}") from error
    for name, columns in connector.inputs.items():
        _check_allowed(connection, name, columns, where)


def _bind(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    columns: tuple[InputColumn, ...],
    where: str,
) -> None:
    present = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    for column in columns:
        if column.required and column.name not in present:
            found = ", ".join(sorted(present - {"x_file", "x_row"})[:8])
            raise ContractError(f"{where}: column {column.name} is missing; found {found}, …")
    absent = [f", null as {column.name}" for column in columns if column.name not in present]
    connection.execute(f"create temp view {name} as select *{''.join(absent)} from ({query})")


def _check_allowed(
    connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[InputColumn, ...], where: str
) -> None:
    for column in columns:
        if not column.allowed:
            continue
        allowed = ", ".join(quoted(value) for value in column.allowed)
        bad = connection.execute(
            f"select {column.name}, x_file, x_row from {name} "
            f"where {column.name} not in ({allowed}) limit 1"
        ).fetchone()
        if bad:
            raise ContractError(
                f"{where}: file {bad[1]}, row {bad[2]}: {column.name} is {bad[0]!r}; "
                f"allowed: {', '.join(column.allowed)}"
            )


_READABLE = {
    "money": "try_cast({0} as decimal(38, 24))",
    "quantity": "try_cast({0} as decimal(38, 12))",
    "integer": "try_cast({0} as bigint)",
    "time": "try_cast({0} as timestamp)",
}


def _explain_bad_value(
    connection: duckdb.DuckDBPyConnection, connector: Connector, where: str
) -> None:
    """Raise a ContractError that names the file, row, column and value that cannot be read."""
    for name, columns in connector.inputs.items():
        for column in columns:
            if column.kind not in _READABLE:
                continue
            text = f"nullif(cast({column.name} as varchar), '')"
            bad = connection.execute(
                f"select {text}, x_file, x_row from {name} where {text} is not null "
                f"and {_READABLE[column.kind].format(text)} is null limit 1"
            ).fetchone()
            if bad:
                raise ContractError(
                    f"{where}: file {bad[1]}, row {bad[2]}: {column.name} is {bad[0]!r}; "
                    f"allowed: {column.kind}"
                )


def _delivered(
    connection: duckdb.DuckDBPyConnection, connector: Connector, manifest: Manifest
) -> list[dict[str, object]]:
    """Return what the delivery itself adds up to before normalization, by period and currency."""
    described = connection.execute(f"describe ({connector.amounts})").fetchall()
    types = {row[0]: row[1] for row in described}
    slot = quoted(manifest.billing_period) if manifest.billing_period else "cast(null as varchar)"
    cursor = connection.execute(f"""
        select
            {"billing_period" if "billing_period" in types else slot} as billing_period,
            billing_currency,
            count(*) as rows,
            {_sums(types)}
        from ({connector.amounts})
        group by all
        order by all
    """)
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _sums(types: Mapping[str, str]) -> str:
    """Return the SQL of what amounts add up to, and of what rounding takes from it."""
    # Whole numbers are exact, and NULL is of their type: telemetry has no other amounts.
    whole = "cast(amount as decimal(38, 24))"
    is_whole = types["amount"] == "INTEGER"
    exact, money = (whole, whole) if is_whole else ("exact(amount)", "money(amount)")
    return f"""
        cast(sum({exact}) as varchar) as amount,
        cast(sum({exact} - {money}) as varchar) as rounding
    """


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
