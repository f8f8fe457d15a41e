"""Real traffic replayed on a pool of two replicas: what they paid for is shared completely.

28,185 requests of two services of Azure (2023) and an hour of Mooncake's conversations. The traces
say when a request came and how many tokens it had; how long a replica takes is made up here.
"""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from capacity_model import DAY, Capacity, capacity

TRACES = Path(__file__).parents[2] / "shared" / "samples" / "telemetry"
pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="the traces are not here")

AZURE = "azure-llm-2023/AzureLLMInferenceTrace_*.parquet"
MOONCAKE = "mooncake/conversation_trace.parquet"
REQUESTS = {
    AZURE: "select epoch_ms(TIMESTAMP) as came, ContextTokens as input, 0 as cached,"
    " GeneratedTokens as output",
    # A block of 512 tokens that came before is in the cache; here, the first of each request.
    MOONCAKE: "select timestamp as came, input_length - least(512, input_length) as input,"
    " least(512, input_length) as cached, output_length as output",
}
COST = Decimal("4.123456789012")
HOURS = 2
SECOND = 10**9


def replay(trace: str) -> Capacity:
    """Each request runs on one of two replicas: 0.1 ms an input token, 20 ms an output token."""
    model = capacity()
    for replica in ("even", "odd"):
        model.add("int_charge_groups", [_charge(replica, hour) for hour in range(HOURS)])
        ready = {"resource_id": replica, "pod_uid": f"{replica}-pod", "state": "ready"}
        times = {"started_at": f"{DAY} 10:00", "ended_at": f"{DAY} 12:00"}
        model.add("stg_lake__resource_states", [ready | times])
    model.connection.execute(f"""
        insert into stg_lake__attempts by name
        with requests as ({REQUESTS[trace]} from read_parquet('{TRACES / trace}')),
        numbered as (
            select *, row_number() over (order by came, input, output) as number from requests
        )
        select
            'request-' || number as attempt_id,
            attempt_id as inference_id,
            'ok' as status,
            if(number % 2 = 0, 'even', 'odd') || '-pod' as pod_uid,
            timestamp '{DAY} 10:00' + to_milliseconds(came - min(came) over ()) as started_at,
            started_at + to_milliseconds(20 + input // 10 + 20 * output) as ended_at,
            input as uncached_input_tokens,
            cached as cache_read_tokens,
            output as output_tokens
        from numbered
    """)
    return model


def _charge(replica: str, hour: int) -> dict[str, Any]:
    return {
        "charge_group_id": f"{replica}-{hour}",
        "treatment": "capacity",
        "resource_id": replica,
        "charge_date": DAY,
        "charge_period_start": f"{DAY} {10 + hour}:00",
        "charge_period_end": f"{DAY} {11 + hour}:00",
        "effective_cost": str(COST),
        "billed_milliseconds": 3_600_000,
        "gpu_count": 1,
    }


def intervals(model: Capacity, pod: str) -> list[tuple[str, int, int, int]]:
    """Each attempt of a pod: its milliseconds, and φ by its own tokens."""
    rows = model.connection.execute(
        "select attempt_id, epoch_ms(started_at), epoch_ms(ended_at),"
        " uncached_input_tokens + 2 * output_tokens from stg_lake__attempts"
        " where pod_uid = ? order by started_at, attempt_id",
        [pod],
    ).fetchall()
    return [
        (key, start, end, max(1, (max(1, tokens) * SECOND + (end - start) // 2) // (end - start)))
        for key, start, end, tokens in rows
    ]


def busy_milliseconds(model: Capacity, pod: str) -> int:
    """How long at least one request ran."""
    total, until = 0, 0
    for _, start, end, _ in intervals(model, pod):
        total += max(0, end - max(start, until))
        until = max(until, end)
    return total


def integrated(pieces: list[tuple[str, int, int, int]]) -> dict[str, Fraction]:
    """Nanoseconds of each, by rational brute force."""
    found = dict.fromkeys((key for key, *_ in pieces), Fraction(0))
    for start, end in pairwise(sorted({time for _, s, e, _ in pieces for time in (s, e)})):
        running = [(key, phi) for key, s, e, phi in pieces if s <= start and end <= e]
        total = sum(phi for _, phi in running)
        for key, phi in running:
            found[key] += Fraction((end - start) * 10**6 * phi, total)
    return found


@pytest.mark.parametrize(("trace", "requests"), [(AZURE, 28_185), (MOONCAKE, 12_031)])
def test_busy_time_and_the_bill_are_shared_exactly_and_a_slice_is_that_of_brute_force(
    trace: str, requests: int
) -> None:
    model = replay(trace)

    rows = model.shares()

    assert len({row["attempt_id"] for row in rows} - {None}) == requests
    assert sum(row["effective_cost"] for row in rows) == 2 * HOURS * COST
    assert sum(row["equal_weight_cost"] for row in rows) == 2 * HOURS * COST
    for replica in ("even", "odd"):
        mine = [row for row in rows if row["resource_id"] == replica]
        assert sum(row["nanoseconds"] for row in mine) == HOURS * 3600 * SECOND
        for nanoseconds in ("nanoseconds", "equal_nanoseconds"):
            busy = sum(row[nanoseconds] for row in mine if row["state"] == "busy")
            assert busy == busy_milliseconds(model, f"{replica}-pod") * 10**6
    _compare_a_slice(model, rows)


def _compare_a_slice(model: Capacity, rows: list[dict[str, Any]]) -> None:
    shares = {row["attempt_id"]: row["nanoseconds"] for row in rows}
    first = intervals(model, "even-pod")[:700]
    until = first[-1][1]  # what starts later runs beside none of those that ended before
    fair = integrated(first)
    whole = [key for key, _, end, _ in first if end <= until]
    assert len(whole) > 300
    assert max(abs(shares[key] - fair[key]) for key in whole) <= 1


def test_of_a_tenth_of_the_spans_lost_the_others_pay_no_more_on_the_whole() -> None:
    complete, lossy = replay(AZURE), replay(AZURE)
    _watch(lossy)
    lossy.connection.execute("delete from stg_lake__attempts where hash(attempt_id) % 10 = 0")

    true = {row["attempt_id"]: row["nanoseconds"] for row in complete.shares() if row["attempt_id"]}
    rows = lossy.shares()

    found = {row["attempt_id"]: row["nanoseconds"] for row in rows if row["attempt_id"]}
    ghosts = sum(row["nanoseconds"] for row in rows if row["is_ghost"])
    busy, lost = sum(true.values()), sum(true[key] for key in true.keys() - found.keys())
    assert 0.09 < lost / busy < 0.11
    assert abs(ghosts - lost) / busy < 0.005
    assert abs(sum(found.values()) / sum(true[key] for key in found) - 1) < 0.002


def _watch(model: Capacity) -> None:
    """What the engines say: tokens each 30 seconds, and each 15 how many requests run."""
    for counter, tokens in (
        ("input_tokens", "uncached_input_tokens + cache_read_tokens"),
        ("cache_read_tokens", "cache_read_tokens"),
        ("output_tokens", "output_tokens"),
    ):
        model.connection.execute(f"""
            insert into stg_lake__counter_deltas by name
            select
                time_bucket(interval 30 second, ended_at) as counted_from,
                counted_from + interval 30 second as counted_to,
                'engine' as counted_by,
                '{counter}' as counter,
                sum({tokens}) as quantity,
                pod_uid
            from stg_lake__attempts
            group by all
        """)
    model.connection.execute(f"""
        insert into stg_lake__gauge_samples by name
        with times as (
            select unnest(range(
                timestamp '{DAY} 10:00', timestamp '{DAY} 12:00', interval 15 second
            )) as sampled_at
        )
        select
            times.sampled_at,
            times.sampled_at + interval 15 second as believed_until,
            'requests_running' as gauge,
            count(*) as value,
            attempts.pod_uid
        from times
        inner join stg_lake__attempts as attempts
            on attempts.started_at <= times.sampled_at and attempts.ended_at > times.sampled_at
        group by times.sampled_at, attempts.pod_uid
    """)
