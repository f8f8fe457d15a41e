"""The guide to rules: its configuration is valid, and its example comes out as it is printed."""

import csv
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from company import ROOT, Company
from ledger_models import LedgerModels

from pipelines.config_rules import RULE_SCHEMAS
from pipelines.config_tables import config_tables
from pipelines.settings import Settings, load_settings

GUIDE = (ROOT / "docs" / "rules.md").read_text()
DAY = datetime(2026, 10, 5)


def printed(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


def rows_of(number: int) -> list[dict[str, str]]:
    return list(csv.DictReader(printed("csv")[number].splitlines()))


def configured(folder: Path, **attribution: object) -> Settings:
    (folder / "accounts.csv").write_text(printed("csv")[0])
    file = folder / "unitledger.yml"
    sources = {"cloud": {"connector": "runpod_billing", "location": "x"}}
    file.write_text(yaml.safe_dump({"sources": sources, "attribution": attribution}))
    return load_settings(file)


@pytest.fixture(scope="module")
def models(company: Company) -> LedgerModels:
    return LedgerModels.of(company)


def charge(service: str, account: str, tags: str, cost: str, day: datetime = DAY) -> dict[str, Any]:
    return {
        "source": "cloud",
        "billing_period": "2026-10",
        "billing_currency": "USD",
        "charge_period_start": day,
        "charge_period_end": day + timedelta(days=1),
        "charge_date": day.date(),
        "charge_category": "Usage",
        "service_name": service,
        "sub_account_id": account,
        "tags": tags or None,
        "billed_cost": Decimal(cost),
        "effective_cost": Decimal(cost),
    }


def ledger_of(
    models: LedgerModels, settings: Settings, charges: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    tables = config_tables(settings)
    for name in RULE_SCHEMAS:
        models.fill(f"stg_lake__{name}", tables[name].to_dicts())
    models.fill("stg_lake__charges", charges)
    return models.run()


def test_the_example_comes_out_as_it_is_printed(tmp_path: Path, models: LedgerModels) -> None:
    *blocks, _later = (yaml.safe_load(block) for block in printed("yaml"))
    settings = configured(
        tmp_path, **{key: value for block in blocks for key, value in block.items()}
    )
    measured = {"driver": "queries", "measured_from": DAY, "measured_to": DAY + timedelta(days=1)}
    models.fill(
        "stg_lake__allocation_drivers",
        [
            measured
            | {"customer_id": customer, "value": value, "filter": f'{{"index": "{index}"}}'}
            for customer, value, index in [
                ("a", 600, "prod-1"),
                ("b", 200, "prod-1"),
                ("a", 500, "test"),
            ]
        ],
    )
    others = dict.fromkeys(("feature", "workflow", "team", "model"), "(none)")
    requests = [("a", "production", 1), ("b", "production", 4), ("c", "development", 1)]
    models.fill(
        "int_attempt_sums",
        [
            {"charge_date": DAY.date(), "attempts": attempts, "customer_id": customer}
            | {"environment": environment, **others}
            for customer, environment, attempts in requests
        ],
    )

    ledger = ledger_of(models, settings, [charge(*row.values()) for row in rows_of(1)])

    expected = rows_of(2)
    found = [{name: row[name] or "" for name in expected[0]} for row in ledger]
    for row in found:
        row["effective_cost"] = f"{row['effective_cost']:.2f}"
        assert Decimal(row["effective_cost"])
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert sum(row["effective_cost"] for row in ledger) == sum(
        Decimal(row["cost"]) for row in rows_of(1)
    )


def test_a_new_version_changes_its_days_alone(tmp_path: Path, models: LedgerModels) -> None:
    settings = configured(tmp_path, **yaml.safe_load(printed("yaml")[-1]))
    days = [DAY - timedelta(days=1), DAY]
    ledger = ledger_of(models, settings, [charge("Wiki", "111", "", "10", day) for day in days])
    assert [(row["charge_date"], row["team"], row["rule_version"]) for row in ledger] == [
        (date(2026, 10, 4), "search", 1),
        (date(2026, 10, 5), "knowledge", 2),
    ]
