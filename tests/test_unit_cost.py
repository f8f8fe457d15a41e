"""A unit cost is exact to its twelfth decimal, whichever of the macro's two ways a cost takes."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[1] / "dbt" / "macros" / "unit_cost.sql"

# Most are about as large as where the ways part.
costs = st.one_of(
    st.decimals(min_value=-1001, max_value=1001, places=12, allow_nan=False),
    st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False),
)


@cache
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table given (cost decimal(38, 12), units bigint)")
    return connection


def unit_cost(cost: Decimal | None, units: int | None) -> Decimal | None:
    """Run the macro on a table's row, as the models do."""
    module = jinja2.Environment().from_string(MACROS.read_text()).module
    query = module.unit_cost("cost", "units")  # type: ignore[attr-defined]
    connection = database()
    connection.execute("truncate given")
    connection.execute(
        "insert into given values (?, ?)", [None if cost is None else str(cost), units]
    )
    row = connection.execute(f"select {query}, typeof({query}) from given").fetchone()
    assert row
    assert row[1] == "DECIMAL(38,12)"
    return None if row[0] is None else Decimal(row[0])


@settings(max_examples=300, deadline=None)
@given(cost=costs, units=st.integers(min_value=1, max_value=10**15))
@example(cost=Decimal("999.999999999999"), units=1)
@example(cost=Decimal("-999.999999999999"), units=2)
@example(cost=Decimal("1000"), units=3)
@example(cost=Decimal("0.000000000001"), units=2)
@example(cost=Decimal("-0.000000000001"), units=2)
@example(cost=Decimal("0.000000000001"), units=3)
def test_a_unit_cost_is_the_quotient_half_up(cost: Decimal, units: int) -> None:
    with localcontext(prec=80):
        expected = (cost / units).quantize(Decimal("1e-12"), ROUND_HALF_UP)

    assert unit_cost(cost, units) == expected


@pytest.mark.parametrize(
    ("cost", "units"), [(None, 3), (Decimal(1), None), (Decimal(1), 0), (Decimal(5000), 0)]
)
def test_without_a_cost_or_a_unit_there_is_no_unit_cost(
    cost: Decimal | None, units: int | None
) -> None:
    assert unit_cost(cost, units) is None


def test_a_cost_of_zero_is_no_unit_cost_of_null() -> None:
    assert unit_cost(Decimal(0), 4) == 0
