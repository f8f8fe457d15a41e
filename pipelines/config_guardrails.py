"""Guardrails as tables: budgets, and what is allowed before attempts count as wasted."""

import polars as pl

from pipelines.config_rules import DATES, Rows, Schema
from pipelines.settings import Settings

_TEXT = pl.String

GUARDRAIL_SCHEMAS: dict[str, Schema] = {
    # One row.
    "guardrails": {"repeated_calls": pl.Int64},
    "budgets": {
        "budget_id": _TEXT,
        "entity": _TEXT,
        "value": _TEXT,
        "period_kind": _TEXT,
        "amount": pl.Decimal(38, 12),
        "billing_currency": _TEXT,
        "thresholds": pl.List(pl.Decimal(9, 4)),
        "owner": _TEXT,
        **DATES,
    },
}


def guardrail_tables(settings: Settings) -> dict[str, Rows]:
    """Return the rows of each table."""
    guardrails = settings.config.guardrails
    return {
        "guardrails": [{"repeated_calls": guardrails.repeated_calls}],
        "budgets": [
            {
                "budget_id": budget.id,
                "entity": "customer_id" if budget.entity == "customer" else budget.entity,
                "value": budget.value,
                "period_kind": budget.period,
                "amount": budget.amount,
                "billing_currency": budget.currency,
                "thresholds": sorted(budget.thresholds),
                "owner": budget.owner,
                "valid_from": budget.valid_from,
                "valid_to": budget.valid_to,
            }
            for budget in guardrails.budgets
        ],
    }
