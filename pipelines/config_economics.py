"""Targets, tiers of models, equivalents at vendors' APIs and routing rules, as tables."""

import polars as pl

from pipelines.config_rules import DATES, Rows, Schema
from pipelines.settings import Settings

_TEXT = pl.String

ECONOMICS_SCHEMAS: dict[str, Schema] = {
    "utilization_targets": {
        "priority": pl.Int64,
        "pool": _TEXT,
        "target": pl.Decimal(38, 12),
        **DATES,
    },
    # 1 is the largest.
    "model_tiers": {"position": pl.Int64, "tier": _TEXT, "model": _TEXT},
    "api_equivalents": {"model": _TEXT, "provider": _TEXT, "api_model": _TEXT, **DATES},
    "routing_rules": {
        "priority": pl.Int64,
        "rule": _TEXT,
        "feature": _TEXT,
        "from_model": _TEXT,
        "to_model": _TEXT,
    },
}


def economics_tables(settings: Settings) -> dict[str, Rows]:
    """Return the rows of each table."""
    economics = settings.config.economics
    return {
        "utilization_targets": [
            {"priority": number, **target.model_dump()}
            for number, target in enumerate(economics.utilization_targets, start=1)
        ],
        "model_tiers": [
            {"position": number, "tier": tier.tier, "model": model}
            for number, tier in enumerate(economics.model_tiers, start=1)
            for model in tier.models
        ],
        "api_equivalents": [item.model_dump() for item in economics.api_equivalents],
        "routing_rules": [
            {"priority": number, **rule.model_dump()}
            for number, rule in enumerate(economics.routing_rules, start=1)
        ],
    }
