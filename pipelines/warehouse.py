"""The warehouse is a cache: one file, built beside the published one and swapped as a whole.

Schema `lake` has views on exactly the files that the lake's index lists, and the configuration as
tables; dbt adds the rest. `meta.build` says what the file was made from.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from connectors._sql import quoted, quoted_list
from models.columns import Table
from models.errors import ConfigError, ContractError
from models.tables import ATTEMPTS, CHARGES, METERED_USAGE, TABLES
from pipelines.config_tables import CONFIG_SCHEMAS
from pipelines.judged_tables import JUDGED_CODE, load_judged
from pipelines.prices import CODE, all_names, prices_file, update_prices, write_priced_models
from pipelines.settings import Settings
from pipelines.small_files import files_to_read
from pipelines.superseded import facts_in, files_of, names_in, prune, published_days

# Of the file: its way to store text is written in half the time, and smaller, than what earlier
# versions of DuckDB could read.
_FORMAT: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.3.0"
}


def build_file(settings: Settings) -> Path:
    """Return where the next warehouse is built: in a folder of its own, with what DuckDB writes
    aside, which goes with it."""
    warehouse = settings.warehouse
    return warehouse.with_name(f"{warehouse.name}.building") / warehouse.name


def prepare(settings: Settings, *, rebuild: bool = False) -> Path:
    """Begin a new warehouse: schema `lake`, nothing else. Return its file. With `rebuild`, the
    lake's small files are copied again."""
    discard(settings)
    file = build_file(settings)
    file.parent.mkdir(parents=True)
    index = current_index(settings)
    published = published_days(settings.warehouse)
    with duckdb.connect(str(file), config=_FORMAT) as connection:
        connection.execute("create schema lake")
        connection.register("index_frame", index.to_arrow())
        connection.execute('create table lake."index" as select * from index_frame')
        connection.unregister("index_frame")
        for name in CONFIG_SCHEMAS:
            config = settings.lake.root / "config" / f"{name}.parquet"
            connection.execute(
                f"create table lake.{name} as select * from read_parquet({quoted(str(config))})"
            )
        _write_tables(connection, settings, index, rebuild=rebuild)
        _write_day_files(connection, settings)
        list_fact_files(connection, settings)
        prices = quoted(str(update_prices(settings.lake)))
        connection.execute(f"create table lake.token_prices as from read_parquet({prices})")
        write_priced_models(connection, all_names(connection, settings.warehouse))
        # What was judged before, until this run has judged.
        load_judged(connection, settings.lake)
        # What the tests have already seen: a day that was built from the same is not new.
        connection.execute("create table lake.published_days (charge_date date, costs_hash text)")
        if published:
            days = [list(column) for column in zip(*published, strict=True)]
            connection.execute("insert into lake.published_days select unnest(?), unnest(?)", days)
    return file


def _write_tables(
    connection: duckdb.DuckDBPyConnection, settings: Settings, index: pl.DataFrame, *, rebuild: bool
) -> None:
    """Create a view on each table's files, and lake.copied_files, what of them are copies."""
    connection.execute("create table lake.copied_files (file text)")
    for table in TABLES.values():
        listed = _listed(settings, index.filter(_counts(settings, table)), table)
        files = _paths(settings, listed)
        if table == CHARGES:
            # What bills are checked against is themselves, as they stand in the lake.
            connection.execute(f"create view lake.delivered_charges as {_rows(table, files)}")
        if table == CHARGES or table.reaches:
            files = files_to_read(connection, settings.lake, listed, rebuild=rebuild)
            copies = [file for file in files if Path(file).parent.name == "facts"]
            connection.execute("insert into lake.copied_files select unnest(?::text[])", [copies])
        connection.execute(f"create view lake.{table.name} as {_rows(table, files)}")
    others = _listed(settings, index.filter(~_counts(settings, CHARGES)), CHARGES)
    files = _paths(settings, others)
    connection.execute(f"create view lake.compared_charges as {_rows(CHARGES, files)}")


def list_fact_files(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create lake.fact_files, what stands in the folder of facts before dbt builds: a year of days
    is thousands of names, which are read once."""
    files = pl.DataFrame({"file": facts_in(settings.lake)}, {"file": pl.String})
    connection.register("fact_files", files.to_arrow())
    connection.execute("create table lake.fact_files as from fact_files")
    connection.unregister("fact_files")


def _write_day_files(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create lake.day_files: of the tables whose rows have days, the files that reach each day."""
    tables = quoted_list([table.name for table in TABLES.values() if table.reaches])
    connection.execute(f"""
        create table lake.day_files as
        with delivered as (
            select "table" as table_name, {quoted(f"{settings.lake.root}/")} || file as file,
                unnest(days, recursive := true)
            from lake."index" as delivered
            inner join lake.sources as sources on delivered.source = sources.source
            where status = 'current' and list_contains({tables}, "table")
                and ("table" <> 'attempts' or sources.is_authoritative)
        ),

        reaching as (
            select table_name, file, day as charge_date
            from delivered
            union
            select table_name, file, unnest(range(
                reach_from::timestamp, reach_to::timestamp + interval 1 day, interval 1 day
            ))::date
            from delivered
            where reach_hash is not null
        )

        select table_name, charge_date, list(file order by file) as files
        from reaching
        group by table_name, charge_date
    """)


def _counts(settings: Settings, table: Table) -> pl.Expr:
    """Select the sources whose rows count: of charges, and of calls, those that are the authority
    for them."""
    others = [
        item.name
        for item in settings.sources.values()
        if table in (ATTEMPTS, CHARGES, METERED_USAGE) and not item.source.options.authoritative
    ]
    return ~pl.col("source").is_in(others)


def discard(settings: Settings) -> None:
    """Remove what an interrupted run left."""
    shutil.rmtree(build_file(settings).parent, ignore_errors=True)


def current_index(settings: Settings) -> pl.DataFrame:
    """Return the index rows of the configured sources."""
    return settings.lake.index().filter(pl.col("source").is_in(list(settings.sources)))


def _listed(settings: Settings, index: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the index of a table's files in force; one that is gone is an error."""
    listed = index.filter((pl.col("status") == "current") & (pl.col("table") == table.name))
    folder = settings.lake.root / table.name
    found = {f"{table.name}/{name}" for name in names_in(folder)}
    for name in listed["file"]:
        if name not in found:
            file = settings.lake.root / name
            raise ContractError(f"{file}: is gone from the lake; `run --rebuild` makes it again")
    return listed


def _paths(settings: Settings, index: pl.DataFrame) -> list[str]:
    return [f"{settings.lake.root}/{file}" for file in index["file"]]


def _rows(table: Table, files: list[str]) -> str:
    """Return the query of a table's rows: of all files, or of those that a build of a day names."""
    if files and table.reaches:
        named = f"cast(getvariable('{table.name}_files') as varchar[])"
        return f"select * from read_parquet(coalesce({named}, {quoted_list(files)}))"
    if files:
        return f"select * from read_parquet({quoted_list(files)})"
    columns = ", ".join(f"cast(null as {item.type}) as {item.name}" for item in table.columns)
    return f"select {columns} where false"


def digest(settings: Settings) -> str:
    """Return a hash of everything that a warehouse is made from."""
    lake = settings.lake
    config = [lake.root / "config" / f"{name}.parquet" for name in CONFIG_SCHEMAS]
    parts = hashlib.sha256(f"{lake.root}\n{duckdb.__version__}\n{model_version(settings)}".encode())
    found = [lake.index_file, *config, prices_file(lake), *CODE, *JUDGED_CODE]
    _hash_files(parts, [file for file in found if file.exists()])
    return parts.hexdigest()


def model_version(settings: Settings) -> str:
    """Return a hash of the code: dbt's files, and the Python that prepares their input."""
    code = hashlib.sha256()
    packages = Path(__file__).parent.parent
    _hash_files(code, sorted(settings.dbt_project.rglob("*.sql")))
    _hash_files(code, sorted(settings.dbt_project.glob("**/*.yml")))
    _hash_files(code, sorted(settings.dbt_project.glob("seeds/*.csv")))
    _hash_files(code, [*sorted((packages / "models").glob("*.py")), Path(__file__)])
    return code.hexdigest()[:16]


def _hash_files(parts: "hashlib._Hash", files: Iterable[Path]) -> None:
    for file in files:
        if not {"target", "logs"} & set(file.parts):
            parts.update(f"{file.name}\n{file.stat().st_size}\n".encode())
            parts.update(file.read_bytes())


def published_digest(settings: Settings) -> str | None:
    """Return what the published warehouse was made from; None where there is none."""
    if not settings.warehouse.exists():
        return None
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            row = connection.execute("select digest from meta.build").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None


def is_current(settings: Settings) -> bool:
    """Tell whether a new build would give what is already published."""
    return published_digest(settings) == digest(settings)


def publish(settings: Settings) -> None:
    """Say what the new warehouse was made from, and put it in the place of the old one.

    Readers of the old one go on until they close it: its files survive one publish.
    """
    file = build_file(settings)
    in_use = files_of(settings.warehouse) | files_of(file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table if exists lake.fact_files")
        connection.execute("create schema meta")
        made_from = [digest(settings), f"{model_version(settings)} {duckdb.__version__}"]
        connection.execute("create table meta.build as select ? as digest, ? as code", made_from)
    try:
        os.replace(file, settings.warehouse)
    except OSError as error:
        raise ConfigError(f"{settings.warehouse}: cannot be written: {error}") from None
    discard(settings)
    prune(settings.lake, in_use)


def read_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for reading; a run may replace it meanwhile."""
    if not settings.warehouse.exists():
        raise ConfigError(
            f"{settings.warehouse}: there is no warehouse yet; `unitledger run` first"
        )
    connection = duckdb.connect(str(settings.warehouse), read_only=True)
    connection.execute("set timezone = 'UTC'")
    return connection
