"""Exchange rates: what a file may say, and that a run stops where one is missing."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connectors import all_connectors
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from pipelines.exchange_rates import exchange_rate_failures

FX = all_connectors()["fx_rates"]
HEADER = "rate_date,from_currency,to_currency,rate"


def land(folder: Path, *lines: str, header: str = HEADER, end: str = "\n") -> tuple[Lake, str]:
    """Land one file; return the lake and what failed."""
    (folder / "rates").mkdir(exist_ok=True)
    (folder / "rates" / "2026-10.csv").write_text("\n".join([header, *lines]) + end)
    lake, source = Lake(folder / "lake"), Source("fx", str(folder / "rates"), FX.options())
    failures = lake.land(source, FX, Window()).failures | normalize(lake, source, FX)
    return lake, " ".join(failures.values())


def test_a_rate_keeps_its_digits_and_its_day(tmp_path: Path) -> None:
    lake, failures = land(tmp_path, "2026-10-01,EUR,USD,1.123456789012", "2026-10-02,EUR,USD,1.2")
    assert failures == ""
    files = lake.index()["file"].to_list()
    rows = duckdb.read_parquet([str(lake.root / file) for file in files]).fetchall()
    assert [row[:4] for row in rows] == [
        (date(2026, 10, 1), "EUR", "USD", Decimal("1.123456789012")),
        (date(2026, 10, 2), "EUR", "USD", Decimal("1.2")),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-10-01,EURO,USD,1.1", "row 1: from_currency is 'EURO'; allowed: an ISO 4217 code"),
        ("2026-10-01,EUR,usd,1.1", "row 1: to_currency is 'usd'; allowed: an ISO 4217 code"),
        ("2026-10-01,EUR,EUR,1.1", "row 1: to_currency is 'EUR', the same as from_currency"),
        ("2026-10-01,EUR,USD,0", "row 1: rate is '0'; allowed: a number above 0"),
        ("2026-10-01,EUR,USD,-1.1", "row 1: rate is '-1.1'; allowed: a number above 0"),
        ("2026-10-01,EUR,USD,", "row 1: rate is ''; allowed: a number above 0"),
        ('2026-10-01,EUR,USD,"1,1"', "row 1: rate is '1,1'; allowed: quantity"),
        ("2026-13-01,EUR,USD,1.1", "row 1: rate_date is '2026-13-01'; allowed: time"),
    ],
)
def test_a_line_that_is_no_rate_is_one_sentence(tmp_path: Path, line: str, expected: str) -> None:
    _, failures = land(tmp_path, line)
    assert expected in failures
    assert "2026-10.csv" in failures


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    _, failures = land(tmp_path, "2026-10-01,EUR,1.1", header="rate_date,from_currency,rate")
    assert "column to_currency is missing" in failures


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    _, failures = land(tmp_path, "2026-10-01,EUR,USD,1.1", "2026-10-02,EUR,U", end="")
    assert "2026-10.csv is cut off: its last line does not end" in failures


# --- before anything is converted -----------------------------------------------------------------


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """What a new warehouse has of currencies: euros billed by one source in October."""
    connection = duckdb.connect()
    connection.execute("""
        create schema lake;
        create table lake.charges as
            select 'mistral' as x_source, '2026-10' as x_billing_period, 'EUR' as billing_currency
            union all select 'aws', '2026-10', 'USD';
        create table lake.metered_usage (
            x_source varchar, x_billing_period varchar, service_provider_name varchar
        );
        create table lake.rate_cards (provider varchar, billing_currency varchar);
        create table lake.reporting_currencies as select 'USD' as reporting_currency;
        create table lake.invoices (
            source varchar, billing_period varchar, billing_currency varchar,
            exchange_rate decimal(38, 12)
        );
        create table lake.fx_rates (
            rate_date date, from_currency varchar, to_currency varchar, rate decimal(38, 12),
            x_source varchar, x_file varchar, x_row bigint
        );
    """)
    return connection


def published(day: str, rate: str = "1.1", row: int = 1, pair: str = "'EUR', 'USD'") -> str:
    return f"insert into lake.fx_rates values ('{day}', {pair}, {rate}, 'fx', 'a.csv', {row})"


def test_a_missing_rate_names_currency_month_source_and_what_to_do(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert list(exchange_rate_failures(warehouse)) == [
        "there is no exchange rate EUR to USD for 2026-10 (mistral): add rates of that month to a "
        "source of connector fx_rates, or exchange_rate to the invoice in invoices.csv"
    ]


@pytest.mark.parametrize(
    ("statement", "is_enough"),
    [
        (published("2026-10-31"), True),
        (published("2026-09-24"), True),
        (published("2026-09-23"), False),
        (published("2026-11-01"), False),
        (published("2026-10-05", pair="'USD', 'EUR'"), False),
        ("insert into lake.invoices values ('mistral', '2026-10', 'EUR', 1.17)", True),
        ("insert into lake.invoices values ('mistral', '2026-10', 'EUR', null)", False),
        ("insert into lake.invoices values ('mistral', '2026-09', 'EUR', 1.17)", False),
        ("delete from lake.reporting_currencies", True),
    ],
)
def test_a_rate_of_the_month_the_invoice_or_the_week_before_is_enough(
    warehouse: duckdb.DuckDBPyConnection, statement: str, is_enough: bool
) -> None:
    warehouse.execute(statement)
    assert (list(exchange_rate_failures(warehouse)) == []) is is_enough


def test_what_a_rate_card_prices_in_another_currency_needs_a_rate_too(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(published("2026-10-05"))
    warehouse.execute("insert into lake.metered_usage values ('hpc', '2026-10', 'Maple GPU')")
    warehouse.execute("insert into lake.rate_cards values ('Maple GPU', 'CAD')")
    (sentence,) = exchange_rate_failures(warehouse)
    assert sentence.startswith("there is no exchange rate CAD to USD for 2026-10 (hpc): ")


def test_two_rates_for_one_day_are_an_error_that_names_both(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(published("2026-10-05", "1.1"))
    warehouse.execute(published("2026-10-05", "1.1", row=2))
    assert list(exchange_rate_failures(warehouse)) == []
    warehouse.execute(published("2026-10-05", "1.2", row=3))
    (sentence,) = exchange_rate_failures(warehouse)
    assert sentence.startswith("EUR to USD has two rates for 2026-10-05: 1.1 (fx a.csv) and ")
    assert "1.2 (fx a.csv)" in sentence
