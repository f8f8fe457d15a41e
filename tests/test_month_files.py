"""Days of facts of a past month or quarter are read from one file, which holds the same rows."""

import duckdb
import pytest
from company import Company

MODELS = ("customer_costs_daily", "int_costs_allocated", "int_unit_days")


@pytest.fixture
def warehouse(company: Company) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(company.folder / "warehouse.duckdb"), read_only=True)
    connection.execute("set timezone = 'UTC'")
    return connection


@pytest.mark.parametrize("model", MODELS)
def test_a_month_file_has_the_rows_of_its_days(
    company: Company, warehouse: duckdb.DuckDBPyConnection, model: str
) -> None:
    facts = company.folder / "lake" / "facts"
    (month,) = facts.glob(f"{model}-2026-10-{'[0-9a-f]' * 32}.parquet")
    days = f"{facts}/{model}-2026-10-??-*.parquet"
    differing = f"""
        (from read_parquet('{month}') except all from read_parquet('{days}'))
        union all
        (from read_parquet('{days}') except all from read_parquet('{month}'))
    """
    assert warehouse.execute(f"from ({differing})").fetchall() == []
    assert warehouse.execute(f"select count(*) from read_parquet('{month}')").fetchall()[0][0] > 0


def test_all_days_are_read_from_a_file_a_month_and_one_day_from_its_own(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    def files() -> int:
        plan = "explain analyze select sum(effective_cost) from marts.customer_costs_daily"
        text = str(warehouse.execute(plan).fetchall()[0][1])
        return int(text.split("Total Files Read: ")[1].split()[0])

    (newest,) = warehouse.execute("""
        select count(*) from intermediate.int_day_inputs where charge_date >= date '2026-11-01'
    """).fetchall()[0]
    assert files() == 1 + newest
    warehouse.execute("""
        set variable facts_of = (
            select list(files) from intermediate.int_day_inputs
            where charge_date in (date '2026-10-10', date '2026-10-11')
        )
    """)
    assert files() == 2


def test_attempts_stay_in_files_of_days(company: Company) -> None:
    facts = company.folder / "lake" / "facts"
    assert list(facts.glob("attempt_costs-2026-10-10-*.parquet"))
    assert not list(facts.glob(f"attempt_costs-2026-10-{'[0-9a-f]' * 32}.parquet"))
