from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml
from configured import SOURCES, settings_of

from models.errors import ConfigError
from pipelines.config_tables import CONFIG_SCHEMAS, config_tables, write_config_tables
from pipelines.settings import Settings


def test_every_configuration_table_is_there_with_its_types_even_if_empty(tmp_path: Path) -> None:
    files = write_config_tables(settings_of(tmp_path, SOURCES))
    for name, schema in CONFIG_SCHEMAS.items():
        table = pl.read_parquet(files[name])
        assert dict(table.schema) == {
            key: kind() if isinstance(kind, type) else kind for key, kind in schema.items()
        }
        # The one source, the measures that every configuration knows as drivers, and the limits.
        assert len(table) == {"sources": 1, "drivers": 3, "guardrails": 1}.get(name, 0)


def test_a_rule_becomes_a_row_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SOURCES + yaml.safe_dump(
        {
            "attribution": {
                "rules": [
                    {
                        "id": "logs",
                        "version": 3,
                        "valid_from": date(2026, 1, 1),
                        "when": {"service_name": "Log*", "tags": {"user_team": "ml"}},
                        "treatment": "shared",
                        "users": {"customer": "cust-*"},
                    },
                    {"id": "pool", "when": {"source": "*"}, "pool": "chat", "set": {"team": "t"}},
                ]
            }
        }
    )
    first, second = config_tables(settings_of(tmp_path, text))["rules"].to_dicts()
    shown = {key: value for key, value in first.items() if value is not None}
    assert shown.pop("rule_hash") != second["rule_hash"]
    assert shown == {
        "priority": 1,
        "rule_id": "logs",
        "rule_version": 3,
        "valid_from": date(2026, 1, 1),
        "when_service_name": "Log*",
        "when_tags": [{"key": "user_team", "value": "ml"}],
        "treatment": "shared",
        "driver": "direct_cost",
        "users_customer_id": "cust-*",
    }
    assert (second["priority"], second["pool"], second["set_team"]) == (2, "chat", "t")
    assert second["driver"] is None


def invoices(tmp_path: Path, *lines: str) -> Settings:
    header = "source,invoice_id,billing_period,billing_currency,total,tax"
    (tmp_path / "invoices.csv").write_text("\n".join([header, *lines]))
    return settings_of(tmp_path, "invoices: invoices.csv\n" + SOURCES)


def test_an_invoice_keeps_its_digits(tmp_path: Path) -> None:
    settings = invoices(tmp_path, "gpu,I-1,2026-10,USD,0.100000000001,", "other,I-2,x,y,z,")
    assert config_tables(settings)["invoices"].to_dicts() == [
        {
            "source": "gpu",
            "invoice_id": "I-1",
            "billing_period": "2026-10",
            "billing_currency": "USD",
            "total": Decimal("0.100000000001"),
            "tax": None,
            "exchange_rate": None,
        }
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gpu,I-1,2026-10,USD,12 dollars,", "line 2: total is '12 dollars'; allowed: a decimal"),
        ("gpu,I-1,2026-10,USD,0.1234567890123,", "total is '0.1234567890123'"),
        ("gpu,I-1,2026-10,USD,NaN,", "total is 'NaN'"),
        ("gpu,I-1,October,USD,12,", "billing_period is 'October'; allowed: a month like 2026-10"),
        ("gpu,I-1,2026-10,DOL,12,", "billing_currency is 'DOL'; allowed: an ISO 4217 code"),
        ("gpu,I-1,2026-10,USD,,", "total is ''"),
    ],
)
def test_a_bad_cell_of_an_invoice_is_named(tmp_path: Path, line: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        config_tables(invoices(tmp_path, line))
    assert expected in str(error.value)


def test_a_missing_column_of_control_totals_is_named(tmp_path: Path) -> None:
    (tmp_path / "totals.csv").write_text("source,rows\n")
    settings = settings_of(tmp_path, "control_totals: totals.csv\n" + SOURCES)
    with pytest.raises(ConfigError, match=r"totals\.csv: column billing_period is missing"):
        config_tables(settings)
