"""The user's own prices: what a line may say, and which lines may stand beside each other."""

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.errors import ConfigError
from models.globs import globs_meet
from models.rate_cards import RateCardLine
from pipelines.config_tables import config_tables
from pipelines.settings import Settings, load_settings

SOURCES = {"gpu": {"connector": "runpod_billing", "location": "./bills"}}
LINE = {
    "id": "h100", "provider": "CoreWeave", "sku": "h100-*", "unit": "GPU-Hours",
    "price": "2.39", "currency": "USD",
}  # fmt: skip


def settings_of(folder: Path, *lines: dict[str, Any]) -> Settings:
    file = folder / "unitledger.yml"
    file.write_text(yaml.safe_dump({"sources": SOURCES, "rate_cards": list(lines)}))
    return load_settings(file)


def sentence_of(folder: Path, *lines: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        settings_of(folder, *lines)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- a line ---------------------------------------------------------------------------------------


def test_a_line_becomes_a_row_with_every_digit_of_its_price(tmp_path: Path) -> None:
    line = LINE | {"unit": "1000000 Tokens", "price": "0.000000000123", "valid_from": "2026-10-01"}
    (row,) = config_tables(settings_of(tmp_path, line))["rate_cards"].to_dicts()
    shown = {key: value for key, value in row.items() if value is not None}
    assert shown == {
        "rate_card_id": "h100",
        "provider": "CoreWeave",
        "sku": "h100-*",
        "consumed_unit": "Tokens",
        "pricing_unit": "1000000 Tokens",
        "block": 1_000_000,
        "price": Decimal("0.000000000123"),
        "price_decimals": 12,
        "billing_currency": "USD",
        "valid_from": date(2026, 10, 1),
    }


def test_a_whole_price_has_no_decimals(tmp_path: Path) -> None:
    (row,) = config_tables(settings_of(tmp_path, LINE | {"price": "20.00"}))[
        "rate_cards"
    ].to_dicts()
    assert (row["price"], row["price_decimals"]) == (Decimal(20), 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"price": 2.39},
            'rate_cards.0.price: 2.39 is not a decimal number in quotes, like "2.49"',
        ),
        ({"price": "-1"}, "rate_cards.0.price: '-1' is not a decimal number in quotes"),
        ({"price": "0.1234567890123"}, "with at most 12 decimals"),
        ({"currency": "DOL"}, "rate_cards.0.currency: 'DOL' is not an ISO 4217 code like USD"),
        ({"unit": "500 Tokens"}, "unit is '500 Tokens'; of how many: a power of ten, like 1000"),
        ({"token_type": "input"}, "token_type is 'input'; allowed: uncached_input, cache_read"),
        ({"pricing_category": "Spot"}, "'Standard', 'Dynamic', 'Committed' or 'Other'"),
        ({"valid_from": "2026-10-02", "valid_to": "2026-10-02"}, "valid_to must be after"),
        ({"prize": "1"}, "rate_cards.0.prize: unknown key, did you mean price?"),
    ],
)
def test_what_a_line_may_not_say_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    assert expected in sentence_of(tmp_path, LINE | changes)


# --- lines beside each other ----------------------------------------------------------------------


def test_two_lines_that_could_price_the_same_use_are_an_error(tmp_path: Path) -> None:
    assert sentence_of(tmp_path, LINE, LINE | {"id": "other", "sku": "*-sxm"}) == (
        "unitledger.yml: rate_cards: h100 and other both price CoreWeave, unit GPU-Hours, on the "
        "same days; end one by valid_to, or tell them apart by sku, model, token_type, "
        "service_tier, pricing_category or region"
    )


def test_an_id_stands_once(tmp_path: Path) -> None:
    assert "h100 is there twice" in sentence_of(tmp_path, LINE, LINE | {"sku": "a100"})


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "Lambda"},
        {"sku": "a100-*"},
        {"unit": "Hours"},
        {"valid_from": "2026-11-01"},
        {"pricing_category": "Dynamic"},
        {"token_type": "output"},
        {"service_tier": "batch"},
        {"model": "mistral-*"},
        {"region": "eu-*"},
    ],
)
def test_lines_that_differ_in_one_condition_can_stand_beside_each_other(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    first = LINE | {
        "valid_to": "2026-11-01", "pricing_category": "Standard", "token_type": "cache_read",
        "service_tier": "standard", "model": "llama-*", "region": "us-*",
    }  # fmt: skip
    second = first | {"id": "other"}
    assert "both price" in sentence_of(tmp_path, first, second)
    second.pop("valid_to")
    settings = settings_of(tmp_path, first, {**second, "valid_to": "2026-12-01"} | changes)
    assert len(settings.config.rate_cards) == 2


def test_a_line_for_a_thousand_competes_with_one_for_a_million() -> None:
    thousand = RateCardLine.model_validate(LINE | {"unit": "1000 Tokens"})
    million = RateCardLine.model_validate(LINE | {"id": "b", "unit": "1000000 Tokens"})
    assert thousand.competes_with(million)


def test_a_float_is_refused_before_it_loses_a_digit() -> None:
    with pytest.raises(ValidationError, match="in quotes"):
        RateCardLine.model_validate(LINE | {"price": 0.1})


@pytest.mark.parametrize(
    ("left", "right", "meet"),
    [
        ("*", "", True),
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("gpu-?100", "gpu-h*", True),
        ("a?c", "abd", False),
        ("abc", "abc", True),
        ("a*b*c", "a?d", False),
        ("a*b*c", "ab?c", True),
        ("", "?", False),
    ],
)
def test_patterns_meet_where_one_text_matches_both(left: str, right: str, meet: bool) -> None:
    assert globs_meet(left, right) is globs_meet(right, left) is meet


@given(st.text("ab*?", max_size=5), st.text("ab*?", max_size=5), st.text("ab", max_size=6))
def test_patterns_that_never_meet_have_no_text_in_common(left: str, right: str, text: str) -> None:
    if fnmatchcase(text, left) and fnmatchcase(text, right):
        assert globs_meet(left, right)
