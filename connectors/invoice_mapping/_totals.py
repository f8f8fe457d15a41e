"""What the invoice itself says it adds up to."""

import re
from collections.abc import Sequence
from decimal import Decimal, localcontext
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors.invoice_mapping._cleaning import PLAIN_NUMBER, money_sql
from connectors.invoice_mapping._expressions import columns_of, identifier
from connectors.invoice_mapping._files import load, text_of
from connectors.invoice_mapping._map import ControlTotal, Map, Money, Records
from models.errors import ContractError


def check_totals(
    connection: DuckDBPyConnection, folder: Path, files: Sequence[str], map_: Map
) -> None:
    """Raise a ContractError with both numbers where the rows do not add up to what is stated."""
    total = map_.control_total
    if not total.none:
        of = total.of or map_.columns.get("billed_cost", "null")
        added = _one(connection, f"select coalesce(sum(exact({of})), 0) from invoice_rows")
        _compare(added, stated(connection, folder, files, map_, total), total, "the rows add up to")
    if map_.row_count:
        added = _one(connection, "select count(*) from delivered_rows")
        said = stated(connection, folder, files, map_, map_.row_count)
        _compare(added, said, map_.row_count, "the number of rows is")


def _one(connection: DuckDBPyConnection, query: str) -> Decimal:
    row = connection.execute(query).fetchone()
    assert row is not None
    return Decimal(row[0])


def _compare(added: Decimal, stated: list[Decimal], total: ControlTotal, what: str) -> None:
    name = total.value or total.pattern
    if not stated:
        if total.optional:
            return
        raise ContractError(f"the control total {name} is missing; {what} {added:f}")
    if total.combine == "same" and len(set(stated)) > 1:
        found = ", ".join(f"{value:f}" for value in sorted(set(stated))[:4])
        raise ContractError(f"the control total {name} is not the same everywhere: {found}")
    with localcontext(prec=60):
        expected = sum(stated, Decimal(0)) if total.combine == "sum" else stated[0]
        if abs(added - expected) > Decimal(total.tolerance):
            tolerance = "" if total.tolerance == "0" else f", tolerance {total.tolerance}"
            raise ContractError(
                f"{what} {added.normalize():f}, but {name} states "
                f"{expected.normalize():f}{tolerance}"
            )


def stated(
    connection: DuckDBPyConnection,
    folder: Path,
    files: Sequence[str],
    map_: Map,
    total: ControlTotal,
) -> list[Decimal]:
    """Return every number that the delivery states at a place, in order."""
    value = total.value or "stated"
    if total.pattern:
        connection.execute(f"create or replace temp table stated_rows ({value} varchar)")
        for text in _matches(folder, files, total):
            connection.execute("insert into stated_rows values (?)", [text])
    else:
        columns = frozenset({value}) | (columns_of(total.where, "where") if total.where else set())
        connection.execute("drop table if exists stated_rows")
        places = [Records(path=total.records, files=total.files)]
        load(connection, folder, files, map_, places, columns, "stated_rows")
    number = money_sql(value, total.money or map_.money.get(value, Money()))
    condition = f"({total.where}) is not false" if total.where else "true"
    found = connection.execute(
        f"select {number}, {identifier(value)} from stated_rows "
        f"where {condition} and nullif({identifier(value)}, '') is not null"
    ).fetchall()
    return [_decimal(number, text, value) for number, text in found]


def _matches(folder: Path, files: Sequence[str], total: ControlTotal) -> list[str]:
    texts = [text_of(folder / file, file) for file in files if re.search(total.files, file)]
    return [match.group(1) for text in texts for match in re.finditer(total.pattern or "", text)]


def _decimal(number: str, text: str, name: str) -> Decimal:
    if not re.fullmatch(PLAIN_NUMBER, number):
        raise ContractError(f"the control total {name} is {text!r}; allowed: a number")
    return Decimal(number)
