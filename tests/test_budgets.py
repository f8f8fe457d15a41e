"""Guardrails as a user configures them."""

from decimal import Decimal
from pathlib import Path

import pytest
from configured import SOURCES, settings_of

from models.errors import ConfigError
from pipelines.config_tables import config_tables

BUDGET = "{id: chat, entity: feature, value: chat, amount: '500', currency: USD%s}"


def guardrails(text: str) -> str:
    return SOURCES + f"guardrails: {text}\n"


def test_without_guardrails_there_is_no_budget_and_a_call_may_be_repeated_50_times(
    tmp_path: Path,
) -> None:
    tables = config_tables(settings_of(tmp_path, SOURCES))
    assert tables["budgets"].is_empty()
    assert tables["guardrails"].to_dicts() == [{"repeated_calls": 50}]


def test_a_budget_is_a_row_with_its_thresholds_in_order(tmp_path: Path) -> None:
    text = "{repeated_calls: 20, budgets: [{id: acme, entity: customer, value: acme, period: week, "
    text += "amount: '99.5', currency: EUR, thresholds: ['1', '0.5'], owner: ann}]}"
    tables = config_tables(settings_of(tmp_path, guardrails(text)))
    assert tables["guardrails"].to_dicts() == [{"repeated_calls": 20}]
    assert tables["budgets"].to_dicts() == [
        {
            "budget_id": "acme",
            "entity": "customer_id",
            "value": "acme",
            "period_kind": "week",
            "amount": Decimal("99.500000000000"),
            "billing_currency": "EUR",
            "thresholds": [Decimal("0.5000"), Decimal("1.0000")],
            "owner": "ann",
            "valid_from": None,
            "valid_to": None,
        }
    ]


def test_a_budget_that_changes_is_there_twice_on_other_days(tmp_path: Path) -> None:
    old, new = BUDGET % ", valid_to: 2026-10-01", BUDGET % ", valid_from: 2026-10-01"
    settings = settings_of(tmp_path, guardrails(f"{{budgets: [{old}, {new}]}}"))
    assert config_tables(settings)["budgets"].height == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{{budgets: [{BUDGET % ''}, {BUDGET % ''}]}}", "chat is there twice on the same days"),
        (
            "{budgets: [{id: a, entity: team, amount: '1', currency: USD}]}",
            'which team? "*" gives each one this budget',
        ),
        (
            "{budgets: [{id: a, value: acme, amount: '1', currency: USD}]}",
            "a budget of all has no value; name an entity beside it",
        ),
        ("{budgets: [{id: a, amount: '0', currency: USD}]}", "amount: 0 is no budget"),
        ("{budgets: [{id: a, amount: 99.5, currency: USD}]}", "is not a decimal number in quotes"),
        ("{budgets: [{id: a, amount: '1', currency: usd}]}", "is not an ISO 4217 code"),
        (f"{{budgets: [{BUDGET % ', thresholds: [0.8]'}]}}", "0.8 is not a part in quotes"),
        (
            "{budgets: [" + BUDGET % ", thresholds: ['80']" + "]}",
            "80 is not a part of the budget from 0.0001 to 10, like 0.8",
        ),
        ("{repeated_calls: 0}", "repeated_calls"),
        ("{webhook: {url: https://example.test}}", "url"),
    ],
)
def test_a_guardrail_that_says_nothing_usable_is_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, guardrails(text))
    assert sentence in str(error.value)


def test_the_webhooks_url_and_token_are_secrets(tmp_path: Path) -> None:
    text = "{webhook: {url_env: HOOK_URL, token_env: HOOK_TOKEN}}"
    assert settings_of(tmp_path, guardrails(text)).secret_variables >= {"HOOK_URL", "HOOK_TOKEN"}
