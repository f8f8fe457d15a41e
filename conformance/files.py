"""Write the files that the official validators are asked about."""

import shutil
from pathlib import Path

import duckdb

from conformance.charges import create_charges
from conformance.mutations import MUTATIONS
from connectors._sql import quoted
from models.errors import ConfigError

CLEAN = "clean"


def write_files(exports: Path, folder: Path) -> None:
    """Write <folder>/1.2, 1.4 and mutated from the newest version of each exported period."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("1.2", "1.4", "mutated"):
        (folder / name).mkdir(parents=True)
    versions = [
        pointer.parent / pointer.read_text().strip() for pointer in sorted(exports.glob("*/latest"))
    ]
    if not versions:
        raise ConfigError(f"{exports}: holds no export; `unitledger run` makes one")
    with duckdb.connect() as connection:
        _write_1_2(connection, versions, folder / "1.2")
        for version in versions:
            _write_1_4(connection, version, folder / "1.4")
        _write_spoilt(connection, folder / "mutated")
    shutil.copy(folder / "mutated" / f"{CLEAN}.parquet", folder / "1.2")


def _write_1_2(connection: duckdb.DuckDBPyConnection, versions: list[Path], folder: Path) -> None:
    """Write all months of all sources, and of each source."""
    files = ", ".join(quoted(str(version / "focus_1_2.parquet")) for version in versions)
    connection.execute(f"create table whole as from read_parquet([{files}])")
    connection.execute(f"copy whole to {quoted(str(folder / 'all-sources.parquet'))}")
    for (source,) in connection.execute("select distinct x_Source from whole").fetchall():
        file = quoted(str(folder / f"{source}.parquet"))
        connection.execute(f"copy (from whole where x_Source = {quoted(source)}) to {file}")


def _write_1_4(connection: duckdb.DuckDBPyConnection, version: Path, folder: Path) -> None:
    """Copy a month's three data sets, side by side and together; and the charges of each source."""
    period = version.parent.name
    together = folder / period
    together.mkdir()
    for table, dataset in (
        ("focus_1_4", "cost-and-usage"),
        ("focus_1_4_billing_period", "billing-period"),
        ("focus_1_4_invoice_detail", "invoice-detail"),
    ):
        shutil.copy(version / f"{table}.csv", together)
        shutil.copy(version / f"{table}.csv", folder / f"{period}__{dataset}.csv")
    charges = f"read_csv({quoted(str(version / 'focus_1_4.csv'))}, all_varchar=true, header=true)"
    for (source,) in connection.execute(f"select distinct x_Source from {charges}").fetchall():
        file = quoted(str(folder / f"{source}-{period}__cost-and-usage.csv"))
        connection.execute(f"copy (from {charges} where x_Source = {quoted(source)}) to {file}")


def _write_spoilt(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the clean file, and each way to spoil it that FOCUS 1.2 has."""
    create_charges(connection, "charges")
    connection.execute(f"copy charges to {quoted(str(folder / f'{CLEAN}.parquet'))}")
    for number, mutation in enumerate(MUTATIONS):
        if "1.2" in mutation.versions:
            create_charges(connection, "charges")
            connection.execute(mutation.sql)
            connection.execute(f"copy charges to {quoted(str(folder / f'{number:03}.parquet'))}")
