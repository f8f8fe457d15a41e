"""What kind of cost a charge is, and on which path its work runs, as tables."""

import polars as pl

from models.cost_drivers import CostDriverRule, PathRule
from pipelines.config_rules import DATES, WHEN, Rows, Schema, when_columns
from pipelines.settings import Settings

_TEXT = pl.String
_ENTITIES = ("feature", "workflow", "team", "model", "environment")

DRIVER_SCHEMAS: dict[str, Schema] = {
    "driver_rules": {"priority": pl.Int64, "cost_driver": _TEXT, **WHEN, **DATES},
    "path_rules": {
        "priority": pl.Int64,
        "path": _TEXT,
        **{f"when_{name}": _TEXT for name in _ENTITIES},
        **DATES,
    },
}


def driver_tables(settings: Settings) -> dict[str, Rows]:
    """Return the rows of each table."""
    attribution = settings.config.attribution
    return {
        "driver_rules": [
            _driver_rule(number, rule)
            for number, rule in enumerate(attribution.cost_drivers, start=1)
        ],
        "path_rules": [
            _path_rule(number, rule) for number, rule in enumerate(attribution.paths, start=1)
        ],
    }


def _driver_rule(priority: int, rule: CostDriverRule) -> dict[str, object]:
    return {
        "priority": priority,
        "cost_driver": rule.driver,
        **when_columns(rule.when),
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    }


def _path_rule(priority: int, rule: PathRule) -> dict[str, object]:
    return {
        "priority": priority,
        "path": rule.path,
        **{f"when_{name}": getattr(rule.when, name) for name in _ENTITIES},
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    }
