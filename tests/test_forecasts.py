"""A forecast is made of what is known, says how sure it is, and stays as it was made."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pytest
from watched import DAYS, FIRST, LAST, day, warehouse, weekly

from connectors._lake import Lake
from pipelines.judged._costs import read_complete
from pipelines.judged._forecasts import look_ahead, make_forecasts
from pipelines.judged_tables import load_judged

ALL = ("all", "(all)")
MADE_ON = LAST - timedelta(days=1)
MONTH_END = date(2026, 10, 31)
NEXT_MONTH_END = date(2026, 11, 30)


def forecast(lake: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    complete = read_complete(connection)
    assert complete
    make_forecasts(connection, Lake(lake), complete)
    load_judged(connection, Lake(lake))
    return connection


def files(lake: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (lake / "judged").iterdir()}


def test_a_forecast_has_each_day_and_the_months_up_to_the_end_of_the_next(tmp_path: Path) -> None:
    costs = weekly()
    connection = forecast(tmp_path, warehouse({ALL: costs}))
    rows = connection.execute(
        "select period_kind, period_start, known_cost, cost_estimate, lower_estimate, "
        "upper_estimate, method, reason from lake.forecasts where not is_backtest order by all"
    ).fetchall()
    days = [row for row in rows if row[0] == "day"]
    assert [row[1] for row in days] == [
        MADE_ON + timedelta(days=number + 1) for number in range((NEXT_MONTH_END - MADE_ON).days)
    ]
    october, november = (row for row in rows if row[0] == "month")
    known = sum(
        (cost for place, cost in enumerate(costs) if date(2026, 10, 1) <= day(place) <= MADE_ON),
        start=Decimal(0),
    )
    assert (october[1], october[2]) == (date(2026, 10, 1), known)
    assert (november[1], november[2]) == (date(2026, 11, 1), Decimal(0))
    for month, begin in ((october, date(2026, 10, 1)), (november, date(2026, 11, 1))):
        mine = sum(row[3] for row in days if row[1].month == begin.month)
        assert abs(month[2] + mine - month[3]) <= Decimal("0.0001")
        assert month[4] < month[3] < month[5]
    assert {row[6:] for row in rows} == {("ETS(A,N,A)", None)}


def test_a_forecast_stays_as_it_was_made_whatever_is_restated(tmp_path: Path) -> None:
    forecast(tmp_path, warehouse({ALL: weekly()}))
    before = files(tmp_path)
    assert f"forecasts-{MADE_ON}.parquet" in before
    doubled = [cost * 2 for cost in weekly(DAYS + 3)]
    forecast(tmp_path, warehouse({ALL: doubled}, through=LAST + timedelta(days=3)))
    assert files(tmp_path) == before


def test_a_new_forecast_is_made_after_a_week_or_when_a_month_begins(tmp_path: Path) -> None:
    made = []
    costs = weekly(DAYS + 30)
    for more in range(30):
        forecast(tmp_path, warehouse({ALL: costs}, through=LAST + timedelta(days=more)))
        made = sorted(name[10:20] for name in files(tmp_path))
    assert [name for name in made if name >= "2026-10-10"] == [
        *("2026-10-10", "2026-10-17", "2026-10-24", "2026-10-31", "2026-11-01", "2026-11-08")
    ]


def test_a_forecast_that_is_lost_is_made_with_the_same_bytes(tmp_path: Path) -> None:
    forecast(tmp_path, warehouse({ALL: weekly()}))
    before = files(tmp_path)
    for file in (tmp_path / "judged").iterdir():
        file.unlink()
    forecast(tmp_path, warehouse({ALL: weekly()}))
    assert files(tmp_path) == before


def test_months_without_a_forecast_get_one_that_says_it_was_made_afterwards(tmp_path: Path) -> None:
    connection = forecast(tmp_path, warehouse({ALL: weekly()}))
    made = connection.execute(
        "select distinct made_on, is_backtest, history_days from lake.forecasts order by all"
    ).fetchall()
    # Of August, three weeks are known on the 23rd; of September, all that was before it.
    assert made == [
        (FIRST + timedelta(days=20), True, 21),
        (date(2026, 8, 31), True, 29),
        (MADE_ON, False, DAYS - 1),
    ]


@pytest.mark.parametrize(
    ("days", "method", "reason"),
    [
        (6, None, "fewer than 7 days of costs"),
        (20, "mean of 7 days", "no interval: fewer than 21 days of costs"),
    ],
)
def test_short_histories_say_so(days: int, method: str | None, reason: str) -> None:
    path = look_ahead(np.array([float(cost) for cost in weekly(days)]), 10)
    assert (path.method, path.reason, path.spread(0, 9)) == (method, reason, None)


def test_a_cost_that_never_changed_has_no_interval() -> None:
    path = look_ahead(np.full(40, 3.0), 5)
    assert path.days.tolist() == [3.0] * 5
    assert path.reason == "no interval: the cost never changed"


def test_a_feature_is_not_forecast_while_the_newest_costs_of_a_source_are_unknown(
    tmp_path: Path,
) -> None:
    costs = {ALL: weekly(), ("feature", "chat"): weekly()}
    connection = forecast(tmp_path, warehouse(costs, left_out=("monthly",)))
    said = connection.execute(
        "select distinct entity, cost_estimate is null, reason, left_out_sources "
        "from lake.forecasts order by all"
    ).fetchall()
    assert said == [
        ("all", False, None, ["monthly"]),
        ("feature", True, "the newest costs of monthly are not known", ["monthly"]),
    ]


def test_what_cost_nothing_for_four_weeks_is_not_forecast(tmp_path: Path) -> None:
    ended = [cost if place < DAYS - 30 else Decimal(0) for place, cost in enumerate(weekly())]
    connection = forecast(tmp_path, warehouse({ALL: weekly(), ("source", "gone"): ended}))
    rows = "select distinct value from lake.forecasts where not is_backtest"
    assert connection.execute(rows).fetchall() == [("(all)",)]


def test_an_episode_that_is_over_is_not_carried_on() -> None:
    usual = np.array([float(cost) for cost in weekly()])
    episode = usual.copy()
    episode[60:64] = 900.0
    difference = look_ahead(episode, 30).days - look_ahead(usual, 30).days
    assert np.abs(difference).max() < 2


# --- intervals ----------------------------------------------------------------------------------


def _held(series: Iterable[np.ndarray], horizon: int) -> tuple[float, float]:
    """Return on what part of the days, and for what part of the sums, the interval held."""
    days, sums = [], []
    for values in series:
        path = look_ahead(values[:-horizon], horizon)
        actual = values[-horizon:]
        for place in range(horizon):
            spread = path.spread(place, place)
            assert spread is not None
            days.append(abs(actual[place] - path.days[place]) <= spread)
        spread = path.spread(0, horizon - 1)
        assert spread is not None
        sums.append(abs(actual.sum() - path.days.sum()) <= spread)
    return float(np.mean(days)), float(np.mean(sums))


def test_intervals_hold_about_nine_times_of_ten() -> None:
    source = np.random.default_rng(3)
    week = np.array([1.0, 1.1, 1.2, 1.1, 1.0, 0.3, 0.3])

    def series() -> Iterable[np.ndarray]:
        for _ in range(40):
            level = 100 + np.cumsum(source.normal(0, 1, 91))
            yield level * np.tile(week, 13) + source.normal(0, 5, 91)

    days, sums = _held(series(), 14)
    assert 0.82 <= days <= 0.97
    assert 0.75 <= sums <= 1


def test_the_interval_is_the_library_s_own_for_a_day_and_its_simulation_s_for_a_sum() -> None:
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    source = np.random.default_rng(8)
    values = 100 + np.cumsum(source.normal(0, 3, 84)) + source.normal(0, 3, 84)
    values += 20 * np.tile([1, 1, 1, 1, 1, 0, 0], 12)
    scale = float(np.abs(values).mean())
    fitted = ETSModel(
        pd.Series(values / scale),
        error="add",
        seasonal="add",
        seasonal_periods=7,
        initialization_method="heuristic",
    ).fit(disp=False)
    path = look_ahead(values, 21)
    assert path.deviation
    # The library divides by the number of days, which is too sure of a short history.
    per_day = np.asarray(fitted.get_prediction(start=84, end=104).pred_int(alpha=0.1))
    theirs = (per_day[:, 1] - per_day[:, 0]) / 2
    wider = path.deviation / (np.sqrt(fitted.mse) * scale)
    mine = np.array([path.spread(place, place) for place in range(21)], dtype=float)
    assert np.allclose(mine, theirs * scale * wider, rtol=0.01)
    errors = source.normal(0, np.sqrt(fitted.mse), (21, 4000))
    paths = fitted.simulate(21, anchor="end", repetitions=4000, random_errors=errors)
    low, high = np.quantile(np.asarray(paths).sum(axis=0), [0.05, 0.95])
    spread = path.spread(0, 20)
    assert spread is not None
    assert spread == pytest.approx((high - low) / 2 * scale * wider, rel=0.06)
