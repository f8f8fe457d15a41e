"""The beta of calls: what its accounts billed, its spans, its machines' states, and its truth."""

from decimal import Decimal
from pathlib import Path

import polars as pl

from larkspur import api_bills
from larkspur.calls.episodes import write_components, write_episodes
from larkspur.calls.machines import NANO_A_MS, machines
from larkspur.calls.requests import PROJECT, Row, requests
from larkspur.company import HOUR, Period, iso, month_of
from larkspur.draws import Draws
from larkspur.fleet import Node
from larkspur.lifecycle import LIFECYCLE_COLUMNS, lifecycle_rows
from larkspur.spans import CURRENT, client_span, server_span, write_files
from larkspur.totals import Total
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
    months: dict[str, list[Decimal]] = {}
    for line in api_bills.cost_lines(tokens):
        months.setdefault(month_of(line.day_ms), []).append(line.printed)
    return [
        Total("calls_openai", month, len(costs), sum(costs, Decimal(0)), None,
              connector="openai_costs", location="calls/openai")
        for month, costs in months.items()
    ]  # fmt: skip


def _machines(nodes: list[Node], period: Period, folder: Path) -> list[Total]:
    """What the vendor's API says of each hour of a machine."""
    records: list[dict[str, object]] = []
    for node in nodes:
        for hour in range(node.begins // HOUR * HOUR, node.ends, HOUR):
            billed = min(node.ends, hour + HOUR) - max(node.begins, hour)
            records.append(
                {
                    "time": iso(hour)[:19] + "Z",
                    "amount": Decimal(billed * NANO_A_MS[node.gpus]).scaleb(-9),
                    "timeBilledMs": billed,
                    "podId": node.resource_id,
                    "diskSpaceBilledGb": 100,
                }
            )
    if not records:
        return []
    records.sort(key=lambda record: (str(record["time"]), str(record["podId"])))
    (days, *_) = api_bills.months(period).values()
    month = month_of(days[0])
    write_json(records, folder / month / api_bills.fetched_at(days, period) / "pods.json")
    cost = sum((Decimal(str(record["amount"])) for record in records), Decimal(0))
    return [
        Total("calls_runpod", month, len(records), cost, cost, connector="runpod_billing",
              location="calls/runpod")
    ]  # fmt: skip


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
