"""Cents of any length, pages cut anywhere, and token types that never overlap."""

from decimal import Decimal, localcontext
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anthropic_pages import COUNTS, cost_row, page, usage_row
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._base import Source
from connectors._sql import session
from connectors.anthropic_costs import CONNECTOR
from connectors.anthropic_costs._pages import read

# Up to 22 decimals of a cent: what 24 decimals of a dollar hold.
cents = st.builds(
    lambda sign, whole, decimals: f"{sign}{whole}" + (f".{decimals}" if decimals else ""),
    st.sampled_from(["", "-"]),
    st.integers(0, 10**12),
    st.text("0123456789", max_size=22),
)
counts = st.integers(0, 10**12)


def query(table: str, **inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Read and normalize pages without a lake: cheap enough for many examples."""
    source = Source("anthropic", "", CONNECTOR.options())
    with TemporaryDirectory() as folder, session() as connection:
        pages = inputs.pop("pages", None) or [inputs]
        for number, rows in enumerate(pages, start=1):
            for name in ("cost", "usage"):
                file = Path(folder) / f"{name}-{number:04d}.json"
                file.write_text(page(*rows.get(name, []), has_more=number < len(pages)))
        files = [file.name for file in Path(folder).iterdir()]
        for name, select in read(connection, Path(folder), files).items():
            connection.execute(f"create temp view {name} as {select}")
        sql = CONNECTOR.amounts if table == "amounts" else CONNECTOR.normalize(source)[table]
        return connection.execute(sql).to_arrow_table().to_pylist()


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(cents, cents), min_size=20, max_size=60))
def test_cents_of_any_length_are_exact(amounts: list[tuple[str, str]]) -> None:
    rows = [cost_row(amount, listed) for amount, listed in amounts]
    with localcontext(prec=60):
        expected = [
            tuple((Decimal(text) / 100).quantize(Decimal("1e-12")) for text in row)
            for row in amounts
        ]
        charges = query("charges", cost=rows)
        assert [(row["billed_cost"], row["list_cost"]) for row in charges] == expected
        delivered = [Decimal(row["amount"]) for row in query("amounts", cost=rows)]
        assert delivered == [Decimal(amount) / 100 for amount, _ in amounts]


COSTS = [
    cost_row(f"{day}.{day}7", day=day, token_type=token_type)
    for day in range(1, 6)
    for token_type in ("output_tokens", "uncached_input_tokens")
]
USAGE = [usage_row(day=day, output_tokens=day, uncached_input_tokens=9) for day in range(1, 6)]


def without_place(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name not in ("x_file", "x_row")} for row in rows]


@cache
def in_one_page(table: str) -> list[dict[str, Any]]:
    return without_place(query(table, cost=COSTS, usage=USAGE))


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.integers(0, len(COSTS)), max_size=4),
    st.lists(st.integers(0, len(USAGE)), max_size=4),
)
def test_pages_cut_anywhere_give_the_same_charges(cuts: list[int], used: list[int]) -> None:
    def parts(rows: list[dict[str, Any]], at: list[int]) -> list[list[dict[str, Any]]]:
        bounds = [0, *sorted(at), len(rows)]
        return [rows[first:last] for first, last in pairwise(bounds)]

    cost_pages, usage_pages = parts(COSTS, cuts), parts(USAGE, used)
    number = max(len(cost_pages), len(usage_pages))
    pages = [
        {
            "cost": cost_pages[index] if index < len(cost_pages) else [],
            "usage": usage_pages[index] if index < len(usage_pages) else [],
        }
        for index in range(number)
    ]
    for table in ("charges", "token_usage"):
        assert without_place(query(table, pages=pages)) == in_one_page(table)


@settings(deadline=None, max_examples=12)
@given(st.fixed_dictionaries(dict.fromkeys((*COUNTS, "short", "long"), counts)))
def test_token_types_are_disjoint_and_add_up_to_the_vendors_total(counted: dict[str, int]) -> None:
    used = usage_row(**counted, requests=3)
    found = query("token_usage", cost=[cost_row("1")], usage=[used])
    expected = {
        "uncached_input": counted["uncached_input_tokens"],
        "cache_read": counted["cache_read_input_tokens"],
        "cache_write_5m": counted["short"],
        "cache_write_1h": counted["long"],
        "output": counted["output_tokens"],
    }
    kept = {name: count for name, count in expected.items() if count or name == "uncached_input"}
    assert {row["token_type"]: row["quantity"] for row in found} == kept
    assert sum(row["quantity"] for row in found) == used["usage"]["total_tokens"]
    assert sum(row["requests"] or 0 for row in found) == 3
