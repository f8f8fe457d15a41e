"""The CSV files that a user keeps beside the configuration: invoices, control totals, mappings.

A cell that cannot be read is a ConfigError that names its line, column, value and what is allowed.
"""

import csv
import re
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

from pydantic import ValidationError

from models.base import Dated
from models.currencies import ISO_4217
from models.errors import ConfigError
from pipelines.settings import Settings


def _required(parser: Callable[[str], object]) -> Callable[[str], object]:
    def parse(text: str) -> object:
        if not text:
            raise ValueError("anything but an empty cell")
        return parser(text)

    return parse


def _text(text: str) -> str | None:
    return text or None


def _period(text: str) -> str | None:
    if text and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ValueError("a month like 2026-10")
    return text or None


def _currency(text: str) -> str | None:
    if text and text not in ISO_4217:
        raise ValueError("an ISO 4217 code like USD")
    return text or None


def _integer(text: str) -> int | None:
    if text and not re.fullmatch(r"\d+", text):
        raise ValueError("a whole number")
    return int(text) if text else None


def _decimal(text: str, places: int) -> Decimal | None:
    if not text:
        return None
    allowed = f"a decimal number with at most {places} decimals"
    try:
        with localcontext(prec=60):
            amount = Decimal(text)
            if not amount.is_finite() or amount != amount.quantize(Decimal(1).scaleb(-places)):
                raise ValueError(allowed)
    except InvalidOperation:
        raise ValueError(allowed) from None
    return amount


def _money(text: str) -> Decimal | None:
    return _decimal(text, 12)


def _stated(text: str) -> Decimal | None:
    return _decimal(text, 24)


def _rate(text: str) -> Decimal | None:
    rate = _money(text)
    if rate is not None and (rate <= 0 or rate != rate.quantize(Decimal("1e-9"))):
        raise ValueError("a number above 0 with at most 9 decimals")
    return rate


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError("a day like 2026-10-05") from None


_Parsers = Mapping[str, Callable[[str], object]]
_INVOICE: _Parsers = {
    "source": _required(_text),
    "invoice_id": _required(_text),
    "billing_period": _required(_period),
    "billing_currency": _required(_currency),
    "total": _required(_money),
    "tax": _money,
    "exchange_rate": _rate,
}
# Columns that a file may leave out.
_OPTIONAL = ("exchange_rate", "valid_from", "valid_to")
_CONTROL_TOTAL: _Parsers = {
    "source": _required(_text),
    "billing_period": _period,
    "billing_currency": _currency,
    "rows": _integer,
    "billed_cost": _stated,
}


_MAPPING: _Parsers = {
    "key": _required(_text),
    "value": _required(_text),
    "valid_from": _date,
    "valid_to": _date,
}


def read_invoices(settings: Settings) -> Iterator[dict[str, object]]:
    """Yield the invoices; two rates of one source, month and currency are an error."""
    rates: dict[tuple[object, ...], object] = {}
    for row in _read_csv(settings.invoices, settings, _INVOICE):
        key = (row["source"], row["billing_period"], row["billing_currency"])
        rate = row["exchange_rate"]
        if rates.setdefault(key, rate) != rate:
            raise ConfigError(
                f"invoices: {' '.join(map(str, key))} has the exchange rates {rates[key]} and "
                f"{rate}; a source's month and currency is converted by one rate"
            )
        yield row


def read_control_totals(settings: Settings) -> Iterator[dict[str, object]]:
    """Yield the totals that vendors stated."""
    return _read_csv(settings.control_totals, settings, _CONTROL_TOTAL)


def read_mapping(file: Path) -> Iterator[dict[str, object]]:
    """Yield what a mapping says of each key; two values of one key on a day are an error."""
    known: dict[object, list[tuple[Dated, object]]] = {}
    for row in _read_rows(file, _MAPPING):
        key, value = row["key"], row["value"]
        try:
            dates = Dated.model_validate({name: row[name] for name in ("valid_from", "valid_to")})
        except ValidationError:
            raise ConfigError(f"{file.name}: {key}: valid_to must be after valid_from") from None
        for other, other_value in known.setdefault(key, []):
            if dates.overlaps(other):
                raise ConfigError(f"{file.name}: {key} is {other_value} and {value} on one day")
        known[key].append((dates, value))
        yield row


def _read_csv(
    file: Path | None, settings: Settings, parsers: _Parsers
) -> Iterator[dict[str, object]]:
    """Yield the rows of the configured sources; the file may list others and more columns."""
    if file is not None:
        yield from _read_rows(file, parsers, settings.sources)


def _read_rows(
    file: Path, parsers: _Parsers, sources: Container[str] | None = None
) -> Iterator[dict[str, object]]:
    """Yield the parsed rows, of the given sources alone where some are given."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    reader = csv.DictReader(lines)
    for column in parsers:
        if column not in (*(reader.fieldnames or ()), *_OPTIONAL):
            raise ConfigError(f"{file.name}: column {column} is missing")
    for row in reader:
        if sources is None or row["source"] in sources:
            yield _parse(f"{file.name}, line {reader.line_num}", row, parsers)


def _parse(where: str, row: Mapping[str, str | None], parsers: _Parsers) -> dict[str, object]:
    parsed = {}
    for column, parser in parsers.items():
        text = (row.get(column) or "").strip()
        try:
            parsed[column] = parser(text)
        except ValueError as error:
            raise ConfigError(f"{where}: {column} is {text!r}; allowed: {error}") from None
    return parsed
