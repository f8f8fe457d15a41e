"""One page about a period: its figures are the ledger's, and each has the query behind it."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from browser import browser, needs_chromium
from company import Company
from report_page import ReportPage

from models.errors import ConfigError
from pipelines.report import page as write
from pipelines.report._pictures import ranking
from pipelines.report._section import Section, answer, cell
from pipelines.report_command import report_page

PERIOD = "2026-10"


@pytest.fixture(scope="session")
def file(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("report") / "report.html"
    done = company.unitledger("report", "--period", PERIOD, "--output", str(output))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(output)
    return output


@pytest.fixture(scope="session")
def page(file: Path) -> ReportPage:
    return ReportPage(file.read_text(encoding="utf-8"))


def one(company: Company, sql: str) -> Decimal:
    with company.connect() as connection:
        row = connection.execute(sql).fetchone()
    assert row
    return Decimal(row[0])


def effective_cost(company: Company) -> Decimal:
    return one(
        company,
        "select sum(reporting_cost) from marts.allocated_costs where billing_period = '2026-10'",
    )


# --- the figures are the ledger's -----------------------------------------------------------------


def test_the_steps_from_the_bill_lead_to_effective_cost_and_its_parts_add_up_to_the_ledger(
    company: Company, page: ReportPage
) -> None:
    lines = page.table("bridge", "USD").figures("cost")
    effective = lines["effective cost"]
    assert lines["billed cost"] + sum(
        lines[f"{sign} commitments {name}"]
        for sign, name in (("-", "paid"), ("+", "used"), ("+", "unused"))
    ) == pytest.approx(effective, abs=Decimal("1e-18"))
    parts = ("direct", "idle", "scaling", "shared", "overhead", "unmatched")
    assert sum(lines[part] for part in parts) == effective == effective_cost(company)


def test_the_drivers_add_up_to_the_ledger(company: Company, page: ReportPage) -> None:
    assert sum(page.table("drivers", "USD").column("effective_cost")) == effective_cost(company)


def test_the_way_to_a_unit_cost_leaves_nothing_out(company: Company, page: ReportPage) -> None:
    table = page.table("unit", "USD")
    cost, each = table.figures("cost"), table.figures("cost_per_inference")
    names = list(cost)
    loaded, parts = names.index("loaded cost"), names[-5:]
    assert sum(cost[name] for name in names[:loaded]) == cost["loaded cost"]
    assert sum(cost[name] for name in parts) == cost["loaded cost"]
    assert sum(each[name] for name in parts) == each["loaded cost"]
    inferences = one(
        company,
        "select count(distinct inference_id) from marts.inference_costs "
        "where charge_date between '2026-10-01' and '2026-10-31' and environment = 'production'",
    )
    assert each["loaded cost"] == round(cost["loaded cost"] / inferences, 12)


def test_customers_costs_add_up_to_each_currencys_ledger(
    company: Company, page: ReportPage
) -> None:
    for currency in ("EUR", "USD"):
        assert sum(page.table("customer-costs", currency).column("effective_cost")) == one(
            company,
            "select sum(effective_cost) from marts.allocated_costs "
            f"where billing_period = '2026-10' and billing_currency = '{currency}'",
        )


def test_revenue_less_each_customers_cost_is_the_margin(company: Company, page: ReportPage) -> None:
    customers = page.table("customers", "USD")
    total = page.table("margin", "USD").figures("amount")
    assert sum(customers.column("revenue")) == total["revenue"]
    assert sum(customers.column("cost")) == one(
        company,
        "select sum(reporting_cost) from marts.allocated_costs "
        "where charge_date between '2026-10-01' and '2026-10-31'",
    )
    assert total["gross margin"] == total["revenue"] - sum(customers.column("cost"))


def test_every_paid_gpu_hour_is_in_one_state(company: Company, page: ReportPage) -> None:
    table = page.table("gpu")
    states = table.columns[2:-1]
    apart = sum(sum(table.column(state)) for state in states)
    paid = sum(table.column("paid_hours"))
    nanoseconds = one(
        company,
        "select sum(nanoseconds) from marts.capacity_states "
        "where charge_date between '2026-10-01' and '2026-10-31'",
    )
    assert apart == pytest.approx(paid, abs=Decimal("0.02"))
    assert paid == pytest.approx(nanoseconds / Decimal("3.6e12"), abs=Decimal("0.01"))


def test_effects_lead_from_the_cost_before_to_the_cost_after(page: ReportPage) -> None:
    for currency in ("EUR", "USD"):
        cost = page.table("changes", currency).column("cost")
        assert sum(cost[:-1]) == cost[-1]


def test_each_query_gives_the_numbers_above_it_as_it_stands(
    company: Company, page: ReportPage
) -> None:
    assert len(page.queries) >= 15
    with company.connect() as connection:
        for section, sql in page.queries.items():
            cursor = connection.execute(sql)
            names = [item[0] for item in cursor.description or []]
            rows = cursor.fetchall()
            assert rows or page.missing[section], section
            tables = [table for table in page.tables if table.section == section]
            for at, name in enumerate(names):
                known = [row[at] for row in rows if isinstance(row[at], Decimal)]
                if known and section != "glance":
                    assert sum(sum(table.column(name)) for table in tables) == sum(known)


# --- what it may not do ---------------------------------------------------------------------------


def test_the_same_warehouse_gives_the_same_bytes(company: Company, file: Path) -> None:
    # By another process.
    with company.connect() as connection:
        assert write(connection, PERIOD) == file.read_text(encoding="utf-8")


def test_nothing_in_the_page_names_another_place(page: ReportPage) -> None:
    allowed = {"xmlns:xlink": "http://www.w3.org/1999/xlink"}
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        for name, value in attributes.items():
            if name not in allowed and name != "content":
                assert "://" not in (value or ""), (tag, name, value)


def test_a_period_that_nobody_billed_is_one_sentence(company: Company) -> None:
    with pytest.raises(ConfigError) as refused:
        report_page("2025-01", config=company.config)
    assert str(refused.value) == (
        "--period 2025-01: no bill of this period was delivered; delivered: 2026-10, 2026-11"
    )
    with pytest.raises(ConfigError) as refused:
        report_page("2026-13", config=company.config)
    assert str(refused.value) == "--period 2026-13: is not a month like 2026-10"


# --- sections without rows, names that are markup -------------------------------------------------

COSTS = Section("drivers", "Drivers", "Why?", "Nothing was billed.", ranking("cost_driver", "cost"))


def test_a_section_whose_mart_is_not_there_says_so() -> None:
    with duckdb.connect() as connection:
        found = answer(connection, COSTS, PERIOD)
    assert not found.panels
    assert found.missing == (
        "This warehouse has no marts.cost_drivers_daily: `unitledger run` builds it."
    )


def test_a_section_whose_mart_is_of_another_version_says_so() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.cost_drivers_daily (billing_period text)")
        found = answer(connection, COSTS, PERIOD)
    assert found.missing.startswith("This warehouse was built by another version")


def test_a_section_without_rows_says_why() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.cost_drivers_daily (billing_period text, reporting_currency text, "
            "billing_currency text, cost_driver text, effective_cost decimal(38, 12), "
            "reporting_cost decimal(38, 21))"
        )
        assert answer(connection, COSTS, PERIOD).missing == "Nothing was billed."


def test_a_name_that_is_markup_stays_a_name() -> None:
    name = '"><script>alert(1)</script> $x$'
    picture = ranking("name", "cost")([{"name": name, "cost": Decimal(1)}], name, "key")
    assert "<script" not in picture
    assert "&lt;script&gt;" in picture
    assert 'aria-label="&quot;&gt;' in picture
    assert "$x$" in picture


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (Decimal("-1234.567"), "money", "−1,234.57"),
        (Decimal("0.004"), "money", "< 0.01"),
        (Decimal(0), "money", "0.00"),
        (None, "money", "–"),
        (Decimal("0.5"), "percent", "50.00%"),
        (1234, "count", "1,234"),
    ],
)
def test_a_figure_is_rounded_for_reading_and_what_is_not_0_is_not_shown_as_0(
    value: Decimal | int | None, kind: str, shown: str
) -> None:
    assert cell(value, kind).shown == shown


# --- as a browser shows it ------------------------------------------------------------------------


@needs_chromium
def test_it_opens_on_a_phone_and_on_a_desk_and_asks_the_network_for_nothing(
    file: Path, tmp_path: Path
) -> None:
    with browser(tmp_path / "profile") as tab:
        for width in (390, 1280):
            tab.open(file, width)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            small = "[...document.querySelectorAll('figure')].filter(e => e.offsetWidth < 340)"
            assert tab.evaluate(f"{small}.length") == 0
            tab.screenshot(tmp_path / f"{width}.png")
            assert (tmp_path / f"{width}.png").stat().st_size > 100_000
        assert tab.evaluate("document.querySelectorAll('figure svg text').length") > 100
    assert set(tab.requests) == {file.resolve().as_uri()}
