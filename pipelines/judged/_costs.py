"""Daily costs as a matrix: a row a value, a column a day. Money stays beside it, as it is."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import duckdb
import numpy as np
import polars as pl

from pipelines.judged._seasons import Series

KEY = ("billing_currency", "entity", "value")


@dataclass(frozen=True)
class Complete:
    """How far the costs are known."""

    through: date
    left_out: list[str]


@dataclass(frozen=True)
class Costs:
    """Costs of each value on each day; 0 where nothing was spent."""

    first_day: date
    keys: list[tuple[str, str, str]]
    amounts: Series
    frame: pl.DataFrame
    hashes: dict[date, str]

    @property
    def days(self) -> int:
        return int(self.amounts.shape[1])

    @property
    def last_day(self) -> date:
        return self.day(self.days - 1)

    def day(self, place: int) -> date:
        return self.first_day + timedelta(days=place)

    def place(self, day: date) -> int:
        """Return a day's column; it may be out of the matrix."""
        return (day - self.first_day).days

    @cached_property
    def starts(self) -> Series:
        """The first day of each value that cost something: before it there was no such value."""
        is_spent = self.amounts != 0
        return np.where(is_spent.any(axis=1), is_spent.argmax(axis=1), self.days)

    def exact(self, key: tuple[str, str, str], first: date, last: date) -> Decimal:
        """Return what a value cost on these days, in all digits."""
        places = self._exact.get(key, {})
        return sum((cost for day, cost in places.items() if first <= day <= last), start=Decimal(0))

    @cached_property
    def _exact(self) -> dict[tuple[str, str, str], dict[date, Decimal]]:
        found: dict[tuple[str, str, str], dict[date, Decimal]] = {}
        for day, *key, cost in self.frame.iter_rows():
            found.setdefault((key[0], key[1], key[2]), {})[day] = cost
        return found

    def digest(self, first: int, last: int) -> str:
        """Return a hash of all that happened on these days, to the last decimal."""
        hashes = [self.hashes.get(self.day(place), "") for place in range(first, last + 1)]
        return hashlib.sha256("\n".join([str(self.day(last)), *hashes]).encode()).hexdigest()


def read_complete(connection: duckdb.DuckDBPyConnection) -> Complete | None:
    """Return how far the costs are known; None where nothing delivers daily yet."""
    row = connection.execute(
        "select complete_through, left_out_sources from intermediate.int_complete_days"
    ).fetchone()
    return Complete(row[0], row[1]) if row and row[0] else None


def read_costs(
    connection: duckdb.DuckDBPyConnection, relation: str, first: date, last: date
) -> Costs | None:
    """Return a relation's costs of these days; None where there are none."""
    rows = (
        f"select charge_date, {', '.join(KEY)}, cost from intermediate.{relation} "
        "where charge_date between ? and ? and cost <> 0"
    )
    frame = connection.execute(f"{rows} order by all", [first, last]).pl()
    if frame.is_empty():
        return None
    start: date = frame["charge_date"].min()  # type: ignore[assignment]
    keys = frame.select(KEY).unique().sort(KEY)
    places = frame.join(keys.with_row_index("row"), on=KEY, how="left")
    amounts = np.zeros((len(keys), (last - start).days + 1))
    columns = (places["charge_date"] - start).dt.total_days().to_numpy()
    amounts[places["row"].to_numpy(), columns] = frame["cost"].cast(pl.Float64).to_numpy()
    named = [(row[0], row[1], row[2]) for row in keys.iter_rows()]
    return Costs(start, named, amounts, frame, _hashes(connection, rows, first, last))


def _hashes(
    connection: duckdb.DuckDBPyConnection, rows: str, first: date, last: date
) -> dict[date, str]:
    """Return a hash of each day's costs."""
    row = f"concat_ws(' ', {', '.join(f'length({name}), {name}' for name in KEY)}, cost)"
    query = (
        f"select charge_date, md5(string_agg({row}, '\n' order by {row})) from ({rows}) group by 1"
    )
    return dict(connection.execute(query, [first, last]).fetchall())
