"""What telemetry cannot tell apart is one line of the bill; rules and dimensions still can."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from company import Company
from ledger_models import LedgerModels

DAY = datetime(2026, 10, 1)
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def models(company: Company) -> LedgerModels:
    return LedgerModels.of(company)


def charge(project: str | None, key: str | None, day: int = 1, **others: object) -> dict[str, Any]:
    start = DAY + timedelta(days=day - 1)
    return {
        "source": "openai", "billing_period": "2026-10", "billing_currency": "USD",
        "charge_period_start": start, "charge_period_end": start + timedelta(days=1),
        "charge_date": start.date(), "charge_category": "Usage", "charge_kind": "tokens",
        "service_provider_name": "OpenAI", "service_name": "OpenAI", "billed_model": "m",
        "token_type": "output", "consumed_quantity": 100, "billed_cost": Decimal(7),
        "effective_cost": Decimal(7), "sub_account_id": project, "api_key_id": key,
    } | others  # fmt: skip


def told(provider: str | None, *, project: bool, key: bool, day: int = 1) -> Row:
    return {
        "charge_date": (DAY + timedelta(days=day - 1)).date(),
        "service_provider_name": provider,
        "has_sub_account": project,
        "has_api_key": key,
    }


def lines(models: LedgerModels, charges: Sequence[Row], **tables: Sequence[Row]) -> list[Any]:
    """Return project, key, amount and quantity of each line, sorted."""
    models.fill("stg_lake__charges", charges)
    for name in ("int_telemetry_dimensions", "stg_lake__rules", "stg_lake__dimensions"):
        models.fill(name, tables.get(name, []))
    ledger = models.run("delete from int_capacity_shares; delete from int_attempt_sums")
    charged = sum((row["effective_cost"] for row in charges), Decimal(0))
    assert sum((row["effective_cost"] for row in ledger), Decimal(0)) == charged
    found = models.select(
        "select sub_account_id, api_key_id, output_amount, output_quantity from int_token_lines "
        "order by all"
    )
    return [tuple(row.values()) for row in found]


KEYS = [charge("p", "k"), charge("p", "l"), charge("q", "m")]
APART = [("p", "k", 7, 100), ("p", "l", 7, 100), ("q", "m", 7, 100)]


def test_without_calls_of_the_provider_the_lines_stay_as_they_are_billed(
    models: LedgerModels,
) -> None:
    others = [
        told("Anthropic", project=False, key=False),
        told("OpenAI", project=False, key=False, day=2),
    ]
    assert lines(models, KEYS) == APART
    assert lines(models, KEYS, int_telemetry_dimensions=others) == APART


def test_what_no_call_names_is_left_out_and_what_one_names_stays(models: LedgerModels) -> None:
    def with_calls(*, project: bool, key: bool) -> list[Any]:
        calls = told("OpenAI", project=project, key=key)
        return lines(models, KEYS, int_telemetry_dimensions=[calls])

    assert with_calls(project=False, key=False) == [(None, None, 21, 300)]
    assert with_calls(project=True, key=False) == [("p", None, 14, 200), ("q", None, 7, 100)]
    assert with_calls(project=False, key=True) == [
        (None, "k", 7, 100), (None, "l", 7, 100), (None, "m", 7, 100),
    ]  # fmt: skip
    assert with_calls(project=True, key=True) == APART


def test_calls_of_a_provider_that_nobody_knows_can_be_anyones(models: LedgerModels) -> None:
    anyone = told(None, project=False, key=False)
    assert lines(models, KEYS, int_telemetry_dimensions=[anyone]) == [(None, None, 21, 300)]
    named = told("OpenAI", project=True, key=True)
    assert lines(models, KEYS, int_telemetry_dimensions=[anyone, named]) == APART


def test_a_charge_without_a_project_is_on_the_line_of_those_whose_project_nobody_tells(
    models: LedgerModels,
) -> None:
    calls = [told("OpenAI", project=False, key=False)]
    found = lines(models, [*KEYS, charge(None, None)], int_telemetry_dimensions=calls)
    assert found == [(None, None, 28, 400)]


def test_a_day_is_merged_by_its_own_calls_alone(models: LedgerModels) -> None:
    charges = [*KEYS, charge("p", "k", day=2), charge("q", "m", day=2)]
    calls = [told("OpenAI", project=False, key=False, day=2)]
    found = lines(models, charges, int_telemetry_dimensions=calls)
    assert found == [*APART, (None, None, 14, 200)]


def test_what_a_rule_or_a_dimension_tells_apart_stays_apart(models: LedgerModels) -> None:
    calls = [told("OpenAI", project=False, key=False)]
    rule = {
        "priority": 1, "rule_id": "r", "rule_version": 1, "rule_hash": "r", "set_team": "red",
        "when_x_api_key_id": "k",
    }  # fmt: skip
    ruled = lines(models, KEYS, int_telemetry_dimensions=calls, stg_lake__rules=[rule])
    assert ruled == [(None, None, 7, 100), (None, None, 14, 200)]
    place = {"entity": "team", "position": 1, "name": "project", "charge_column": "sub_account_id"}
    known = lines(models, KEYS, int_telemetry_dimensions=calls, stg_lake__dimensions=[place])
    assert known == [(None, None, 7, 100), (None, None, 14, 200)]
    teams = models.select(
        "select team, sum(effective_cost) as cost from int_costs_allocated group by team"
    )
    assert {row["team"]: row["cost"] for row in teams} == {"p": 14, "q": 7}
