"""Anomalies: each of the last days is judged by the weeks before it, and kept as it was judged."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from connectors._lake import Lake
from pipelines.judged._costs import KEY, Complete, Costs, read_costs
from pipelines.judged._seasons import (
    LEAST_DAYS,
    MOST_DAYS,
    PART,
    SCORE,
    UNIT,
    WEEK,
    Season,
    Series,
    by_weekday,
    month_before,
    take_apart,
)
from pipelines.judged_tables import ANOMALIES, file_of, folder, write_day

# What is older stays as it was judged, whatever is restated.
JUDGED_DAYS = 35
# With another way of judging, days are judged again.
_METHOD = "stl 1"
# Parts told of an anomaly, from each side.
_PARTS = 10
_WEEKS_COMPARED = 4
# Of the usual scatter: what is nearer needs no library to tell.
_NEAR, _NEAR_OF_FEW = 3.0, 5.0


@dataclass(frozen=True)
class Anomaly:
    """A cost that was far from what was to be expected."""

    expected: float
    limit: float
    score: float
    history: int


@dataclass(frozen=True)
class Judgement:
    """What was said of a day: rows for each of its tables."""

    anomalies: list[dict[str, Any]]
    checks: list[dict[str, Any]]


def judge_days(connection: duckdb.DuckDBPyConnection, lake: Lake, complete: Complete) -> None:
    """Judge the days that are not judged yet, or that were restated."""
    first = complete.through - timedelta(days=JUDGED_DAYS - 1)
    window = first - timedelta(days=MOST_DAYS)
    costs = read_costs(connection, "int_watched_costs_daily", window, complete.through)
    if costs is None:
        return
    in_force = {}
    for place in range(max(0, costs.place(first)), costs.days):
        in_force[costs.day(place)] = file = file_of(lake, ANOMALIES, _name(costs, place))
        if not file.exists():
            write_day(lake, _name(costs, place), _said(connection, costs, place))
    _forget_superseded(lake, in_force)


def _name(costs: Costs, place: int) -> str:
    """Return what a day's files are called: the same for the same costs, judged the same way."""
    seen = costs.digest(max(0, place - MOST_DAYS), place)
    said = hashlib.sha256(f"{_METHOD}\n{seen}".encode()).hexdigest()[:16]
    return f"{costs.day(place)}-{said}"


def _forget_superseded(lake: Lake, in_force: dict[date, Path]) -> None:
    """Remove what was said of these days before they were restated: tables have what is said."""
    for day, current in in_force.items():
        for file in folder(lake).glob(f"{ANOMALIES}-{day}-*.parquet"):
            if file != current:
                file.unlink()


def _said(
    connection: duckdb.DuckDBPyConnection, costs: Costs, place: int
) -> dict[str, list[dict[str, Any]]]:
    """Return all that there is to say of a day, by table."""
    said = judgement(costs, place)
    evidence = _evidence(connection, costs.day(place), said.anomalies)
    return {
        "anomaly_evidence": evidence,
        "anomalies": said.anomalies,
        "anomaly_checks": said.checks,
    }


def judgement(costs: Costs, place: int) -> Judgement:
    """Return what there is to say of a day."""
    is_known = costs.starts <= place
    is_short = is_known & (place - costs.starts < LEAST_DAYS)
    found: dict[int, Anomaly] = {}
    recurring: set[int] = set()
    for row in np.flatnonzero(_candidates(costs, place) & is_known & ~is_short):
        anomaly, recurs = _judged(costs, int(row), place)
        if recurs:
            recurring.add(int(row))
        elif anomaly:
            found[int(row)] = anomaly
    anomalies = [_row(costs, place, row, anomaly) for row, anomaly in found.items()]
    checks = _checks(costs, place, is_known, is_short, found, recurring)
    return Judgement(anomalies, list(checks))


def _candidates(costs: Costs, place: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which values are far above the same weekday before: few need the library."""
    window = costs.amounts[:, max(0, place - MOST_DAYS) : place]
    if window.shape[1] < LEAST_DAYS:
        return np.zeros(len(costs.keys), dtype=bool)
    # After a change of level, the last weeks tell more than all of them.
    looks = [_usual(window, _NEAR), _usual(window[:, -LEAST_DAYS:], _NEAR_OF_FEW)]
    expected, near = (
        np.minimum(*(look[0] for look in looks)),
        np.minimum(*(look[1] for look in looks)),
    )
    near = np.maximum(near, np.maximum(UNIT, PART * np.abs(expected)) / 2)
    return np.asarray(costs.amounts[:, place] - expected >= near)


def _usual(window: Series, near: float) -> tuple[Series, Series]:
    """Return what the next day's weekday is usually, and how near to it usual days are."""
    usual = by_weekday(window)
    return usual[:, -WEEK], near * np.median(np.abs(window - usual), axis=1)


def _judged(costs: Costs, row: int, place: int) -> tuple[Anomaly | None, bool]:
    """Judge a value's day; tell whether it stands out, but is known to come back."""
    first = max(int(costs.starts[row]), place - MOST_DAYS)
    season = take_apart(costs.amounts[row, first:place])
    cost = float(costs.amounts[row, place])
    excess = cost - season.next_expected
    if excess < season.limit:
        return None, False
    monthly = costs.place(month_before(costs.day(place))) - first
    if season.comes_and_goes(cost) or _came_then(season, monthly, excess):
        return None, True
    score = excess * SCORE / season.limit
    return Anomaly(season.next_expected, season.limit, score, place - first), False


def _came_then(season: Season, place: int, excess: float) -> bool:
    """Tell whether as much stood out on the same day of the month before: a monthly fee."""
    if not 0 <= place < len(season.days):
        return False
    return float(season.days[place] - season.fitted[place]) >= excess / 2


def _row(costs: Costs, place: int, row: int, anomaly: Anomaly) -> dict[str, Any]:
    day = costs.day(place)
    return {
        "charge_date": day,
        **dict(zip(KEY, costs.keys[row], strict=True)),
        "observed_cost": costs.exact(costs.keys[row], day, day),
        "expected_estimate": estimate(anomaly.expected),
        "lower_estimate": estimate(anomaly.expected - anomaly.limit),
        "upper_estimate": estimate(anomaly.expected + anomaly.limit),
        "score": estimate(anomaly.score),
        "history_days": anomaly.history,
    }


def estimate(value: float) -> Decimal:
    """Return an estimate with six decimals."""
    return Decimal(f"{value:.6f}")


def _checks(
    costs: Costs,
    place: int,
    is_known: np.ndarray[Any, np.dtype[np.bool_]],
    is_short: np.ndarray[Any, np.dtype[np.bool_]],
    found: Iterable[int],
    recurring: Iterable[int],
) -> Iterator[dict[str, Any]]:
    """Say of each entity how many of its values were judged."""

    def counted(rows: Iterable[int]) -> Counter[tuple[str, str]]:
        return Counter(costs.keys[row][:2] for row in rows)

    known, short = counted(np.flatnonzero(is_known)), counted(np.flatnonzero(is_short))
    told, again = counted(found), counted(recurring)
    for group in sorted(known):
        judged = known[group] - short[group]
        yield {
            "charge_date": costs.day(place),
            "billing_currency": group[0],
            "entity": group[1],
            "judged_values": judged,
            "anomalies": told[group],
            "recurring_values": again[group],
            "short_values": short[group],
            "reason": None if judged else f"fewer than {LEAST_DAYS} days of costs before it",
        }


def _evidence(
    connection: duckdb.DuckDBPyConnection, day: date, anomalies: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the parts of each anomaly that differ most from the median of the same weekdays."""
    if not anomalies:
        return []
    weeks = [day - timedelta(days=WEEK * week) for week in range(_WEEKS_COMPARED + 1)]
    keys = pl.DataFrame(
        [[row[name] for name in KEY] for row in anomalies],
        dict.fromkeys(KEY, pl.String),
        orient="row",
    )
    connection.register("anomaly_keys", keys.to_arrow())
    # Views of facts open only these days' files.
    connection.execute(
        "set variable facts_of = (select list(files) from intermediate.int_day_inputs "
        "where list_contains(?, charge_date))",
        [weeks],
    )
    try:
        asked = {"day": day, "weeks": weeks, "most": _PARTS}
        return connection.execute(_EVIDENCE, asked).pl().to_dicts()
    finally:
        connection.execute("reset variable facts_of")
        connection.unregister("anomaly_keys")


_EVIDENCE = f"""
    with known as (
        select count(distinct charge_date) as weeks
        from intermediate.int_watched_costs_daily
        where list_contains($weeks::date[], charge_date) and charge_date <> $day
    ),

    parts as (
        select {", ".join(f"parts.{name}" for name in KEY)}, part_entity, part_value,
            charge_date, sum(cost)::decimal(38, 12) as cost
        from intermediate.int_watched_parts_daily as parts
        inner join anomaly_keys using ({", ".join(KEY)})
        where list_contains($weeks::date[], charge_date)
        group by all
    ),

    gathered as (
        select {", ".join(KEY)}, part_entity, part_value,
            coalesce(sum(cost) filter (where charge_date = $day), 0)::decimal(38, 12)
                as observed_cost,
            list(cost::double) filter (where charge_date <> $day) as before
        from parts
        group by all
    )

    select $day::date as charge_date, {", ".join(KEY)}, part_entity, part_value, observed_cost,
        -- A week without the part is a week in which it cost nothing.
        round(coalesce(list_median(list_resize(coalesce(before, []), weeks, 0.0)), 0), 6)
            ::decimal(38, 6) as usual_estimate
    from gathered
    cross join known
    qualify row_number() over (
        partition by {", ".join(KEY)}, part_entity
        order by abs(observed_cost - usual_estimate) desc, part_value
    ) <= $most
    order by {", ".join(KEY)}, part_entity, abs(observed_cost - usual_estimate) desc, part_value
"""
