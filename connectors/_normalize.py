"""Normalize landed deliveries: check the inputs, cast to the contract, write Parquet, index it."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import duckdb
import polars as pl

from connectors._base import Connector, InputColumn, Source
from connectors._lake import Lake, Progress, _silent, failure_row, slot_is
from connectors._sql import connect, quoted
from models.currencies import ISO_4217
from models.errors import ContractError
from models.manifest import Manifest
from models.tables import CHARGES, PROVENANCE, Table

# Raise when the meaning of a normalized table changes without a change of its columns.
CONTRACT_VERSION = 2


def normalize(
    lake: Lake, source: Source, connector: Connector, progress: Progress = _silent
) -> dict[str, str]:
    """Normalize the delivery in force of every slot that changed; return one sentence a failure.

    A slot that fails keeps the rows of its last good delivery.
    """
    failures: dict[str, str] = {}
    done = {
        (row["slot"], row["fingerprint"])
        for row in lake.index().filter(pl.col("source") == source.name).to_dicts()
        if row["status"] == "current"
    }
    for slot, versions in sorted(lake.manifests(source.name).items()):
        manifest = versions[-1]
        fingerprint = _fingerprint(manifest, connector, source)
        if (slot, fingerprint) in done:
            continue
        progress(f"{source.name}: normalizing {slot}")
        try:
            rows = _normalize_one(lake, source, connector, manifest, fingerprint)
        except ContractError as error:
            failures[slot] = str(error)
            failure = failure_row(source, connector, manifest, str(error))
            failed = slot_is(source.name, slot) & (pl.col("status") == "failed")
            lake.replace_in_index([failure], gone=failed)
        else:
            lake.replace_in_index(rows, gone=slot_is(source.name, slot))
    return failures


def _fingerprint(manifest: Manifest, connector: Connector, source: Source) -> str:
    parts = [
        str(CONTRACT_VERSION),
        manifest.delivery_id,
        *(file.sha256 for file in manifest.files),
        *(f"{name}={sql}" for name, sql in sorted(connector.normalize(source).items())),
        *(f"{table.name}:{table.columns}" for table in connector.produces),
        connector.amounts,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _normalize_one(
    lake: Lake, source: Source, connector: Connector, manifest: Manifest, fingerprint: str
) -> list[dict[str, object]]:
    where = f"{source.name} {manifest.slot}"
    with connect() as connection:
        _bind_inputs(connection, connector, lake.folder(manifest), manifest, where)
        try:
            delivered = _delivered(connection, connector, manifest)
            queries = connector.normalize(source)
            return [
                _write(lake, connection, table, queries[table.name], manifest)
                | {
                    "status": "current",
                    "source": source.name,
                    "connector": connector.name,
                    "slot": manifest.slot,
                    "table": table.name,
                    "version": manifest.version,
                    "delivery_id": manifest.delivery_id,
                    "billing_period": manifest.billing_period,
                    "fingerprint": fingerprint,
                    # Several tables can come from one delivery: it was delivered once.
                    "delivered": delivered if table is connector.produces[0] else [],
                }
                for table in connector.produces
            ]
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                _explain_bad_value(connection, connector, where)
            raise ContractError(f"{where}: {_first_line(error)}") from error


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
    columns = connection.execute(f"describe ({connector.amounts})").fetchall()
    of_its_row = "billing_period" in {column[0] for column in columns}
    slot = quoted(manifest.billing_period) if manifest.billing_period else "cast(null as varchar)"
    cursor = connection.execute(f"""
        select
            {"billing_period" if of_its_row else slot} as billing_period,
            billing_currency,
            count(*) as rows,
            cast(sum(exact(amount)) as varchar) as amount,
            cast(sum(exact(amount) - money(amount)) as varchar) as rounding
        from ({connector.amounts})
        group by all
        order by all
    """)
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _write(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    manifest: Manifest,
) -> dict[str, object]:
    """Write one table's rows; return its file and the rows and content hash of each day."""
    folder = lake.root / table.name
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{os.getpid()}.tmp"
    connection.execute(
        f"copy ({_cast(connection, table, query, manifest)}) to {quoted(str(temporary))} "
        "(format parquet, compression zstd, row_group_size 100000)"
    )
    _check_contract(connection, table, temporary, manifest)
    days = _days(connection, table, temporary)
    content = repr((manifest.delivery_id, table.columns, days))
    name = f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.parquet"
    os.replace(temporary, folder / name)
    return {"file": f"{table.name}/{name}", "days": days}


def _cast(
    connection: duckdb.DuckDBPyConnection, table: Table, query: str, manifest: Manifest
) -> str:
    present = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    unknown = present - set(table.column_names)
    if unknown:
        raise ContractError(f"{manifest.connector}: {table.name} has no column {min(unknown)}")
    given = {
        "x_source": quoted(manifest.source),
        "x_delivery_id": quoted(manifest.delivery_id),
    }
    columns = ", ".join(
        f"cast({given.get(column.name, column.name if column.name in present else 'null')} "
        f"as {column.type}) as {column.name}"
        for column in table.columns
    )
    order = f" order by {table.order_by}" if table.order_by else ""
    return f"select {columns} from ({query}){order}"


def _check_contract(
    connection: duckdb.DuckDBPyConnection, table: Table, file: Path, manifest: Manifest
) -> None:
    checks = {
        f"{column.name} is empty": f"{column.name} is null"
        for column in table.columns
        if not column.nullable
    }
    if table is CHARGES:
        known = ", ".join(quoted(code) for code in sorted(ISO_4217))
        checks["billing_currency is not an ISO 4217 code"] = f"billing_currency not in ({known})"
        checks["charge_period_end is not after charge_period_start"] = (
            "charge_period_end <= charge_period_start"
        )
    counts = ", ".join(f"count(*) filter ({condition})" for condition in checks.values())
    found = connection.execute(f"select {counts} from read_parquet({quoted(str(file))})").fetchone()
    for (sentence, condition), count in zip(checks.items(), found or (), strict=True):
        if count:
            row = connection.execute(
                f"select x_file, x_row, {condition.split()[0]} "
                f"from read_parquet({quoted(str(file))}) where {condition} limit 1"
            ).fetchone()
            assert row is not None
            raise ContractError(
                f"{manifest.source} {manifest.slot}: file {row[0]}, row {row[1]}: {sentence}"
                + (f" ({row[2]})" if row[2] is not None else "")
                + (f", and so in {count - 1} more rows" if count > 1 else "")
            )


def _days(
    connection: duckdb.DuckDBPyConnection, table: Table, file: Path
) -> list[dict[str, object]]:
    """Return rows and an order-free content hash for each day; where rows came from is left out."""
    content = ", ".join(column.name for column in table.columns if column not in PROVENANCE[1:])
    cursor = connection.execute(f"""
        select {table.day} as day, count(*) as rows, cast(sum(hash({content})) as varchar) as hash
        from read_parquet({quoted(str(file))}) group by day order by day
    """)
    return [
        {"day": day, "rows": rows, "hash": content_hash}
        for day, rows, content_hash in cursor.fetchall()
    ]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
