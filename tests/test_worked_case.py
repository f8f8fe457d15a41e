"""The worked case: a chatbot goes from $15,000 to $6,000 a month by five measures.

The marts find each of them, with what it saved, in bills and telemetry alone.
"""

import csv
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from company import ROOT, Company

# Six months of days: minutes, nearly all of it what a day of facts costs to build.
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

# Hours of machines in 30 days × what an hour costs less, by the case's own story.
SAVED = {
    "shape": (date(2026, 6, 6), 6_250 * Decimal("0.40")),
    "utilization": (date(2026, 7, 6), (6_250 - 5_350) * Decimal("2.00")),
    "purchase_option": (date(2026, 8, 5), 1_200 * Decimal("1.25")),
    "efficiency": (date(2026, 9, 4), Decimal("0.16") * (4_150 * 2 + 1_200 * Decimal("0.75"))),
    "commitment": (date(2026, 10, 4), 3 * 24 * 30 * Decimal("0.80")),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worked-case")
    script = [sys.executable, str(ROOT / "data_samples" / "worked_case.py"), str(folder)]
    subprocess.run(script, check=True)
    return folder


@pytest.fixture(scope="module")
def case(written: Path) -> Company:
    case = Company(written, written / "unitledger.yml")
    run = case.unitledger("run")
    assert run.returncode == 0, run.stderr
    return case


def test_what_is_planted_is_the_story_that_is_told_and_adds_up_to_nine_thousand(
    written: Path,
) -> None:
    with (written / "planted.csv").open() as file:
        planted = {
            row["effect"]: (date.fromisoformat(row["first_day"]), Decimal(row["saved_in_30_days"]))
            for row in csv.DictReader(file)
        }

    assert planted == SAVED
    assert sum(saved for _, saved in SAVED.values()) == 9_000


def test_thirty_days_cost_fifteen_thousand_before_and_six_thousand_after(case: Company) -> None:
    with case.connect() as warehouse:
        costs = warehouse.execute("""
            select (charge_date - date '2026-05-07') // 30 as period, sum(effective_cost)
            from marts.allocated_costs group by period order by period
        """).fetchall()

    left, expected = Decimal(15_000), [Decimal(15_000)]
    for _, saved in SAVED.values():
        left -= saved
        expected.append(left)
    assert [cost for _, cost in costs] == expected
    assert expected[-1] == 6_000


@pytest.mark.parametrize("entity", ["all", "pool", "customer_id", "feature"])
def test_each_measure_is_found_on_its_date_with_what_it_saves_within_one_percent(
    case: Company, entity: str
) -> None:
    with case.connect() as warehouse:
        rows = warehouse.execute(
            """
            select effect, period_start, sum(cost_change)
            from marts.cost_changes
            where period_kind = '30 days' and entity = ?
            group by effect, period_start
            having abs(sum(cost_change)) > ?
            """,
            [entity, min(saved for _, saved in SAVED.values()) / 100],
        ).fetchall()

    found = {effect: (start, -change) for effect, start, change in rows}
    assert len(rows) == len(SAVED)
    assert {effect: start for effect, (start, _) in found.items()} == {
        effect: start for effect, (start, _) in SAVED.items()
    }
    for effect, (_, saved) in SAVED.items():
        assert abs(found[effect][1] - saved) <= saved / 100


@pytest.mark.parametrize("entity", ["all", "pool", "customer_id", "feature", "team", "model"])
def test_all_effects_add_up_to_exactly_nine_thousand(case: Company, entity: str) -> None:
    with case.connect() as warehouse:
        found = warehouse.execute(
            "select sum(cost_change) from marts.cost_changes"
            " where period_kind = '30 days' and entity = ?",
            [entity],
        ).fetchone()

    assert found == (Decimal(-9_000),)


def test_who_answers_for_the_machines_is_named(case: Company) -> None:
    with case.connect() as warehouse:
        owners = warehouse.execute(
            "select distinct value, owner from marts.cost_changes where entity = 'pool'"
        ).fetchall()

    assert owners == [("genius-gpu", "genius")]


def test_the_books_of_the_case_close(case: Company) -> None:
    assert case.unitledger("reconcile").returncode == 0
