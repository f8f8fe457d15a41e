"""A cost that is far above what its weeks let expect is told, and what is usual is not."""

import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from watched import DAYS, FIRST, LAST, WEEK, Daily, day, warehouse, weekly

from connectors._lake import Lake
from pipelines.judged._anomalies import judge_days
from pipelines.judged._costs import Complete, read_complete
from pipelines.judged_tables import load_judged

CUSTOMER = ("customer_id", "acme")
SPIKE = Decimal("61.123456789012")
# A Wednesday near the end.
SPIKED = DAYS - 5


def judged(lake: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    complete = read_complete(connection)
    assert complete
    judge_days(connection, Lake(lake), complete)
    load_judged(connection, Lake(lake))
    return connection


def told(lake: Path, costs: Daily) -> list[tuple[object, ...]]:
    connection = judged(lake, warehouse(costs))
    rows = "select charge_date, entity, value from lake.anomalies order by all"
    return connection.execute(rows).fetchall()


def spiked(place: int) -> Decimal | None:
    return SPIKE if place == SPIKED else None


def test_a_spike_is_told_with_its_exact_cost_and_what_was_expected(tmp_path: Path) -> None:
    connection = judged(tmp_path, warehouse({CUSTOMER: weekly(change=spiked)}))
    rows = connection.execute(
        "select charge_date, entity, value, observed_cost, expected_estimate, upper_estimate, "
        "score, history_days from lake.anomalies"
    ).fetchall()
    assert len(rows) == 1
    found, *key, observed, expected, upper, score, history = rows[0]
    assert (found, tuple(key), observed) == (day(SPIKED), CUSTOMER, SPIKE)
    usual = WEEK[SPIKED % 7]
    assert abs(expected - usual) <= usual * Decimal("0.03")
    assert expected < upper < usual * Decimal("1.3")
    assert score > 7
    assert history == 56


def test_the_evidence_is_what_moved_with_its_exact_cost(tmp_path: Path) -> None:
    usual = weekly()
    parts = {
        (*CUSTOMER, "feature", "chat"): [cost - 1 for cost in weekly(change=spiked)],
        (*CUSTOMER, "feature", "mail"): [Decimal(1) for _ in usual],
        # A part that was never there before was worth nothing.
        (*CUSTOMER, "model", "new"): [
            Decimal(30 if place == SPIKED else 0) for place in range(DAYS)
        ],
    }
    connection = judged(tmp_path, warehouse({CUSTOMER: weekly(change=spiked)}, parts))
    rows = connection.execute(
        "select part_entity, part_value, observed_cost, usual_estimate from lake.anomaly_evidence"
    ).fetchall()
    before = sorted(usual[SPIKED - 7 * week] - 1 for week in (1, 2, 3, 4))
    assert {row[:2]: row[2:] for row in rows} == {
        ("feature", "chat"): (SPIKE - 1, (before[1] + before[2]) / 2),
        ("feature", "mail"): (Decimal(1), Decimal(1)),
        ("model", "new"): (Decimal(30), Decimal(0)),
    }


def test_weeks_that_repeat_themselves_are_no_anomaly(tmp_path: Path) -> None:
    source = random.Random(5)
    costs = {
        ("customer_id", f"c{number}"): [
            WEEK[place % 7] * Decimal(str(round(source.gauss(1, 0.08), 6))) * size
            for place in range(DAYS)
        ]
        for number, size in enumerate([Decimal("0.2"), Decimal(1), Decimal(100)] * 20)
    }
    # 60 values on 35 days.
    assert len(told(tmp_path, costs)) <= 1


def test_a_sunday_that_costs_as_much_as_a_monday_is_told(tmp_path: Path) -> None:
    costs = weekly(change=lambda place: WEEK[0] if place == DAYS - 1 else None)
    assert told(tmp_path, {CUSTOMER: costs}) == [(LAST, *CUSTOMER)]


@pytest.mark.parametrize(("size", "is_told"), [("0.04", False), ("1", True)])
def test_what_is_below_the_noise_floor_is_not_told(
    tmp_path: Path, size: str, is_told: bool
) -> None:
    costs = [cost * Decimal(size) for cost in weekly(change=spiked)]
    costs[SPIKED] = costs[SPIKED - 7] + Decimal("0.99") + (10 if is_told else 0)
    assert bool(told(tmp_path, {CUSTOMER: costs})) is is_told


def test_what_costs_less_is_no_anomaly_because_late_data_look_the_same(tmp_path: Path) -> None:
    costs = weekly(change=lambda place: Decimal(0) if place >= SPIKED else None)
    assert told(tmp_path, {CUSTOMER: costs}) == []


def test_an_episode_is_told_each_day_and_hides_nothing_afterwards(tmp_path: Path) -> None:
    def change(place: int) -> Decimal | None:
        return Decimal(200) if 43 <= place < 47 else (SPIKE if place == SPIKED else None)

    expected = [(day(place), *CUSTOMER) for place in (43, 44, 45, 46, SPIKED)]
    assert told(tmp_path, {CUSTOMER: weekly(change=change)}) == expected


def test_a_new_level_is_told_for_days_and_then_it_is_usual(tmp_path: Path) -> None:
    costs = weekly()
    level = [cost * 2 if place >= 40 else cost for place, cost in enumerate(costs)]
    days = [row[0] for row in told(tmp_path, {CUSTOMER: level})]
    assert days[0] == day(40)
    assert 3 <= len(days) <= 16
    assert max(days) < day(40 + 28)


def test_a_cost_that_fell_stands_out_where_it_is_what_it_was(tmp_path: Path) -> None:
    costs = [cost + (30 if place < 42 else 0) for place, cost in enumerate(weekly())]
    costs[SPIKED] += 30
    assert told(tmp_path, {CUSTOMER: costs}) == [(day(SPIKED), *CUSTOMER)]


def test_a_monthly_fee_is_told_the_first_time_alone(tmp_path: Path) -> None:
    def fee(place: int) -> Decimal | None:
        return WEEK[place % 7] + 40 if day(place).day == 4 and day(place) > FIRST else None

    # 4 August is too early to be judged, 4 September had it a month before.
    known = told(tmp_path / "known", {CUSTOMER: weekly(change=fee)})
    assert known == []
    first = told(
        tmp_path / "new",
        {CUSTOMER: weekly(change=lambda place: None if day(place).month < 10 else fee(place))},
    )
    assert first == [(day(62), *CUSTOMER)]


def test_what_is_used_now_and_then_is_told_until_it_came_three_times(tmp_path: Path) -> None:
    bursts = {0: 30, 38: 31, 45: 33, 54: 29, 65: 32}
    costs = [Decimal(bursts.get(place, 0)) for place in range(DAYS)]
    # On the fifth occasion three were seen before; the ones before it were new.
    days = [row[0] for row in told(tmp_path, {CUSTOMER: costs})]
    assert day(38) in days
    assert day(65) not in days


def test_fewer_than_three_weeks_are_not_judged_and_say_so(tmp_path: Path) -> None:
    costs = [Decimal(0)] * (SPIKED - 20) + weekly(change=spiked)[SPIKED - 20 :]
    connection = judged(tmp_path, warehouse({CUSTOMER: costs}))
    assert connection.execute("select count(*) from lake.anomalies").fetchone() == (0,)
    check = connection.execute(
        "select judged_values, short_values, reason from lake.anomaly_checks where charge_date = ?",
        [day(SPIKED)],
    ).fetchone()
    assert check == (0, 1, "fewer than 21 days of costs before it")


def test_days_that_are_not_complete_are_not_judged(tmp_path: Path) -> None:
    connection = warehouse({CUSTOMER: weekly(change=spiked)})
    judge_days(connection, Lake(tmp_path), Complete(day(SPIKED - 1), []))
    names = sorted(file.name for file in (tmp_path / "judged").iterdir())
    assert len(names) == 35
    assert names[-1].startswith(f"anomalies-{day(SPIKED - 1)}-")
