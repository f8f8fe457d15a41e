"""Idle waste and restarts of the sample company, against gaps and rates found in another way."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import duckdb
import pytest
from company import Company

HOUR_MS = 3_600_000
# Cooldown 300 s, drain 30 s, warm-up 300 s: what holds where nothing is configured.
BEFORE, AFTER = timedelta(seconds=330), timedelta(seconds=300)
NANO = Decimal("0.000000001")


class Machine(NamedTuple):
    """A rented machine of one pod and one life, and what an hour of it costs."""

    resource_id: str
    ready_at: datetime
    ready_until: datetime
    hourly_cost: Decimal


@pytest.fixture(scope="module")
def warehouse(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    with company.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def machines(warehouse: duckdb.DuckDBPyConnection) -> list[Machine]:
    """Those of RunPod: each has one pod, all its GPUs, and one price."""
    rows = warehouse.execute(
        "select resource_id, min(started_at) filter (where state = 'ready'),"
        " max(ended_at) filter (where state = 'ready') from lake.resource_states"
        " where resource_id not like 'i-%' and pool = 'chat-gpu' and pod_uid is not null"
        " group by resource_id"
    ).fetchall()
    found = []
    for resource_id, ready_at, ready_until in rows:
        (cost, milliseconds) = warehouse.execute(
            "select sum(effective_cost), sum(billed_milliseconds)"
            " from intermediate.int_charge_groups"
            " where resource_id = ? and billed_milliseconds is not null",
            [resource_id],
        ).fetchone() or (None, None)
        if cost is not None:
            found.append(
                Machine(resource_id, ready_at, ready_until, cost * HOUR_MS / Decimal(milliseconds))
            )
    return found


def gaps_of(
    warehouse: duckdb.DuckDBPyConnection, machine: Machine
) -> list[tuple[datetime, datetime]]:
    """Return when its pod was ready and ran nothing, looking at one request after the other."""
    requests = warehouse.execute(
        "select started_at, ended_at from lake.attempts where status not in ('rejected', 'cached')"
        " and pod_uid in (select pod_uid from lake.resource_states where resource_id = ?)"
        " order by started_at",
        [machine.resource_id],
    ).fetchall()
    gaps, free = [], machine.ready_at
    for start, end in requests:
        if start > free:
            gaps.append((free, start))
        free = max(free, end)
    if machine.ready_until > free:
        gaps.append((free, machine.ready_until))
    return gaps


def cost_of(machine: Machine, length: timedelta) -> Decimal:
    milliseconds = length // timedelta(milliseconds=1)
    return machine.hourly_cost * max(0, milliseconds) / HOUR_MS


def test_overshoot_is_what_a_rented_machine_costs_until_its_first_request(
    warehouse: duckdb.DuckDBPyConnection, machines: list[Machine]
) -> None:
    assert len(machines) >= 5
    for machine in machines:
        (start, end) = gaps_of(warehouse, machine)[0]
        (unused_ms, overshoot, baseline) = warehouse.execute(
            "select any_value(unused_ms), sum(overshoot_cost), (select count(*) from"
            " intermediate.int_idle_gaps as gaps where gaps.resource_id = $id and"
            " gaps.reason = 'baseline') from marts.scale_outs where resource_id = $id",
            {"id": machine.resource_id},
        ).fetchone() or (None, None, None)

        if baseline:
            continue
        assert start == machine.ready_at
        assert unused_ms == (end - start) // timedelta(milliseconds=1)
        assert overshoot == pytest.approx(cost_of(machine, end - start), rel=Decimal("0.0001"))


def test_recoverable_is_each_gap_less_cooldown_drain_and_warm_up_at_the_bills_rate(
    warehouse: duckdb.DuckDBPyConnection, machines: list[Machine]
) -> None:
    expected = sum(
        (
            cost_of(machine, end - start - BEFORE - AFTER)
            for machine in machines
            for start, end in gaps_of(warehouse, machine)
        ),
        Decimal(0),
    )
    (found,) = warehouse.execute(
        "select sum(recoverable_cost) from intermediate.int_idle_gaps"
        " where resource_id in (select unnest($ids)) and state = 'warm_idle'",
        {"ids": [machine.resource_id for machine in machines]},
    ).fetchone() or (None,)

    assert expected > 10
    assert found == pytest.approx(expected, rel=Decimal("0.0001"))


def test_the_oldest_machine_of_a_pool_with_a_minimum_is_its_baseline(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (oldest,) = warehouse.execute(
        "select resource_id from lake.resource_states where pool = 'chat-gpu'"
        " group by resource_id order by min(started_at), resource_id limit 1"
    ).fetchone() or (None,)
    costs: defaultdict[str, Decimal] = defaultdict(Decimal)
    for resource_id, cost in warehouse.execute(
        "select resource_id, effective_cost from marts.capacity_states"
        " where pool = 'chat-gpu' and state in ('warm_idle', 'unrequested')"
    ).fetchall():
        costs[resource_id] += cost
    rows = warehouse.execute(
        "select sum(idle_cost), sum(recoverable_cost_estimate) from marts.idle_waste_daily"
        " where pool = 'chat-gpu' and reason = 'baseline'"
    ).fetchall()

    assert rows == [(costs[oldest], Decimal(0))]


def test_a_pod_that_is_replaced_costs_its_end_and_its_start_and_is_no_thrash(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select cycles.overhead_cost_estimate, cycles.loss_cost_estimate, cycles.is_thrash,"
        " cycles.drain_ms + cycles.start_ms, rates.effective_cost, rates.billed_milliseconds"
        " from marts.scaling_cycles as cycles"
        " inner join intermediate.int_charge_groups as rates"
        " on cycles.down_resource_id = rates.resource_id and rates.treatment = 'capacity'"
        " and cycles.down_at > rates.charge_period_start"
        " and cycles.up_at <= rates.charge_period_end"
        " where cycles.kind = 'model' and cycles.reason = 'restart'"
    ).fetchall()

    assert rows
    for overhead, loss, is_thrash, milliseconds, cost, billed in rows:
        assert abs(overhead - cost * milliseconds / billed) <= 2 * NANO
        assert loss == overhead
        assert not is_thrash
