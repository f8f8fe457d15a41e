"""The rows of an invoice as text, with its numbers and times written plainly."""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._maps.expressions import columns_of, create_macros, identifier
from connectors._sql import quoted
from connectors.invoice_mapping._cleaning import UNREADABLE, money_sql, time_sql
from connectors.invoice_mapping._files import Invoice
from connectors.invoice_mapping._live import check_pages
from connectors.invoice_mapping._lookups import looked_up
from connectors.invoice_mapping._map import Map, Unpivot
from connectors.invoice_mapping._totals import check_totals
from models.errors import ContractError

# Columns that every row has: where it lies, and its billing period as the delivery's path tells it.
OWN_COLUMNS = ("x_file", "x_row", "x_part", "x_records", "x_billing_period")


def read(
    map_: Map, connection: DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the input `raw`: one row a line of the invoice, checked against its own total."""
    create_macros(connection)
    if map_.api:
        check_pages(map_.api, folder, files)
    invoice = Invoice(connection, folder, files, map_)
    invoice.load(map_.records, needed_columns(map_), "delivered_rows")
    condition = f"({map_.where}) is not false" if map_.where else "true"
    connection.execute(f"""
        create temp table invoice_rows as
        select *{_kind(map_)}
        from (
            select
                * replace ({_cleaned(map_)}){_instants(map_)},
                split_part(x_file, '/', 1) as x_billing_period
            from ({looked_up(invoice, _in_parts(map_.unpivot))})
        )
        where {condition}
        order by x_file, x_row, x_part
    """)
    _check_numbers_and_times(connection, map_)
    _check_unique(connection, map_)
    check_totals(invoice)
    return {"raw": "select * from invoice_rows"}


def needed_columns(map_: Map) -> frozenset[str]:
    """Return the vendor's columns that the map reads of its rows."""
    named = {rule.column for rule in map_.categories if rule.column} | set(map_.unique)
    for place, text in expressions(map_).items():
        named |= columns_of(text, place)
    for name, lookup in map_.lookups.items():
        named |= set(lookup.equal)
        named -= {f"{name}.{column}" for column in lookup.columns}
    if map_.unpivot:
        named |= set(map_.unpivot.columns)
        named -= {map_.unpivot.name, map_.unpivot.value}
    derived = {name for name, time in map_.times.items() if time.of}
    named |= {time.of for name, time in map_.times.items() if time.of and name in named}
    return frozenset(named - derived - set(OWN_COLUMNS))


def expressions(map_: Map) -> dict[str, str]:
    """Return every expression over the rows of the invoice, by its place in the map."""
    found = {f"{map_.table.name}.{name}": text for name, text in map_.columns.items()}
    if map_.where:
        found["where"] = map_.where
    if map_.control_total.of:
        found["control_total.of"] = map_.control_total.of
    return found


def _in_parts(unpivot: Unpivot | None) -> str:
    """The delivered rows, each of which may be several lines."""
    if unpivot is None:
        return "select *, 1 as x_part from delivered_rows"
    names = ", ".join(quoted(column) for column in unpivot.columns)
    values = ", ".join(identifier(column) for column in unpivot.columns)
    return f"""
        select *
        from (
            select
                *,
                unnest([{names}]) as {identifier(unpivot.name)},
                unnest([{values}]) as {identifier(unpivot.value)},
                unnest(range(1, {len(unpivot.columns) + 1})) as x_part
            from delivered_rows
        )
        where {identifier(unpivot.value)} is not null
    """


def _instants(map_: Map) -> str:
    present = needed_columns(map_)
    return "".join(
        f", {time_sql(time.of, time)} as {identifier(name)}"
        for name, time in map_.times.items()
        if time.of in present
    )


def _cleaned(map_: Map) -> str:
    present = set(needed_columns(map_)) | ({map_.unpivot.value} if map_.unpivot else set())
    present |= {
        f"{name}.{column}" for name, item in map_.lookups.items() for column in item.columns
    }
    cleaned = ["x_file as x_file"]
    for column, money in map_.money.items():
        if column in present:
            cleaned.append(f"{money_sql(column, money)} as {identifier(column)}")
    for column, time in map_.times.items():
        if column in present and not time.of:
            cleaned.append(f"{time_sql(column, time)} as {identifier(column)}")
    return ", ".join(cleaned)


def _kind(map_: Map) -> str:
    """The category of each row; where no rule matches, the text that it was looked for in."""
    if map_.charges is None:
        return ""
    cases = [
        f"when regexp_matches(coalesce({identifier(rule.column)}, ''), {quoted(rule.matches)}) "
        f"then {quoted(rule.category)}"
        for rule in map_.categories
        if rule.column and rule.matches
    ]
    last = map_.categories[-1]
    if last.column is None:
        otherwise = quoted(last.category)
        if not cases:
            return f", {otherwise} as charge_kind"
    else:
        otherwise = f"coalesce(nullif({identifier(last.column)}, ''), '(empty)')"
    return f", case {' '.join(cases)} else {otherwise} end as charge_kind"


def _check_numbers_and_times(connection: DuckDBPyConnection, map_: Map) -> None:
    columns = {row[0] for row in connection.execute("describe invoice_rows").fetchall()}
    for column, money in map_.money.items():
        if column in columns:
            example = money.symbol + f"1234{money.decimal}56"
            _check(connection, column, f"a number such as {example}")
    for column, time in map_.times.items():
        if column in columns:
            _check(connection, column, f"a time such as {time.format or '2026-10-01T00:00:00Z'}")


def _check(connection: DuckDBPyConnection, column: str, allowed: str) -> None:
    bad = connection.execute(
        f"select substr({identifier(column)}, {len(UNREADABLE) + 1}), x_file, x_row "
        f"from invoice_rows where starts_with({identifier(column)}, {quoted(UNREADABLE)}) limit 1"
    ).fetchone()
    if bad:
        raise ContractError(
            f"file {bad[1]}, row {bad[2]}: {column} is {bad[0]!r}; allowed: {allowed}"
        )


def _check_unique(connection: DuckDBPyConnection, map_: Map) -> None:
    if not map_.unique:
        return
    key = ", ".join(identifier(column) for column in map_.unique)
    twice = connection.execute(
        f"select {key}, min(x_file), max(x_file), min(x_row), max(x_row) from invoice_rows "
        f"group by {key} having count(*) > 1 order by all limit 1"
    ).fetchone()
    if twice:
        *values, first, last, row, other = twice
        shown = ", ".join(
            f"{column} {value!r}" for column, value in zip(map_.unique, values, strict=True)
        )
        raise ContractError(
            f"{first}, row {row}, and {last}, row {other}, are both of {shown}: "
            "one of them came twice"
        )
