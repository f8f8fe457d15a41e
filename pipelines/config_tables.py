"""Configuration as tables: how rules, aliases, invoices and totals reach SQL.

Every table of `CONFIG_SCHEMAS` is written to lake/config/<table>.parquet in every run, empty ones
with their types.
"""

import os
from pathlib import Path

import polars as pl

from models.config import Entities, Match, Rule
from models.rate_cards import RateCardLine
from pipelines.config_csv import read_control_totals, read_invoices
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
        "invoices": list(read_invoices(settings)),
        "control_totals": list(read_control_totals(settings)),
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
