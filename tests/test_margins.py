"""What the sample company earned and spent, by own arithmetic on its revenue and its ledger."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from company import ROOT, Company

SAMPLES = ROOT / "data_samples"
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
NANO = Decimal("1e-9")


@pytest.fixture(scope="module")
def marts(company: Company) -> duckdb.DuckDBPyConnection:
    return company.connect()


def rate_of(month: str) -> Decimal:
    """The mean of the month's published rates, half-even to 9 decimals."""
    with (SAMPLES / "fx_rates" / f"{month}.csv").open(newline="") as file:
        rates = [
            Decimal(row["rate"])
            for row in csv.DictReader(file)
            if (row["from_currency"], row["to_currency"]) == ("EUR", "USD")
        ]
    return (sum(rates, Decimal(0)) / len(rates)).quantize(NANO)


def revenue_of(first: date, last: date, rate: Decimal) -> Iterator[tuple[dict[str, str], Decimal]]:
    """Each revenue's part of these days, in dollars."""
    with (SAMPLES / "business" / "revenue.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            start = date.fromisoformat(row["revenue_from"])
            end = date.fromisoformat(row["revenue_to"])
            days = (min(end, last) - max(start, first)).days
            if days > 0:
                amount = Decimal(row["amount"]) * days / (end - start).days
                yield row, amount * (rate if row["currency"] == "EUR" else 1)


def ledger(marts: duckdb.DuckDBPyConnection, where: str = "true") -> Decimal:
    row = marts.sql(
        "select sum(reporting_cost) from marts.allocated_costs "
        f"where strftime(charge_date, '%Y-%m') = '2026-10' and ({where})"
    ).fetchone()
    assert row is not None
    cost: Decimal = row[0]
    return cost


def margin(
    marts: duckdb.DuckDBPyConnection, scope: str, value: str, month: str
) -> dict[str, object]:
    cursor = marts.execute(
        "select * from marts.margins where scope = ? and value = ? and charge_month = ?",
        [scope, value, month],
    )
    names = [column[0] for column in cursor.description or ()]
    (row,) = cursor.fetchall()
    return dict(zip(names, row, strict=True))


def test_a_months_revenue_less_its_costs_is_the_margin(marts: duckdb.DuckDBPyConnection) -> None:
    revenue = sum(part for _, part in revenue_of(*OCTOBER, rate_of("2026-10")))
    cost = ledger(marts)
    found = margin(marts, "total", "(all)", "2026-10")
    assert (found["revenue"], found["cost"], found["days"]) == (revenue, cost, 31)
    assert found["gross_margin"] == revenue - cost
    expected = (1 - cost / Decimal(revenue)).quantize(Decimal("0.000001"))
    assert (found["cloud_efficiency_rate"], found["reason"]) == (expected, None)


def test_layers_add_up_and_each_one_leaves_less(marts: duckdb.DuckDBPyConnection) -> None:
    for row in marts.sql(
        "select infrastructure_cost + llm_cost + shared_cost - cost, "
        "infrastructure_efficiency_rate >= infrastructure_and_llm_efficiency_rate "
        "from marts.margins where cost is not null"
    ).fetchall():
        assert row[0] == 0
        assert row[1] in (True, None)


def test_what_is_shared_is_the_ledgers_shared_and_overhead(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    of_customer = "customer_id = 'cust-001'"
    found = margin(marts, "customer", "cust-001", "2026-10")
    assert found["shared_cost"] == ledger(
        marts, f"{of_customer} and component in ('shared', 'overhead')"
    )
    assert found["cost"] == ledger(marts, of_customer)


def test_a_customer_that_pays_in_euros_is_worth_the_months_mean_rate(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = margin(marts, "customer", "cust-004", "2026-10")
    assert found["revenue"] == Decimal("4900") * rate_of("2026-10")


def test_of_a_running_month_revenue_counts_for_the_days_that_have_costs(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = margin(marts, "customer", "cust-001", "2026-11")
    assert (found["days"], found["revenue"]) == (3, Decimal("4900") * 3 / 30)


def test_a_plan_that_changed_in_the_month_has_its_own_days(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for plan in ("starter", "growth", "enterprise"):
        revenue = sum(
            part for row, part in revenue_of(*OCTOBER, rate_of("2026-10")) if row["plan"] == plan
        )
        assert margin(marts, "plan", plan, "2026-10")["revenue"] == revenue
    days = {"starter": "charge_date < '2026-10-16'", "growth": "charge_date >= '2026-10-16'"}
    changed = {
        plan: ledger(marts, f"customer_id = 'cust-007' and {when}") for plan, when in days.items()
    }
    assert sum(changed.values()) == margin(marts, "customer", "cust-007", "2026-10")["cost"]


def test_cost_of_no_customer_and_a_customer_without_revenue_say_why_they_have_no_margin(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    nobody = margin(marts, "customer", "(none)", "2026-10")
    assert nobody["cost"] == ledger(marts, "customer_id = '(none)'")
    assert (nobody["revenue"], nobody["gross_margin"]) == (None, None)
    assert nobody["reason"] == "cost of no customer that is known"
    trial = margin(marts, "plan", "trial", "2026-10")
    assert (trial["cloud_efficiency_rate"], trial["reason"]) == (
        None,
        "no revenue of this plan in this month",
    )


def test_our_rate_stands_beside_the_fields_with_where_it_is_from(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    ours = margin(marts, "total", "(all)", "2026-10")["cloud_efficiency_rate"]
    rows = marts.sql(
        "select reference_value, ours, difference, is_better, source from "
        "marts.reference_comparisons where charge_month = '2026-10' "
        "and figure like 'cloud efficiency rate%' order by 1"
    ).fetchall()
    assert isinstance(ours, Decimal)
    assert [row[:4] for row in rows] == [
        (figure, ours * 100, ours * 100 - figure, ours * 100 >= figure)
        for figure in (Decimal(65), Decimal(80))
    ]
    assert all("475 executives" in row[4] for row in rows)
