"""Columns of few values are written by their number, and read as the text that was delivered."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connectors._aws.words import MAX_WORDS, WORDS, ours, word
from connectors.aws_cur2 import CONNECTOR
from tests.aws_exports import PERIOD, Normalized, Row, line, normalized, write_cur2

_TYPES = {
    "line_item_unblended_cost": "double",
    "line_item_usage_amount": "double",
    "bill_billing_period_start_date": "timestamp",
    "line_item_usage_start_date": "timestamp",
    "line_item_usage_end_date": "timestamp",
}


def _of_parquet(root: Path, rows: Sequence[Row], **types: str) -> Normalized:
    """What becomes of the same export in Parquet, its columns of these types."""
    export = write_cur2(root / "export", rows)
    data = export / f"data/{PERIOD}"
    columns = ", ".join(
        f"cast(nullif({name}, '\\N') as {(_TYPES | types).get(name, 'varchar')}) as {name}"
        for name in rows[0]
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select {columns} from read_csv('{data}/cur-00001.csv.gz', all_varchar = true)) "
            f"to '{data}/cur-00001.parquet' (format parquet)"
        )
    manifest = export / f"metadata/{PERIOD}/cur-Manifest.json"
    manifest.write_text(manifest.read_text().replace("csv.gz", "parquet"))
    result = normalized(root, CONNECTOR, export)
    assert result.failures == {}
    return result


def _usage(number: int) -> Row:
    return line(
        line_item_usage_type=f"USE1-Thing:{number}",
        line_item_usage_account_id=f"{number % 7:012}",
        line_item_line_item_description=f"Thing {number}",
        line_item_unblended_cost=f"{number}.000000000001",
    )


@pytest.mark.parametrize("number", [MAX_WORDS - 1, MAX_WORDS, MAX_WORDS + 1, 2 * MAX_WORDS + 3])
def test_no_value_is_lost_however_many_there_are(tmp_path: Path, number: int) -> None:
    rows = _of_parquet(tmp_path, [_usage(which) for which in range(number)]).rows()
    assert [row["x_usage_type"] for row in rows] == [f"USE1-Thing:{n}" for n in range(number)]
    assert [row["charge_description"] for row in rows] == [f"Thing {n}" for n in range(number)]
    assert [row["sub_account_id"] for row in rows] == [f"{n % 7:012}" for n in range(number)]
    expected = sum(range(number)) + Decimal("0.000000000001") * number
    assert sum(row["billed_cost"] for row in rows) == expected


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [_usage(number) for number in range(40)]
    in_csv = normalized(tmp_path / "csv", CONNECTOR, write_cur2(tmp_path / "csv" / "export", rows))
    in_parquet = _of_parquet(tmp_path / "parquet", rows)
    ignored = {"x_file", "x_delivery_id"}

    def said(result: Normalized) -> list[Row]:
        return [{k: v for k, v in row.items() if k not in ignored} for row in result.rows()]

    assert said(in_csv) == said(in_parquet)


def test_an_empty_text_is_no_value_whether_others_are_empty_or_not(tmp_path: Path) -> None:
    rows = [_usage(number) | {"line_item_operation": "Run" * (number % 2)} for number in range(4)]
    found = _of_parquet(tmp_path, rows).rows()
    assert [row["x_operation"] for row in found] == [None, "Run", None, "Run"]


def test_a_dictionary_may_hold_a_value_that_no_row_has(tmp_path: Path) -> None:
    """As a writer's does that knows the values of a column before it sees the rows."""
    rows = [_usage(number) | {"line_item_product_code": "AmazonS3"} for number in range(3)]
    known = "enum ('AmazonEC2', 'AmazonS3', 'AmazonNobody', '')"
    found = _of_parquet(tmp_path, rows, line_item_product_code=known).rows()
    assert [row["resource_type"] for row in found] == [None] * 3
    assert {row["service_name"] for row in found} == {"Amazon Simple Storage Service"}


def test_what_a_type_would_not_hold_is_refused_before_any_row() -> None:
    with pytest.raises(AssertionError, match="charge_category has no word Gift"):
        ours("charge_category", "Gift")
    with pytest.raises(AssertionError, match="sub_account_id is not made of product_sku"):
        word("sub_account_id", "product_sku")


def test_charges_are_text_to_who_reads_them(tmp_path: Path) -> None:
    result = _of_parquet(tmp_path, [_usage(1)])
    file = (
        result.lake.root / result.lake.index().filter(table="charges", status="current")["file"][0]
    )
    described = duckdb.execute("describe from read_parquet(?)", [str(file)]).fetchall()
    types = {row[0]: row[1] for row in described}
    assert {types[name] for name in WORDS.keys() & types.keys()} == {"VARCHAR"}


def test_a_period_that_is_no_time_is_named_with_its_row(tmp_path: Path) -> None:
    rows = [_usage(1), _usage(2) | {"bill_billing_period_start_date": "October"}]
    failures = normalized(tmp_path, CONNECTOR, write_cur2(tmp_path / "export", rows)).failures
    assert failures == {
        "2026-10": "aws 2026-10: file cur-00001.csv.gz, row 2: "
        "bill_billing_period_start_date is 'October'; allowed: time"
    }
