"""Forecasts: made of what is known up to a day, kept as they were made, scored by a mart.

Exponential smoothing (statsmodels' ETS, additive level and week) without a trend: a few weeks'
trend that is carried on for two months is a guess. Episodes that stand out are taken out before.
"""

import calendar
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from connectors._lake import Lake
from pipelines.judged._costs import KEY, Complete, Costs, read_costs
from pipelines.judged._seasons import LEAST_DAYS, WEEK, Series, without_episodes
from pipelines.judged_tables import folder, write_forecast

# Half a year: what was before tells less than it costs to read.
_HISTORY_DAYS = 182
# What cost nothing for so long is not forecast.
_ENDED_AFTER = 28
# Of a normal distribution: the interval of 90 %.
_Z = 1.6448536269514722
# Level, weekdays and how fast they move.
_FITTED = 9
_BACKTESTED_MONTHS = 3
_ETS = "ETS(A,N,A)"
# Of the mean cost of a day: what differs by less is the same.
_NEVER = 1e-6


@dataclass(frozen=True)
class Path:
    """What each of the next days will cost. `moves` is how much of a day's surprise stays, by how
    long ago it was; without a deviation there is no interval."""

    days: Series
    method: str | None
    reason: str | None = None
    deviation: float | None = None
    moves: Series | None = None
    # A cost that never was negative will not be.
    least: float = -np.inf

    def spread(self, first: int, last: int) -> float | None:
        """Return the half width of the interval of the sum of these days, counted from 0."""
        if self.deviation is None or self.moves is None:
            return None
        # Each day's surprise counts on that day, if it is of the sum, and stays in later ones.
        is_in = np.zeros(last + 1)
        is_in[first:] = 1.0
        weights = [
            is_in[day] + float(np.dot(is_in[day + 1 :], self.moves[1 : last + 1 - day]))
            for day in range(last + 1)
        ]
        return _Z * self.deviation * float(np.sqrt(np.square(weights).sum()))


def make_forecasts(connection: duckdb.DuckDBPyConnection, lake: Lake, complete: Complete) -> None:
    """Make a forecast of the last day that is known for sure, if one is due; and of months that
    have none, what would have been said."""
    # The newest day may still grow.
    made_on = complete.through - timedelta(days=1)
    made = {date.fromisoformat(file.stem[-10:]) for file in folder(lake).glob("forecasts-*")}
    wanted = dict.fromkeys(_backtests(_first_day(connection), made, made_on), True)
    if not any(_covers(day, made_on) for day in made):
        wanted[made_on] = False
    for day, is_backtest in sorted(wanted.items()):
        first = day - timedelta(days=_HISTORY_DAYS - 1)
        costs = read_costs(connection, "int_forecast_costs_daily", first, day)
        if costs is not None:
            write_forecast(lake, str(day), forecast(costs, is_backtest, complete.left_out))


def _covers(made_on: date, day: date) -> bool:
    """Tell whether another forecast would say little more: of the same week and month."""
    return made_on > day - timedelta(days=WEEK) and (
        made_on >= day or (made_on.year, made_on.month) == (day.year, day.month)
    )


def _first_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    row = connection.execute(
        "select min(charge_date) from intermediate.int_forecast_costs_daily"
    ).fetchone()
    return row[0] if row else None


def _backtests(first_day: date | None, made: set[date], made_on: date) -> Iterator[date]:
    """Return the days of which a forecast is made afterwards."""
    month = made_on.replace(day=1)
    for _ in range(_BACKTESTED_MONTHS if first_day else 0):
        month = (month - timedelta(days=1)).replace(day=1)
        before = month - timedelta(days=1)
        origin = max(before, (first_day or month) + timedelta(days=LEAST_DAYS - 1))
        has_one = any(before <= day < _month_end(month) for day in made)
        # The last days of a month are no forecast of it.
        if not has_one and origin <= _month_end(month) - timedelta(days=WEEK):
            yield origin


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def forecast(costs: Costs, is_backtest: bool, left_out: list[str]) -> list[dict[str, Any]]:
    """Return the rows of a forecast: each day to the end of the next month, and the months."""
    made_on = costs.last_day
    this_month = _month_end(made_on)
    next_month = _month_end(this_month + timedelta(days=1))
    horizon = (next_month - made_on).days
    rows: list[dict[str, Any]] = []
    for row, key in enumerate(costs.keys):
        history = costs.amounts[row, int(costs.starts[row]) :]
        if not history[-_ENDED_AFTER:].any():
            continue
        path = look_ahead(history, horizon)
        if key[1] == "feature" and left_out:
            path = _unknown(horizon, f"the newest costs of {', '.join(left_out)} are not known")
        about = {
            "made_on": made_on,
            "is_backtest": is_backtest,
            **dict(zip(KEY, key, strict=True)),
            "method": path.method,
            "reason": path.reason,
            "history_days": len(history),
            "left_out_sources": left_out,
        }
        for part in _parts(made_on, this_month, next_month):
            known = costs.exact(key, part.start, made_on)
            rows.append(about | _estimates(path, part, made_on, known))
    return rows


@dataclass(frozen=True)
class _Part:
    """A day, or a month of which some days may be known."""

    kind: str
    start: date
    end: date


def _parts(made_on: date, this_month: date, next_month: date) -> Iterator[_Part]:
    for number in range((next_month - made_on).days):
        day = made_on + timedelta(days=number + 1)
        yield _Part("day", day, day)
    for end in (this_month, next_month):
        if end > made_on:
            yield _Part("month", end.replace(day=1), end)


def _estimates(path: Path, part: _Part, made_on: date, known: Decimal) -> dict[str, Any]:
    first = max(0, (part.start - made_on).days - 1)
    last = (part.end - made_on).days - 1
    estimates: dict[str, Any] = {
        "period_kind": part.kind,
        "period_start": part.start,
        "known_cost": known,
    }
    if path.method is None:
        return estimates | dict.fromkeys(("cost_estimate", "lower_estimate", "upper_estimate"))
    total = float(np.maximum(path.days[first : last + 1], path.least).sum())
    spread = path.spread(first, last)
    return estimates | {
        "cost_estimate": _rounded(known, total),
        "lower_estimate": _low(path, known, total, spread),
        "upper_estimate": None if spread is None else _rounded(known, total + spread),
    }


def _low(path: Path, known: Decimal, total: float, spread: float | None) -> Decimal | None:
    if spread is None:
        return None
    return _rounded(known, max(total - spread, path.least))


def _rounded(known: Decimal, more: float) -> Decimal:
    return round(known + Decimal(f"{more:.6f}"), 6)


def _unknown(horizon: int, reason: str) -> Path:
    return Path(np.full(horizon, np.nan), None, reason)


def look_ahead(history: Series, horizon: int) -> Path:
    """Return what the next days will cost, by the method that the history allows."""
    if len(history) < WEEK:
        return _unknown(horizon, f"fewer than {WEEK} days of costs")
    if len(history) < LEAST_DAYS:
        return _mean(history, horizon, f"no interval: fewer than {LEAST_DAYS} days of costs")
    usual = without_episodes(history)
    if np.ptp(usual) <= _NEVER * np.abs(usual).max():
        return _mean(usual, horizon, "no interval: the cost never changed")
    return _smoothed(usual, horizon)


def _mean(history: Series, horizon: int, reason: str) -> Path:
    return Path(np.full(horizon, float(history[-WEEK:].mean())), "mean of 7 days", reason)


def _smoothed(history: Series, horizon: int) -> Path:
    # Four seconds to import: only where there is something to forecast.
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    scale = float(np.abs(history).mean())
    model = ETSModel(
        history / scale,
        error="add",
        seasonal="add",
        seasonal_periods=WEEK,
        initialization_method="heuristic",
    )
    with warnings.catch_warnings():
        # Said in the reason.
        warnings.simplefilter("ignore")
        fitted = model.fit(disp=False)
    reason = None if fitted.mle_retvals["converged"] else "the smoothing was not fitted to the end"
    days = np.asarray(fitted.forecast(horizon), dtype=np.float64) * scale
    surprises = np.asarray(fitted.resid, dtype=np.float64) * scale
    deviation = float(np.sqrt(np.square(surprises).sum() / (len(history) - _FITTED)))
    least = 0.0 if history.min() >= 0 else -np.inf
    if deviation <= _NEVER * scale:
        return Path(days, _ETS, "no interval: each week was as the one before")
    return Path(days, _ETS, reason, deviation, _moves(fitted, horizon), least)


def _moves(fitted: Any, horizon: int) -> Series:
    """Return what of a surprise stays after so many days: the level's part, and each week the
    weekday's."""
    moves = np.full(horizon, float(fitted.smoothing_level))
    moves[::WEEK] += float(fitted.smoothing_seasonal)
    moves[0] = 1.0
    return moves
