"""The telemetry of ChatGenius: OTLP/JSON spans, and the states of its machines."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from larkspur.company import iso
from larkspur.draws import Draws
from larkspur.lifecycle import LIFECYCLE_COLUMNS
from larkspur.spans import write_spans
from larkspur.writing import write_rows

from .machines import PERIOD, POOL, Machine, Request, machines_of_day, requests_of_day

CUSTOMERS = ("acorn", "birch", "cedar")


def _span_row(request: Request, draws: Draws) -> dict[str, object]:
    """A request as larkspur's span writer reads it."""
    model = request.machine.setup.model
    digits = draws.hexadecimal(64, "request", request.number)
    return {
        "attempt": request.number,
        "run": request.number,
        "is_traced": True,
        "outcome": "ok",
        "trace_id": digits[:32],
        "root_span_id": digits[32:48],
        "client_span_id": digits[48:64],
        "span_id": draws.hexadecimal(16, "server", request.number),
        "operation_id": f"op-{request.number}",
        "customer_id": CUSTOMERS[request.number % len(CUSTOMERS)],
        "feature": "chat",
        "workflow": "answer",
        "team": "genius",
        "environment": "production",
        "provider": "vllm",
        "model": model,
        "response_model": model,
        "input_tokens": 1_200,
        "cached_tokens": 0,
        "output_tokens": 800,
        "reasoning_tokens": 0,
        "api_key_id": None,
        "project_id": None,
        "pod_uid": request.machine.pod_uid,
        "run_started_ms": request.started - 60,
        "sent_ms": request.started - 40,
        "started_ms": request.started,
        "ended_ms": request.ended,
        "received_ms": request.ended + 20,
    }


def _states(machine: Machine) -> Iterator[list[object]]:
    """Ready all the time that is billed: what the measures change is not how machines start."""
    for pod, model, state in (
        ("", "", "node_ready"),
        (machine.pod_uid, machine.setup.model, "ready"),
    ):
        index = "0" if pod else ""
        yield [
            *(machine.resource_id, index, 1, POOL, pod, model, state),
            *(iso(machine.begins), iso(machine.ends)),
        ]


def write_telemetry(folder: Path, draws: Draws) -> None:
    rows: list[dict[str, object]] = []
    for day, date in enumerate(PERIOD.dates()):
        machines = machines_of_day(day, draws)
        rows += [_span_row(request, draws) for request in requests_of_day(day, machines)]
        states = [row for machine in machines for row in _states(machine)]
        write_rows(LIFECYCLE_COLUMNS, states, folder / "node_lifecycle" / f"{date}.csv")
    write_spans(pl.DataFrame(rows), PERIOD, draws, folder / "otel")
