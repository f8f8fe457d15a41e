"""When a machine was idle: the sweep of the model against looking at every second."""

from pathlib import Path
from typing import NamedTuple

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[1] / "dbt" / "macros"
DAY = "timestamp '2026-10-01'"
# Four minutes of one hour, in steps of ten seconds; gaps that count last a minute.
STEP, STEPS = 10, 24


class Span(NamedTuple):
    start: int
    length: int

    @property
    def seconds(self) -> range:
        return range(self.start * STEP, min(self.start + self.length, STEPS) * STEP)


spans = st.lists(
    st.builds(Span, st.integers(0, STEPS - 1), st.integers(1, STEPS)), min_size=0, max_size=6
)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute(
        "create table idle as select 1 as idle_key, 1 as gpu_count, 'node' as resource_id,"
        " unnest(['warm_idle', 'unrequested']) as state,"
        f" epoch_ms({DAY}) as s, epoch_ms({DAY}) + 3600000 as e;"
        "create table stg_lake__resource_states (resource_id text, gpu_index bigint,"
        " gpu_count bigint, pod_uid text, state text, started_at timestamp, ended_at timestamp);"
        "create table stg_lake__attempts (pod_uid text, status text, queued_ms bigint,"
        " started_at timestamp, ended_at timestamp);"
        "create table stg_lake__gauge_samples (pod_uid text, resource_id text, gauge text,"
        " value decimal(38, 12), sampled_at timestamp, believed_until timestamp)"
    )
    return database


def gaps(
    connection: duckdb.DuckDBPyConnection, ready: list[Span], requests: list[Span]
) -> list[tuple[str, int, int]]:
    """Run the macro; the gaps in seconds of the day."""
    environment = jinja2.Environment()
    environment.globals.update(ref=lambda name: name, charge_date=lambda: "date '2026-10-01'")
    module = environment.from_string((MACROS / "scaling_idle.sql").read_text()).module
    connection.execute("delete from stg_lake__resource_states; delete from stg_lake__attempts")
    _insert(connection, "stg_lake__resource_states", "'node', null, 1, null, 'node_ready'",
            [Span(0, STEPS)])  # fmt: skip
    for pod, span in enumerate(ready):
        state = f"'node', null, 1, 'pod{pod}', 'ready'"
        _insert(connection, "stg_lake__resource_states", state, [span])
    _insert(connection, "stg_lake__attempts", "'pod0', 'ok', 0", requests if ready else [])
    query = module.idle_pieces()  # type: ignore[attr-defined]
    rows = connection.execute(
        f"with {query} select idle.state, pieces.s, pieces.e from pieces inner join idle"
        " on pieces.idle_key = idle.idle_key and pieces.nanoseconds = (pieces.e - pieces.s) * 1e6"
        " group by all order by 2"
    ).fetchall()
    (midnight,) = connection.execute(f"select epoch_ms({DAY})").fetchone() or (0,)
    return [(state, (s - midnight) // 1000, (e - midnight) // 1000) for state, s, e in rows]


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, values: str, told: list[Span]
) -> None:
    for span in told:
        seconds = span.seconds
        connection.execute(
            f"insert into {table} select {values}, {DAY} + to_seconds({seconds.start}),"
            f" {DAY} + to_seconds({seconds.stop})"
        )


def state_at(second: int, ready: list[Span], requests: list[Span]) -> str:
    if ready and any(second in span.seconds for span in requests):
        return "busy"
    return "warm_idle" if any(second in span.seconds for span in ready) else "unrequested"


@settings(max_examples=40, deadline=None)
@given(ready=spans, requests=spans)
def test_gaps_are_where_no_second_has_a_request(
    connection: duckdb.DuckDBPyConnection, ready: list[Span], requests: list[Span]
) -> None:
    states = [state_at(second, ready, requests) for second in range(STEPS * STEP)]
    expected, start = [], 0
    for second in range(1, len(states) + 1):
        if second == len(states) or states[second] != states[start]:
            is_kept = second - start >= 60 or start == 0 or states[start - 1] != "busy"
            if states[start] != "busy" and is_kept:
                expected.append((states[start], start, second))
            start = second

    connection.execute("update idle set idle_key = if(state = 'warm_idle', 1, 2)")
    assert gaps(connection, ready, requests) == expected
