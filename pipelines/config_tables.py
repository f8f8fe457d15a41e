"""Configuration as tables: how rules, aliases, invoices and totals reach SQL.

Every table of `CONFIG_SCHEMAS` is written to lake/config/<table>.parquet in every run, empty ones
with their types.
"""

import os
from pathlib import Path

import polars as pl

from models.rate_cards import RateCardLine
from pipelines.config_csv import read_control_totals, read_invoices
from pipelines.config_drivers import DRIVER_SCHEMAS, driver_tables
from pipelines.config_economics import ECONOMICS_SCHEMAS, economics_tables
from pipelines.config_guardrails import GUARDRAIL_SCHEMAS, guardrail_tables
from pipelines.config_rules import DATES, RULE_SCHEMAS, Rows, Schema, rule_tables
from pipelines.settings import Settings

_MONEY = pl.Decimal(38, 12)
_RATE_CARD_CONDITIONS = (
    *("provider", "sku", "model", "token_type", "service_tier", "pricing_category", "region"),
)
_TEXT = pl.String

CONFIG_SCHEMAS: dict[str, Schema] = {
    **RULE_SCHEMAS,
    **DRIVER_SCHEMAS,
    **ECONOMICS_SCHEMAS,
    **GUARDRAIL_SCHEMAS,
    "model_aliases": {"name": _TEXT, "model": _TEXT, **DATES},
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
        **DATES,
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
    rows: dict[str, Rows] = {
        **rule_tables(settings),
        **driver_tables(settings),
        **guardrail_tables(settings),
        **economics_tables(settings),
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
