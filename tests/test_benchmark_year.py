"""What the year of the benchmark is copied from the sample's rows."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks.copies import CUSTOMERS, FEATURES, Sample
from benchmarks.questions import questions
from benchmarks.year import DAYS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def sample() -> Iterator[Sample]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("""
            create table marts.attempt_costs as
            select 'a' || i as attempt_id, date '2026-10-05' as charge_date,
                case i when 0 then '(none)' else 'c' || i end as customer_id,
                'f' || (i % 2) as feature, 'w' as workflow, 'USD' as billing_currency
            from range(5) as attempts(i)
        """)
        connection.execute("""
            create table marts.wasted_costs_daily as
            select
                charge_date, 'customer_id' as entity, customer_id as value,
                2::decimal(38, 12) as cost
            from marts.attempt_costs
            union all
            values (date '2026-10-05', 'all', '(all)', 10), (date '2026-10-05', 'feature', 'f0', 6)
        """)
        yield Sample(connection)


def test_a_day_has_more_customers_and_features_than_the_sample_and_all_else_once(
    sample: Sample,
) -> None:
    relation = sample.relation("wasted_costs_daily")
    copied = relation.copied("select *, 28 as shift from temp.wasted_costs_daily")
    rows = sample.connection.execute(
        "select entity, count(*), count(distinct value), any_value(charge_date) "
        f"from ({copied}) group by 1"
    ).fetchall()
    found = {entity: (number, values, str(day)) for entity, number, values, day in rows}
    assert found["all"] == (1, 1, "2026-11-02")
    # f1 is no row of this relation: of 50 features every second one is there.
    assert found["feature"] == (FEATURES // 2, FEATURES // 2, "2026-11-02")
    number, values, _ = found["customer_id"]
    assert number == values
    assert CUSTOMERS * 0.6 < number < CUSTOMERS * 0.8


def test_an_attempt_has_copies_of_other_customers_under_other_names(sample: Sample) -> None:
    relation = sample.relation("attempt_costs")
    copied = relation.copied("select *, 0 as shift from temp.attempt_costs")
    attempts, names, nobody, customers = sample.connection.execute(f"""
        select count(*), count(distinct attempt_id), count(*) filter (where customer_id = '(none)'),
            count(distinct customer_id)
        from ({copied})
    """).fetchall()[0]
    assert (attempts, names, nobody) == (4 * 50 + 1, 4 * 50 + 1, 1)
    assert customers > 100


def test_every_query_of_the_page_is_asked() -> None:
    page = (ROOT / "docs" / "questions.md").read_text()
    assert len(dict(questions())) == len(re.findall(r"^```sql$", page, re.MULTILINE)) > 80


def test_a_year_is_every_day_of_it() -> None:
    assert len(set(DAYS)) == (DAYS[-1] - DAYS[0]).days + 1 == 365
