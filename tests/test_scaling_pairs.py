"""Scale-downs and the scale-ups that follow: the last to go is the first to come again."""

from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[1] / "dbt" / "macros" / "scaling_pairs.sql"
# Of two pools: True is a scale-down.
events = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=40)
Events = list[tuple[str, bool]]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def pairs_of_the_macro(connection: duckdb.DuckDBPyConnection, told: Events) -> set[tuple[int, int]]:
    module = jinja2.Environment().from_string(MACROS.read_text()).module
    query = module.lifo_pairs("events", "pool")  # type: ignore[attr-defined]
    connection.execute(
        "create or replace table events as select unnest(range(len($pools))) as event_key,"
        " unnest(range(len($pools))) as place, unnest($pools)::varchar as pool,"
        " unnest($downs)::boolean as is_down",
        {"pools": [pool for pool, _ in told], "downs": [is_down for _, is_down in told]},
    )
    return set(connection.execute(f"select down_key, up_key from ({query})").fetchall())


def pairs_of_a_stack(told: Events) -> set[tuple[int, int]]:
    stacks: dict[str, list[int]] = {}
    pairs = set()
    for key, (pool, is_down) in enumerate(told):
        stack = stacks.setdefault(pool, [])
        if is_down:
            stack.append(key)
        elif stack:
            pairs.add((stack.pop(), key))
    return pairs


@settings(max_examples=80, deadline=None)
@given(told=events)
@example(told=[("a", False), ("a", True), ("a", True), ("a", False), ("a", False), ("a", False)])
def test_pairs_are_those_of_a_stack_whatever_the_order_of_events(
    connection: duckdb.DuckDBPyConnection, told: Events
) -> None:
    found = pairs_of_the_macro(connection, told)

    assert found == pairs_of_a_stack(told)


@settings(max_examples=30, deadline=None)
@given(told=events)
def test_no_event_stands_in_two_pairs_and_each_pair_is_of_one_pool(
    connection: duckdb.DuckDBPyConnection, told: Events
) -> None:
    found = pairs_of_the_macro(connection, told)

    keys = [key for pair in found for key in pair]
    assert len(keys) == len(set(keys))
    assert all(told[down][0] == told[up][0] and down < up for down, up in found)
