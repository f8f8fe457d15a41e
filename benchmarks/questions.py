"""How long each query of docs/questions.md takes on a warehouse: the median of some runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import duckdb

from benchmarks import ROOT
from pipelines.settings import load_settings
from pipelines.warehouse import read_published

RUNS = 5


def ask_questions(folder: Path) -> dict[str, Any]:
    """Ask every question as `unitledger query` does; return the seconds that each took."""
    with read_published(load_settings(folder / "unitledger.yml")) as warehouse:
        warehouse.execute("set threads = 2")
        asked = {heading: _ask(warehouse, sql) for heading, sql in questions()}
    # Slowest first.
    asked = dict(sorted(asked.items(), key=lambda item: -item[1]["seconds"]))
    return {"seconds": next(iter(asked.values()))["seconds"], "questions": asked}


def questions() -> Iterator[tuple[str, str]]:
    """Return each heading of the page that has a query, with it."""
    page = (ROOT / "docs" / "questions.md").read_text()
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        found = re.search(r"```sql\n(.*?)```", part, re.DOTALL)
        if found:
            yield part.split("\n", 1)[0], found[1]


def _ask(warehouse: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Measure a query that was asked once before; processor time is that of all threads."""
    rows = len(warehouse.execute(sql).fetchall())
    walls, processors = [], []
    for _ in range(RUNS):
        began, began_cpu = perf_counter(), process_time()
        warehouse.execute(sql).fetchall()
        processors.append(process_time() - began_cpu)
        walls.append(perf_counter() - began)
    return {"rows": rows, "seconds": median(walls), "cpu_seconds": median(processors)}
