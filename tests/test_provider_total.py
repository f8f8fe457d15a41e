"""`unitledger reconcile --provider-total`: a console's figure beside the ledger's."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from configured import SOURCES, settings_of
from typer.testing import CliRunner, Result

from models.errors import ConfigError
from pipelines.cli import app
from pipelines.provider_total import compare
from pipelines.settings import Settings

CHARGES = """
    ('gpu', '2026-10', 'USD', 'Usage', 1000.004, 1200.004),
    ('gpu', '2026-10', 'USD', 'Purchase', 300, 100), ('gpu', '2026-10', 'USD', 'Tax', 70.25, 70.25),
    ('gpu', '2026-10', 'USD', 'Credit', -20, -20), ('gpu', '2026-11', 'USD', 'Usage', 1, 1),
    ('gpu', '2026-11', 'EUR', 'Usage', 2, 2), ('other', '2026-12', 'USD', 'Usage', 5, 5)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_of(tmp_path, SOURCES)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_charges as select source, billing_period, "
            "billing_currency, charge_category, billed_cost::decimal(38, 12) as billed_cost, "
            f"effective_cost::decimal(38, 12) as effective_cost from (values {CHARGES}) as given("
            "source, billing_period, billing_currency, charge_category, billed_cost, "
            "effective_cost)"
        )
    return settings


def reconcile(settings: Settings, *arguments: str) -> Result:
    command = ["reconcile", "--provider-total", *arguments, "--config", str(settings.file)]
    return CliRunner().invoke(app, command)


def test_a_total_that_agrees_in_the_decimals_that_were_given_is_exit_code_0(
    settings: Settings,
) -> None:
    for amount in ("1350.25", "1,350.25", "1350", "1350.254"):
        result = reconcile(settings, "gpu", "2026-10", amount)
        assert result.exit_code == 0, result.output
        assert "1350.254" in result.output


def test_a_total_that_differs_is_exit_code_1_and_the_difference_in_full(settings: Settings) -> None:
    result = reconcile(settings, "gpu", "2026-10", "12345.67")
    assert result.exit_code == 1
    assert "ours is 10995.416 USD less than the stated 12345.67" in result.output
    one_off = reconcile(settings, "gpu", "2026-10", "1350.2541")
    assert one_off.exit_code == 1
    assert "ours is 0.0001 USD less than" in one_off.output


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("1280.00", "what is stated is our billed cost without Tax"),
        ("1070.25", "what is stated is our billed cost without Credit and Purchase"),
        ("1000.00", "what is stated is our billed cost without Credit and Purchase and Tax"),
        ("1370.25", "what is stated is our billed cost without Credit"),
        ("1200.00", "what is stated is our effective cost without Credit and Purchase and Tax"),
        ("1.00", None),
    ],
)
def test_a_difference_that_our_own_parts_explain_is_explained(
    settings: Settings, amount: str, why: str | None
) -> None:
    compared = compare(settings, ("gpu", "2026-10", amount), None, "billed")
    assert compared.explanation == why


def test_the_basis_says_whether_commitments_count_as_paid_or_as_used(settings: Settings) -> None:
    compared = compare(settings, ("gpu", "2026-10", "1350.25"), None, "effective")
    assert compared.ours == Decimal("1350.254")
    assert compared.costs["effective"]["Purchase"] == 100
    assert not compared.difference


@pytest.mark.parametrize(
    ("given", "currency", "basis", "sentence"),
    [
        (("cpu", "2026-10", "1"), None, "billed", "cpu: unknown source; configured: gpu"),
        (
            ("gpu", "2026-09", "1"),
            None,
            "billed",
            "--provider-total 2026-09: gpu has no charges of this period; "
            "known periods: 2026-10, 2026-11",
        ),
        (
            ("gpu", "October", "1"),
            None,
            "billed",
            "--provider-total October: is not a month like 2026-10",
        ),
        (
            ("gpu", "2026-10", "1.350,25"),
            None,
            "billed",
            "--provider-total 1.350,25: is not an amount like 12345.67",
        ),
        (
            ("gpu", "2026-11", "1"),
            None,
            "billed",
            "gpu 2026-11 is billed in EUR, USD: say which by --currency",
        ),
        (
            ("gpu", "2026-11", "1"),
            "JPY",
            "billed",
            "--currency JPY: gpu 2026-11 is billed in EUR, USD",
        ),
        (
            ("gpu", "2026-10", "1"),
            None,
            "list",
            "--basis list: unknown; allowed: billed, effective",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    settings: Settings,
    given: tuple[str, str, str],
    currency: str | None,
    basis: str,
    sentence: str,
) -> None:
    with pytest.raises(ConfigError) as error:
        compare(settings, given, currency, basis)
    assert str(error.value) == sentence


def test_currencies_are_compared_one_by_one(settings: Settings) -> None:
    assert not compare(settings, ("gpu", "2026-11", "2.00"), "EUR", "billed").difference
    assert compare(settings, ("gpu", "2026-11", "2.00"), "USD", "billed").difference == -1
