"""Langfuse's blob storage export: two days of observations with their traces, one enriched.

Agents repeat the usage of the calls below them; some observations come in several versions, some
are deleted; an instrument wrote the cached part into the input as well, with a total that shows it.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from larkspur.company import Period, to_datetime
from larkspur.draws import Draws
from larkspur.gateway import DAYS, VECTORS, Request, by_day, requests
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("langfuse",)
Row = dict[str, Any]
_PROJECT = "cmlarkspurlab"


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del period  # always the same three days
    delivered = 0
    for day, found in by_day(list(requests(draws))).items():
        is_enriched = day == DAYS[-1]
        # A call that the gateway answered itself leaves no observation.
        called = [request for request in found if request.outcome != "cached"]
        rows = [row for request in called for row in _rows(request, draws, is_enriched)]
        name = f"{day + timedelta(days=1)}T00-00-00.jsonl"
        kind = "observations_v2" if is_enriched else "observations"
        _write(rows, out / "langfuse" / _PROJECT / kind / name)
        if not is_enriched:
            _write(_traces(called, day), out / "langfuse" / _PROJECT / "traces" / name)
        delivered += len(rows)
    return [Total("langfuse", "", delivered, None, None, connector="langfuse_observations",
                  location="langfuse")]  # fmt: skip


def _write(rows: list[Row], path: Path) -> None:
    write_text("".join(json.dumps(row) + "\n" for row in rows), path)


def _time(ms: int) -> str:
    return to_datetime(ms).isoformat(sep=" ", timespec="microseconds")


def _rows(request: Request, draws: Draws, is_enriched: bool) -> list[Row]:
    """The call, and the agent around it; versions of them."""
    agent = _observation(request, "AGENT", f"agent-{request.operation}-{request.attempt}", None)
    call = _observation(
        request, "EMBEDDING" if request.asked is VECTORS else "GENERATION",
        f"obs-{request.operation}-{request.attempt}", agent["id"],
    )  # fmt: skip
    rows = [agent, call]
    lot = draws.number("version", request.request_id) % 40
    if lot == 0:  # begun, then ended
        rows.insert(
            1, call | {"end_time": None, "usage_details": {}, "event_ts": agent["start_time"]}
        )
    if lot == 1:  # deleted later
        rows.append(call | {"is_deleted": 1, "event_ts": _time(request.ended_ms + 60_000)})
    if is_enriched:
        context = {"user_id": request.customer or None, "session_id": request.session,
                   "trace_name": "lab", "tags": _tags(request)}  # fmt: skip
        rows = [row | context for row in rows]
    return rows


def _tags(request: Request) -> list[str]:
    return [f"feature:{request.feature}"] if request.feature else []


def _observation(request: Request, kind: str, name: str, parent: str | None) -> Row:
    return {
        "id": name,
        "trace_id": f"trace-{request.operation}",
        "project_id": _PROJECT,
        "environment": "development",
        "type": kind,
        "parent_observation_id": parent,
        "start_time": _time(request.started_ms),
        "end_time": _time(request.ended_ms),
        "name": "lab-call",
        "metadata": {"app.operation.id": f"op-{request.operation}",
                     "ls_provider": request.model.provider},
        "level": "DEFAULT" if request.has_usage else "ERROR",
        "status_message": "" if request.has_usage else request.outcome,
        "provided_model_name": request.model.name,
        "usage_details": _usage(request) if request.has_usage else {},
        "completion_start_time": _time(request.first_ms),
        "event_ts": _time(request.ended_ms),
        "is_deleted": 0,
    }  # fmt: skip


def _usage(request: Request) -> dict[str, int]:
    """Disjoint buckets, unless an instrument of the search lab wrote them."""
    usage = {"input": request.uncached, "output": request.output - request.reasoning,
             "input_cached_tokens": request.cache_read,
             "output_reasoning_tokens": request.reasoning,
             "input_cache_creation_5m": request.written_5m,
             "input_cache_creation_1h": request.written_1h}  # fmt: skip
    usage = {key: tokens for key, tokens in usage.items() if tokens or key in ("input", "output")}
    if request.feature == "search-lab" and "input_cached_tokens" in usage:
        usage["input"] = request.prompt
    return usage | {"total": request.prompt + request.output}


def _traces(found: list[Request], day: date) -> list[Row]:
    """Traces that began on the day; what is known of one grows, so that it has two versions."""
    traces = {f"trace-{request.operation}": request for request in reversed(found)}
    rows = []
    for name, request in sorted(traces.items()):
        row: Row = {
            "id": name,
            "timestamp": _time(request.started_ms),
            "name": "lab",
            "user_id": request.customer or None,
            "session_id": request.session,
            "tags": _tags(request),
            "metadata": {"team.name": request.team} if request.team else {},
            "environment": "development",
            "event_ts": _time(request.ended_ms),
            "is_deleted": 0,
        }
        rows += [row | {"user_id": None, "event_ts": _time(request.started_ms)}, row]
    return rows
