"""Money that AWS wrote as doubles: it means the shortest text of each, and is read without it."""

import random
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext

import duckdb
import polars as pl
import pytest

from connectors._sql import connect


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as opened:
        yield opened


def _doubles() -> list[float]:
    draw = random.Random(7)
    numbers = [0.0, -0.0, 999.9999999999999, 1000.0, 999999999.999999, 1e9, 0.1 + 0.2]
    numbers += [5e-13, 1.5e-12, 2.5e-12, 4.35, 1.005, 123456789012.5, 1e-20]
    for _ in range(4000):
        numbers += [
            draw.uniform(-1, 1) * 10.0 ** draw.randrange(-12, 12),
            round(draw.uniform(-1000, 1000), draw.randrange(13)),
            round(draw.uniform(-1e9, 1e9), draw.randrange(7)),
            draw.randrange(10**15) / 1e12,
            sum(round(draw.uniform(0, 1), 3) for _ in range(5)),
        ]
    return numbers


def test_a_double_is_the_money_of_its_shortest_text(connection: duckdb.DuckDBPyConnection) -> None:
    doubles = pl.DataFrame({"amount": _doubles()})
    read = connection.execute("select amount, money(amount), exact(amount) from doubles").fetchall()
    assert len(read) == len(doubles)
    with localcontext(prec=60):
        for amount, money, exact in read:
            meant = Decimal(repr(amount))
            assert money == meant.quantize(Decimal("1e-12"), ROUND_HALF_EVEN), amount
            assert exact == meant.quantize(Decimal("1e-24"), ROUND_HALF_UP), amount


@pytest.mark.parametrize("amount", ["nan", "inf", "-inf", "1e30"])
def test_a_double_that_is_no_money_is_refused(
    connection: duckdb.DuckDBPyConnection, amount: str
) -> None:
    with pytest.raises(duckdb.ConversionException):
        connection.execute("select money(cast(? as double))", [amount]).fetchall()


def test_an_unknown_double_stays_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute("select money(null::double), exact(null::double)").fetchall() == [
        (None, None)
    ]
