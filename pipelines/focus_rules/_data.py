"""Open FOCUS files as the relations that the rules read."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._sql import quoted
from models.errors import ConfigError
from pipelines.focus_rules._rules import COLUMN_KINDS, LISTS

# What a row has besides the file's own columns.
ROW_NAMES = ("file", "row")
# Before FOCUS 1.3, the provider had another name.
_PROVIDERS = ("ServiceProviderName", "ProviderName")
_NUMBER = "decimal(38, 12)"


def open_files(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path] | str
) -> frozenset[str]:
    """Create the views `focus` and `columns` and the macros of the rules; return the names of
    the columns of `focus` that rules may be about."""
    if isinstance(files, str):
        reader = f"select *, {quoted(files)} as file, rowid + 1 as row from {files}"
    else:
        reader = _reader(connection, files)
    connection.execute(f"create or replace temp view given as {reader}")
    types = {
        str(name): str(kind)
        for name, kind, *_ in connection.execute("describe given").fetchall()
        if name not in ROW_NAMES
    }
    # A time with an offset is read as the moment that it is.
    connection.execute("set timezone = 'UTC'")
    _create_macros(connection)
    _create_columns(connection, types)
    connection.execute(f"create or replace temp view focus as {_focus(types)}")
    described = connection.execute("describe focus").fetchall()
    return frozenset(str(row[0]) for row in described)


def _reader(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> str:
    """Return the SQL that reads all files; CSV is read once, into a table."""
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{file}: there is no such file")
    _refuse_mixed_versions(connection, files)
    listed = ", ".join(quoted(str(file)) for file in files)
    if all(file.suffix == ".parquet" for file in files):
        return (
            "select * exclude (filename, file_row_number), filename as file, "
            f"file_row_number + 1 as row from read_parquet([{listed}], union_by_name=true, "
            "filename=true, file_row_number=true)"
        )
    if not all(file.name.endswith((".csv", ".csv.gz")) for file in files):
        raise ConfigError(f"{files[0]}: FOCUS files are .parquet, .csv or .csv.gz, all of one kind")
    connection.execute(
        "create or replace temp table lines as select * exclude (filename), filename as file, "
        "row_number() over (partition by filename) as row "
        f"from read_csv([{listed}], all_varchar=true, header=true, delim=',', quote='\"', "
        "escape='\"', skip=0, union_by_name=true, filename=true)"
    )
    return "from lines"


def _refuse_mixed_versions(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """One charge of two versions would be taken for two charges."""
    versions = set()
    for file in files if len(files) > 1 else ():
        described = connection.execute(f"describe from {quoted(str(file))}").fetchall()
        versions.add(frozenset(_PROVIDERS).intersection(row[0] for row in described))
    if len(versions) > 1:
        raise ConfigError(
            f"{files[0]}: stands with files of other versions of FOCUS: check each by itself"
        )


def _focus(types: dict[str, str]) -> str:
    """Return the SQL of the charges, typed, with what rules need besides."""
    columns = [_typed(name, kind) for name, kind in types.items()]
    columns += [
        f'"{name}" as raw_{name}'
        for name, kind in types.items()
        if COLUMN_KINDS.get(name) in ("number", "time") and kind == "VARCHAR"
    ]
    quoted_names = {name: f'"{name}"' for name in types}
    ours = [
        column
        for name, column in quoted_names.items()
        if name in ("x_Source", "x_DeliveryId", "x_File")
    ]
    focus = [column for name, column in quoted_names.items() if name in COLUMN_KINDS] or ["0"]
    providers = [name for name in _PROVIDERS if name in types]
    columns += [
        f"coalesce({', '.join([*providers, 'null'])})::varchar as provider",
        f"{quoted_names.get('x_Source', 'file')} as source",
        f"concat_ws(' ', {', '.join(['file', *ours])}) as delivered",
        f"hash({', '.join(focus)}) as content",
        f"hash({', '.join(quoted_names.values())}) as whole",
        *ROW_NAMES,
    ]
    return f"select {', '.join(columns)} from given"


def _typed(name: str, kind: str) -> str:
    column, wanted = f'"{name}"', COLUMN_KINDS.get(name)
    if wanted == "number":
        return (
            f"{column}"
            if kind == "DECIMAL(38,12)"
            else f"try_cast({column} as {_NUMBER}) as {name}"
        )
    if wanted == "time":
        zoned = "" if kind in ("TIMESTAMP", "DATE") else "::timestamptz"
        if kind == "VARCHAR":
            return f"try_cast({column} as timestamptz)::timestamp as {name}"
        return f"{column}{zoned}::timestamp as {name}"
    if wanted == "text" and kind != "VARCHAR":
        is_nested = kind.startswith(("MAP", "STRUCT"))
        return f"{f'to_json({column})' if is_nested else column}::varchar as {name}"
    return column


def _create_columns(connection: duckdb.DuckDBPyConnection, types: dict[str, str]) -> None:
    rows = [(name, kind, COLUMN_KINDS.get(name, "")) for name, kind in types.items()]
    lines = ", ".join(f"({', '.join(map(quoted, row))}, {row[0] in COLUMN_KINDS})" for row in rows)
    connection.execute(
        "create or replace temp view columns as "
        f"select * from (values {lines}) as columns (name, type, kind, is_focus)"
    )


def _create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    parents = {
        subcategory: category
        for category, subcategories in LISTS["service_subcategories"].items()
        for subcategory in subcategories
    }
    names = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in parents.items())
    currencies = ", ".join(quoted(code) for code in LISTS["currencies"].split())
    for macro in (
        f"subcategory_parent(name) as map {{{names}}}[name]",
        f"is_currency(code) as code in ({currencies})",
        # Half of the last decimal is rounding. What exceeds 38 digits is compared as floats.
        "is_product(cost, price, quantity) as coalesce("
        "try(abs(cost - price * quantity)::double <= 5e-13), "
        "abs(cost::double - price::double * quantity::double) <= 1e-9 * abs(cost::double))",
        "is_nested(object) as json_valid(object) and regexp_matches(substr(object, 2), '[{\\[]') "
        "and len(list_filter(json_extract(if(json_valid(object), object, '{}'), '$.*'), "
        "lambda item: json_type(item) in ('OBJECT', 'ARRAY'))) > 0",
    ):
        connection.execute(f"create or replace temp macro {macro}")
