"""Configuration as tables: how rules, aliases, invoices and totals reach SQL.

Every table of `CONFIG_SCHEMAS` is written to lake/config/<table>.parquet in every run, empty ones
with their types.
"""

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

import polars as pl

from models.config import Entities, Match, Rule
from models.currencies import ISO_4217
from models.errors import ConfigError
from models.rate_cards import RateCardLine
from pipelines.settings import Settings

_MONEY = pl.Decimal(38, 12)
_ENTITY_COLUMNS = {
    name: "customer_id" if name == "customer" else name for name in Entities.model_fields
}
_RATE_CARD_CONDITIONS = (
    *("provider", "sku", "model", "token_type", "service_tier", "pricing_category", "region"),
)
_CONDITIONS = tuple(name for name in Match.model_fields if name != "tags")
_TEXT = pl.String
_DATES: dict[str, pl.DataType | type[pl.DataType]] = {"valid_from": pl.Date, "valid_to": pl.Date}

CONFIG_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "rules": {
        "priority": pl.Int64,
        "rule_id": _TEXT,
        "rule_version": pl.Int64,
        **_DATES,
        **{f"when_{name}": _TEXT for name in _CONDITIONS},
        "when_tags": pl.List(pl.Struct({"key": _TEXT, "value": _TEXT})),
        **{f"set_{column}": _TEXT for column in _ENTITY_COLUMNS.values()},
        "treatment": _TEXT,
        "driver": _TEXT,
        **{f"users_{column}": _TEXT for column in _ENTITY_COLUMNS.values()},
        "pool": _TEXT,
        "rule_hash": _TEXT,
    },
    "model_aliases": {"name": _TEXT, "model": _TEXT, **_DATES},
    "sources": {"source": _TEXT, "connector": _TEXT, "is_authoritative": pl.Boolean},
    "rate_cards": {
        "rate_card_id": _TEXT,
        "provider": _TEXT,
        "sku": _TEXT,
        "model": _TEXT,
        "token_type": _TEXT,
        "service_tier": _TEXT,
        "pricing_category": _TEXT,
        "region": _TEXT,
        "consumed_unit": _TEXT,
        "pricing_unit": _TEXT,
        "block": pl.Int64,
        "price": _MONEY,
        "price_decimals": pl.Int64,
        "billing_currency": _TEXT,
        **_DATES,
    },
    # One row, or none: then nothing is converted.
    "reporting_currencies": {"reporting_currency": _TEXT},
    "invoices": {
        "source": _TEXT,
        "invoice_id": _TEXT,
        "billing_period": _TEXT,
        "billing_currency": _TEXT,
        "total": _MONEY,
        "tax": _MONEY,
        # Units of the reporting currency that one unit of the billing currency is worth.
        "exchange_rate": _MONEY,
    },
    "control_totals": {
        "source": _TEXT,
        "billing_period": _TEXT,
        "billing_currency": _TEXT,
        "rows": pl.Int64,
        # As the vendor adds it up, before anything is rounded.
        "billed_cost": pl.Decimal(38, 24),
    },
}


def config_tables(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return the configuration as tables; a bad cell of a CSV is a ConfigError that names it."""
    attribution = settings.config.attribution
    rows: dict[str, list[dict[str, object]]] = {
        "rules": [_rule(number, rule) for number, rule in enumerate(attribution.rules, start=1)],
        "model_aliases": [
            {
                "name": name,
                "model": alias.model,
                "valid_from": alias.valid_from,
                "valid_to": alias.valid_to,
            }
            for alias in attribution.model_aliases
            for name in alias.names
        ],
        "sources": [
            {
                "source": item.name,
                "connector": item.connector.name,
                "is_authoritative": item.source.options.authoritative,
            }
            for item in settings.sources.values()
        ],
        "rate_cards": [_rate_card(line) for line in settings.config.rate_cards],
        "reporting_currencies": [
            {"reporting_currency": code} for code in [settings.config.reporting_currency] if code
        ],
        "invoices": list(_invoices(settings)),
        "control_totals": list(_read_csv(settings.control_totals, settings, _CONTROL_TOTAL)),
    }
    return {
        name: pl.DataFrame(rows[name], schema=schema) for name, schema in CONFIG_SCHEMAS.items()
    }


def write_config_tables(settings: Settings) -> dict[str, Path]:
    """Write the tables into the lake, each swapped as a whole; return their files."""
    folder = settings.lake.root / "config"
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, table in config_tables(settings).items():
        files[name] = folder / f"{name}.parquet"
        temporary = folder / f".{name}.{os.getpid()}.tmp"
        table.write_parquet(temporary)
        os.replace(temporary, files[name])
    return files


def _rule(priority: int, rule: Rule) -> dict[str, object]:
    return {
        "priority": priority,
        "rule_id": rule.id,
        "rule_version": rule.version,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        **{f"when_{name}": getattr(rule.when, name) for name in _CONDITIONS},
        "when_tags": [{"key": key, "value": value} for key, value in rule.when.tags.items()],
        **_entities("set", rule.set),
        "treatment": rule.treatment,
        "driver": rule.shared_driver,
        **_entities("users", rule.users),
        "pool": rule.pool,
        "rule_hash": rule.rule_hash,
    }


def _entities(prefix: str, entities: Entities | None) -> dict[str, object]:
    values = (entities or Entities()).model_dump()
    return {f"{prefix}_{column}": values[name] for name, column in _ENTITY_COLUMNS.items()}


def _rate_card(line: RateCardLine) -> dict[str, object]:
    exponent = line.price.normalize().as_tuple().exponent
    return {
        "rate_card_id": line.id,
        **{name: getattr(line, name) for name in _RATE_CARD_CONDITIONS},
        "consumed_unit": line.consumed_unit,
        "pricing_unit": line.unit,
        "block": line.block,
        "price": line.price,
        "price_decimals": max(0, -int(exponent)),
        "billing_currency": line.currency,
        "valid_from": line.valid_from,
        "valid_to": line.valid_to,
    }


# --- CSV files ----------------------------------------------------------------------------------


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
_OPTIONAL = ("exchange_rate",)
_CONTROL_TOTAL: _Parsers = {
    "source": _required(_text),
    "billing_period": _period,
    "billing_currency": _currency,
    "rows": _integer,
    "billed_cost": _stated,
}


def _invoices(settings: Settings) -> Iterator[dict[str, object]]:
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


def _read_csv(
    file: Path | None, settings: Settings, parsers: _Parsers
) -> Iterator[dict[str, object]]:
    """Yield the rows of the configured sources; the file may list others and more columns."""
    if file is None:
        return
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    reader = csv.DictReader(lines)
    for column in parsers:
        if column not in (*(reader.fieldnames or ()), *_OPTIONAL):
            raise ConfigError(f"{file.name}: column {column} is missing")
    for row in reader:
        if row["source"] in settings.sources:
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
