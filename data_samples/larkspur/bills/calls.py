"""The beta of calls: what its accounts billed, its spans, its machines' states, and its truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from larkspur import api_bills
from larkspur.calls.episodes import machine_cost, write_components, write_episodes
from larkspur.calls.machines import machines
from larkspur.calls.requests import PROJECT, Row, requests
from larkspur.company import DAY, HOUR, Period, iso
from larkspur.draws import Draws
from larkspur.fleet import Node
from larkspur.lifecycle import LIFECYCLE_COLUMNS, lifecycle_rows
from larkspur.spans import CURRENT, client_span, server_span, write_files
from larkspur.totals import Total, openai_totals
from larkspur.writing import write_json, write_rows

FOLDERS = ("calls",)


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    folder = out / "calls"
    rows = requests(period, draws)
    nodes = [node for made in machines(period, draws).values() for node in made]
    totals = _tokens(rows, period, folder / "openai") + _machines(nodes, period, folder / "runpod")
    totals += [
        _telemetry("traces", "otel_genai", "otel", _spans(rows, period, draws, folder / "otel")),
        _telemetry("nodes", "node_lifecycle", "nodes", _states(nodes, period, folder / "nodes")),
    ]
    write_episodes(rows, period, draws, out / "truth")
    write_components(rows, period, draws, out / "truth")
    return totals


def _telemetry(name: str, connector: str, folder: str, rows: int) -> Total:
    return Total(
        f"calls_{name}", "", rows, None, None, billing_currency="", connector=connector,
        location=f"calls/{folder}",
    )  # fmt: skip


def _tokens(rows: list[Row], period: Period, folder: Path) -> list[Total]:
    tokens = api_bills.billed_tokens(pl.DataFrame(rows, infer_schema_length=None))
    api_bills.write_openai(tokens, period, folder, (PROJECT,))
    return [
        replace(total, source="calls_openai", connector="openai_costs", location="calls/openai")
        for total in openai_totals(api_bills.cost_lines(tokens))
    ]


def _machines(nodes: list[Node], period: Period, folder: Path) -> list[Total]:
    """What the vendor's API says of each hour of a machine, by month."""
    totals = []
    for month, days in api_bills.months(period).items():
        first, end = days[0], days[-1] + DAY
        hours = [hour for node in nodes for hour in _hours(node) if first <= hour.hour < end]
        hours.sort(key=lambda hour: (hour.hour, hour.resource_id))
        if hours:
            records = [_record(hour) for hour in hours]
            write_json(records, folder / month / api_bills.fetched_at(days, period) / "pods.json")
            cost = sum((hour.cost for hour in hours), Decimal(0))
            totals.append(
                Total("calls_runpod", month, len(hours), cost, cost, connector="runpod_billing",
                      location="calls/runpod")
            )  # fmt: skip
    return totals


@dataclass(frozen=True)
class _Hour:
    """What is billed of a machine in an hour."""

    resource_id: str
    hour: int
    billed_ms: int
    cost: Decimal


def _hours(node: Node) -> Iterator[_Hour]:
    for hour in range(node.begins // HOUR * HOUR, node.ends, HOUR):
        billed = min(node.ends, hour + HOUR) - max(node.begins, hour)
        yield _Hour(node.resource_id, hour, billed, machine_cost(node, billed))


def _record(hour: _Hour) -> dict[str, object]:
    return {
        "time": iso(hour.hour)[:19] + "Z",
        "amount": hour.cost,
        "timeBilledMs": hour.billed_ms,
        "podId": hour.resource_id,
        "diskSpaceBilledGb": 100,
    }


def _spans(rows: list[Row], period: Period, draws: Draws, folder: Path) -> int:
    """Each client tells who asked; the servers, what waited."""
    spans = [client_span(row, CURRENT, True) for row in rows]
    spans += [server_span(row) for row in rows if row["pod_uid"]]
    return write_files(spans, period, draws, folder)


def _states(nodes: list[Node], period: Period, folder: Path) -> int:
    delivered = 0
    for day, rows in lifecycle_rows(nodes, period).items():
        if rows:
            write_rows(LIFECYCLE_COLUMNS, rows, folder / f"{day}.csv")
            delivered += len(rows)
    return delivered
