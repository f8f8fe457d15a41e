"""However OpenAI cuts its answer into pages, the bill is the same."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._base import Source
from connectors._sql import session
from connectors.openai_costs import CONNECTOR
from connectors.openai_costs._pages import read

OCTOBER_1, DAY, DAYS = 1790812800, 86_400, 9


def buckets(*results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"start_time": OCTOBER_1 + day * DAY, "end_time": OCTOBER_1 + (day + 1) * DAY,
         "results": found}
        for day, found in enumerate(results)
    ]  # fmt: skip


def cost(day: int) -> list[dict[str, Any]]:
    return [
        {
            "amount": {"value": f"0.{day}{number}1", "currency": "usd"},
            "line_item": f"gpt-5, {meter}", "quantity": 1000 * number + day,
            "quantity_unit": "tokens",
        }
        for number, meter in enumerate(("input", "cached input", "output")[: day % 4])
    ]  # fmt: skip


COSTS = buckets(*(cost(day) for day in range(DAYS)))
USAGE = buckets(*([{"input_tokens": day, "model": "gpt-5"}] for day in range(DAYS)))


def charges(cost_cuts: tuple[int, ...], usage_cuts: tuple[int, ...]) -> dict[str, Any]:
    """The charges and token usage of an answer cut there, without the places of their rows."""
    with TemporaryDirectory() as folder, session() as connection:
        for name, found, cuts in (("costs", COSTS, cost_cuts), ("completions", USAGE, usage_cuts)):
            bounds = sorted({0, *cuts, DAYS})
            for number, (first, last) in enumerate(pairwise(bounds), start=1):
                page = {"data": found[first:last], "has_more": last < DAYS}
                (Path(folder) / f"{name}-{number:04d}.json").write_text(json.dumps(page))
        files = [file.name for file in Path(folder).iterdir()]
        for name, query in read(connection, Path(folder), files).items():
            connection.execute(f"create temp view {name} as {query}")
        queries = CONNECTOR.normalize(Source("openai", "", CONNECTOR.options()))
        return {
            table: connection.execute(query).pl().drop("x_file", "x_row").rows()
            for table, query in queries.items()
        }


in_one_page = cache(charges)
cuts = st.lists(st.integers(1, DAYS - 1), max_size=5).map(tuple)


@settings(deadline=None, max_examples=10)
@given(cuts, cuts)
def test_pages_cut_anywhere_give_the_same_bill(
    cost_cuts: tuple[int, ...], usage_cuts: tuple[int, ...]
) -> None:
    assert charges(cost_cuts, usage_cuts) == in_one_page((), ())


def test_the_whole_answer_is_there() -> None:
    whole = in_one_page((), ())
    assert len(whole["charges"]) == sum(day % 4 for day in range(DAYS))
    assert len(whole["token_usage"]) == DAYS
