"""What a day was to be expected to cost: its weekday, and the level of the weeks before it.

STL (statsmodels) takes a series apart into a level, a week that repeats, and a remainder. It is
robust: single days that stand out move neither of them.
"""

import calendar
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

WEEK = 7
# Three weeks: each weekday three times.
LEAST_DAYS = 21
# Eight weeks: what was longer ago tells nothing of now.
MOST_DAYS = 56
# Robust standard deviations: many, because three to eight weeks tell little of the scatter.
SCORE = 7.0
# Of what is expected, and in units of the currency: what is nearer is noise for whoever pays.
PART, UNIT = 0.1, 1.0
# What came as often, on separate occasions, comes and goes.
_OCCASIONS = 3
# Days over which the level is smoothed: two weeks, odd.
_TREND = 15
# Weekdays and the level are fitted to the same days as the remainder.
_FITTED = 8
# Of a normal distribution, in standard deviations.
_THIRD_QUARTILE = 1.1503
# A value that costs nothing, or almost, on a quarter of its days is used now and then.
_NOTHING, _IDLE = 0.01, 0.25


def floor(expected: float) -> float:
    """Return the noise floor: how far a cost must be from what is expected to be told."""
    return max(UNIT, PART * abs(expected))


@dataclass(frozen=True)
class Season:
    """Days of one value, taken apart; of `usual`, short episodes that stand out are left out."""

    days: Series
    usual: Series
    fitted: Series
    next_expected: float

    @cached_property
    def deviation(self) -> float:
        """How far usual days are from what is expected of them, as a standard deviation."""
        spread = _spread(self.usual - self.fitted)
        return spread * float(np.sqrt(len(self.days) / (len(self.days) - _FITTED)))

    @property
    def limit(self) -> float:
        """Return how far from what is expected the next day would stand out."""
        return max(SCORE * self.deviation, floor(self.next_expected))

    def comes_and_goes(self, cost: float) -> bool:
        """Tell whether this was spent on several separate occasions before: by a value that does
        not cost something every day, or beyond what was expected then."""
        above = (self.days - self.fitted) >= (cost - self.next_expected) / 2
        is_intermittent = np.mean(np.abs(self.days) <= _NOTHING * np.abs(self.days).max()) >= _IDLE
        return _occasions(above) >= _OCCASIONS or (
            bool(is_intermittent) and _occasions(self.days >= cost / 2) >= _OCCASIONS
        )


def _spread(remainder: Series) -> float:
    """Return a robust standard deviation. Of few weeks half of the remainders are close to 0, so
    the third quartile tells more than the middle."""
    return float(np.quantile(np.abs(remainder), 0.75)) / _THIRD_QUARTILE


def _runs(is_out: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first day of each run, and the day after its last."""
    edges = np.diff(np.concatenate([[0], is_out.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _occasions(is_out: NDArray[np.bool_]) -> int:
    return len(_runs(is_out))


def by_weekday(days: Series) -> Series:
    """Return, for each day (the last axis), the median of all of its weekday."""
    usual = np.empty_like(days)
    for weekday in range(WEEK):
        same = days[..., weekday::WEEK]
        usual[..., weekday::WEEK] = np.median(same, axis=-1, keepdims=True)
    return usual


def without_episodes(days: Series) -> Series:
    """Return the days with short episodes that stand out replaced by what their weekday is.

    Of three weeks, a weekday that stood out once would be a third of its season. What lasts a week
    is a new level; what came several times is usual.
    """
    usual = by_weekday(days)
    distance = np.abs(days - usual)
    floors = np.maximum(UNIT, PART * np.abs(usual))
    runs = _runs(distance > np.maximum(SCORE * _spread(days - usual), floors))
    peaks = np.array([distance[start:end].max() for start, end in runs])
    cleaned = days.copy()
    for (start, end), peak in zip(runs, peaks, strict=True):
        if end - start < WEEK and np.count_nonzero(peaks >= peak / 2) < _OCCASIONS:
            cleaned[start:end] = usual[start:end]
    return cleaned


def take_apart(days: Series) -> Season:
    """Take at least LEAST_DAYS days apart."""
    # Three to four seconds to import: only where there is something to judge.
    from statsmodels.tsa.stl._stl import STL

    usual = without_episodes(days)
    parts = STL(
        usual,
        period=WEEK,
        # The same week throughout: a few weeks cannot tell how it changes.
        seasonal=2 * len(days) + 1,
        seasonal_deg=0,
        trend=_TREND,
        trend_deg=0,
        robust=True,
    ).fit()
    fitted = np.asarray(parts.trend + parts.seasonal, dtype=np.float64)
    return Season(days, usual, fitted, float(parts.trend[-1] + parts.seasonal[-WEEK]))


def month_before(day: date) -> date:
    """Return the same day of the month before, or that month's last day."""
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
