"""Daily costs of made-up values, in the relations that anomalies and forecasts are made from."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import polars as pl

# A Monday.
FIRST = date(2026, 8, 3)
DAYS = 70
LAST = FIRST + timedelta(days=DAYS - 1)
# Of weekdays from Monday: less work on weekends.
WEEK = [Decimal(value) for value in ("20", "22", "24", "23", "21", "6", "5")]

Daily = Mapping[tuple[str, str], Iterable[Decimal]]
_COSTS = {
    "charge_date": pl.Date,
    "billing_currency": pl.String,
    "entity": pl.String,
    "value": pl.String,
    "cost": pl.Decimal(38, 12),
}
_PARTS = {
    **{name: kind for name, kind in _COSTS.items() if name != "cost"},
    "part_entity": pl.String,
    "part_value": pl.String,
    "cost": pl.Decimal(38, 12),
}


def day(place: int) -> date:
    return FIRST + timedelta(days=place)


def weekly(days: int = DAYS, change: Callable[[int], Decimal | None] = lambda _: None):
    """Return a week again and again, with a little that differs from day to day, and changes."""
    usual = [WEEK[place % 7] + Decimal((place * 7919) % 101 - 50) / 100 for place in range(days)]
    changes = [change(place) for place in range(days)]
    return [cost if new is None else new for cost, new in zip(usual, changes, strict=True)]


def warehouse(
    costs: Daily,
    parts: Mapping[tuple[str, str, str, str], Iterable[Decimal]] | None = None,
    through: date = LAST,
    left_out: tuple[str, ...] = (),
) -> duckdb.DuckDBPyConnection:
    """Return a warehouse with these costs, a day each from FIRST on."""
    connection = duckdb.connect()
    connection.execute("create schema intermediate; create schema lake")
    rows = [
        (day(place), "USD", *key, cost)
        for key, values in costs.items()
        for place, cost in enumerate(values)
    ]
    frame = pl.DataFrame(rows, _COSTS, orient="row").to_arrow()
    connection.register("costs", frame)
    for name in ("int_watched_costs_daily", "int_forecast_costs_daily"):
        connection.execute(f"create table intermediate.{name} as from costs")
    rows = [
        (day(place), "USD", *key, cost)
        for key, values in (parts or {}).items()
        for place, cost in enumerate(values)
    ]
    connection.register("parts", pl.DataFrame(rows, _PARTS, orient="row").to_arrow())
    connection.execute("create table intermediate.int_watched_parts_daily as from parts")
    connection.execute(
        "create table intermediate.int_day_inputs (charge_date date, files map(varchar, varchar))"
    )
    connection.execute(
        "create table intermediate.int_complete_days as "
        "select ?::date as complete_through, ?::varchar[] as left_out_sources",
        [through, list(left_out)],
    )
    return connection
