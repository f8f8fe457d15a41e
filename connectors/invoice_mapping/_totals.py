"""What the invoice itself says it adds up to."""

import re
from decimal import Decimal, localcontext

from connectors._maps.expressions import columns_of, identifier
from connectors.invoice_mapping._cleaning import PLAIN_NUMBER, money_sql
from connectors.invoice_mapping._files import Invoice
from connectors.invoice_mapping._map import ControlTotal, Money, Records
from models.errors import ContractError


def check_totals(invoice: Invoice) -> None:
    """Raise a ContractError with both numbers where the rows do not add up to what is stated."""
    total, count = invoice.map_.control_total, invoice.map_.row_count
    if not total.none:
        of = total.of or invoice.map_.columns["billed_cost"]
        added = _one(invoice, f"select coalesce(sum(exact({of})), 0) from invoice_rows")
        _compare(added, _stated(invoice, total), total, "the rows add up to")
    if count:
        added = _one(invoice, "select count(*) from delivered_rows")
        _compare(added, _stated(invoice, count), count, "the number of rows is")


def _one(invoice: Invoice, query: str) -> Decimal:
    row = invoice.connection.execute(query).fetchone()
    assert row is not None
    return Decimal(row[0])


def _compare(added: Decimal, stated: list[Decimal], total: ControlTotal, what: str) -> None:
    name = total.value or "control_total.pattern"
    if not stated:
        if total.optional:
            return
        raise ContractError(f"{what} {_text(added)}, but {name}, which states it, is missing")
    if total.combine == "same" and len(set(stated)) > 1:
        found = ", ".join(_text(value) for value in sorted(set(stated))[:4])
        raise ContractError(f"{name} is not the same everywhere: {found}")
    with localcontext(prec=60):
        expected = sum(stated, Decimal(0)) if total.combine == "sum" else stated[0]
        is_equal = abs(added - expected) <= Decimal(total.tolerance)
    if not is_equal:
        tolerance = "" if total.tolerance == "0" else f", tolerance {total.tolerance}"
        raise ContractError(
            f"{what} {_text(added)}, but {name} states {_text(expected)}{tolerance}"
        )


def _text(number: Decimal) -> str:
    """Without the zeros that a wide column adds."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stated(invoice: Invoice, total: ControlTotal) -> list[Decimal]:
    """Return every number that the delivery states at a place."""
    value = total.value or "stated"
    if total.pattern:
        invoice.connection.execute("create or replace temp table stated_rows (stated varchar)")
        for text in _matches(invoice, total):
            invoice.connection.execute("insert into stated_rows values (?)", [text])
    else:
        columns = columns_of(total.where, "control_total.where") if total.where else frozenset()
        places = [Records(path=total.records, files=total.files)]
        invoice.load(places, columns | {value}, "stated_rows")
    number = money_sql(value, total.money or invoice.map_.money.get(value, Money()))
    condition = f"({total.where}) is not false" if total.where else "true"
    found = invoice.connection.execute(
        f"select {number}, {identifier(value)} from stated_rows "
        f"where {condition} and {identifier(value)} is not null"
    ).fetchall()
    return [_decimal(number, text, value) for number, text in found]


def _matches(invoice: Invoice, total: ControlTotal) -> list[str]:
    texts = [invoice.text(file) for file in invoice.files if re.search(total.files, file)]
    return [match.group(1) for text in texts for match in re.finditer(total.pattern or "", text)]


def _decimal(number: str, text: str, name: str) -> Decimal:
    if not re.fullmatch(PLAIN_NUMBER, number):
        raise ContractError(f"{name}, which states a total, is {text!r}; allowed: a number")
    return Decimal(number)
