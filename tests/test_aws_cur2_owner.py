"""Exports whose owner chose other columns, names and formats than AWS's own."""

from decimal import Decimal
from pathlib import Path

import pytest
from aws_exports import line, normalized, write_cur2
from pydantic import ValidationError

from connectors.aws_cur2 import CONNECTOR

RENAMED = {"line_item_usage_amount": "usage", "line_item_unblended_cost": "cost"}


def export(root: Path) -> Path:
    """An export with two columns of other names, and a column that is nobody's."""
    row = line(line_item_unblended_cost="1.25", line_item_usage_amount="4", note="of the owner")
    return write_cur2(root, [{RENAMED.get(name, name): value for name, value in row.items()}])


def test_renamed_columns_are_read_under_awss_names(tmp_path: Path) -> None:
    result = normalized(tmp_path, CONNECTOR, export(tmp_path / "export"), columns=RENAMED)
    assert result.failures == {}
    assert result.billed() == Decimal("1.25")


def test_renamed_columns_that_nobody_told_are_one_sentence_until_they_are_told(
    tmp_path: Path,
) -> None:
    location = export(tmp_path / "export")
    [failure] = normalized(tmp_path, CONNECTOR, location).failures.values()
    assert "column line_item_unblended_cost is missing; found " in failure
    told = normalized(tmp_path, CONNECTOR, location, columns=RENAMED)
    assert told.failures == {}
    assert told.billed() == Decimal("1.25")


def test_a_change_of_names_normalizes_again(tmp_path: Path) -> None:
    row = line(line_item_unblended_cost="1", other_cost="2")
    location = write_cur2(tmp_path / "export", [row])
    assert normalized(tmp_path, CONNECTOR, location).billed() == 1
    other = {"line_item_unblended_cost": "other_cost"}
    assert normalized(tmp_path, CONNECTOR, location, columns=other).billed() == 2


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"usage_amount": "usage"}, "usage_amount is no column that is read; allowed: bill_"),
        (dict.fromkeys(RENAMED, "same"), "two columns have one name"),
    ],
)
def test_names_that_cannot_be_are_an_error(columns: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        CONNECTOR.options.model_validate({"columns": columns})


def test_only_the_columns_that_money_needs_are_needed(tmp_path: Path) -> None:
    """A query may leave out everything else: tags, products, quantities, accounts."""
    needed = {column.name for column in CONNECTOR.inputs["raw"] if column.required}
    row = {name: value for name, value in line().items() if name in needed}
    assert row.keys() == needed
    result = normalized(tmp_path, CONNECTOR, write_cur2(tmp_path / "export", [row]))
    assert result.failures == {}
    assert result.billed() == 1
