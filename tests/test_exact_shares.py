"""Shares of money add up: the macro that every splitting model uses, on any amounts and weights."""

from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[1] / "dbt" / "macros" / "money.sql"
NANO = Decimal("0.000000001")

amounts = st.decimals(
    min_value=Decimal("-9000000"), max_value=Decimal("9000000"), places=12, allow_nan=False
)
weights = st.lists(st.integers(min_value=0, max_value=10**15), min_size=1, max_size=30).filter(any)


def exact_shares(amount: Decimal, weights: list[int], unclaimed: int = 0) -> list[Decimal]:
    """Run the macro on one group; the shares in the order of the weights."""
    connection, query = database(), shares_query()
    connection.execute(
        "create or replace table members as"
        " select 1 as group_id, unnest(range(len($weights))) as member,"
        " cast($amount as decimal(38, 12)) as amount, unnest($weights)::bigint as weight,"
        " cast($total as bigint) as total_weight",
        {"weights": weights, "amount": str(amount), "total": sum(weights) + unclaimed},
    )
    rows = connection.execute(f"select share from ({query}) order by member").fetchall()
    return [row[0] for row in rows]


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@cache
def shares_query() -> str:
    module = jinja2.Environment().from_string(MACROS.read_text()).module
    return str(module.exact_shares("members", "group_id", "member"))  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(amount=amounts, weights=weights)
def test_shares_sum_to_the_amount_with_its_sign_and_a_bounded_remainder(
    amount: Decimal, weights: list[int]
) -> None:
    shares = exact_shares(amount, weights)

    assert sum(shares, Decimal(0)) == amount
    assert all(share * amount >= 0 for share in shares)
    heaviest = weights.index(max(weights))
    for member, (share, weight) in enumerate(zip(shares, weights, strict=True)):
        fair = Fraction(amount) * weight / sum(weights)
        rows = len(weights) if member == heaviest else 1
        # A floor each, and double precision of the quotient for the largest amounts.
        assert abs(Fraction(share) - fair) <= (rows + 1) * Fraction(NANO) + abs(fair) / 10**14


@settings(max_examples=40, deadline=None)
@given(amount=amounts, weights=weights, unclaimed=st.integers(min_value=1, max_value=10**15))
def test_what_no_member_earns_is_not_given_to_anyone(
    amount: Decimal, weights: list[int], unclaimed: int
) -> None:
    shares = exact_shares(amount, weights, unclaimed)

    total = sum(weights) + unclaimed
    for share, weight in zip(shares, weights, strict=True):
        assert abs(Fraction(share)) <= abs(Fraction(amount)) * weight / total * (
            1 + Fraction(1, 10**14)
        ) + Fraction(NANO)


def test_a_tie_gives_the_remainder_to_the_smaller_key() -> None:
    assert exact_shares(Decimal("0.000000000001"), [5, 5]) == [Decimal("0.000000000001"), 0]
    assert exact_shares(Decimal("-0.00000001"), [1, 1, 1]) == [
        Decimal("-0.000000004"),
        Decimal("-0.000000003"),
        Decimal("-0.000000003"),
    ]
