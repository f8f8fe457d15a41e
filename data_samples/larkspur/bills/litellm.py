"""LiteLLM_SpendLogs as COPY writes it: a CSV a day, the last day as JSON lines.

Some rows come again in the next day's file; stored responses are fetched again; one row's metadata
is older and has no usage object; two rows cannot be used.
"""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from larkspur.company import Period, to_datetime
from larkspur.draws import Draws
from larkspur.gateway import VECTORS, Request, by_day, requests
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("litellm",)
Row = dict[str, Any]

_ERRORS = {"failed": ("Timeout", "504"), "rejected": ("RateLimitError", "429"),
           "cut_off": ("APIConnectionError", "500")}  # fmt: skip


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del period  # always the same three days
    delivered, repeated = 0, list[Row]()
    days = list(by_day(list(requests(draws))).items())
    for number, (day, found) in enumerate(days):
        rows = [*repeated, *(_row(request, draws) for request in found)]
        if number == 1:
            rows += _awkward(rows)
        text = _lines(rows) if number == len(days) - 1 else _csv(rows)
        suffix = "jsonl" if number == len(days) - 1 else "csv"
        write_text(text, out / "litellm" / f"spend_logs-{day}.{suffix}")
        delivered += len(rows)
        repeated = rows[-4:]
    return [Total("litellm", "", delivered, None, None, connector="litellm_spend_logs",
                  location="litellm")]  # fmt: skip


def _time(ms: int) -> str:
    return to_datetime(ms).isoformat(sep=" ", timespec="milliseconds")


def _row(request: Request, draws: Draws) -> Row:
    has_usage = request.has_usage
    call = "aembedding" if request.asked is VECTORS else "acompletion"
    suffix = f"_cache_hit{request.ended_ms}" if request.outcome == "cached" else ""
    streams = call == "acompletion" and draws.number("stream", request.request_id) % 2 == 0
    return {
        "request_id": request.request_id + suffix,
        "call_type": call,
        "api_key": hashlib.sha256(f"key of {request.team}".encode()).hexdigest(),
        "spend": "0" if request.outcome != "ok" else f"{request.prompt * 3e-7:.10f}",
        "total_tokens": request.prompt + request.output if has_usage else 0,
        "prompt_tokens": request.prompt if has_usage else 0,
        "completion_tokens": request.output if has_usage else 0,
        "startTime": _time(request.started_ms),
        "endTime": _time(request.ended_ms),
        "completionStartTime": _time(request.first_ms if streams else request.ended_ms),
        "model": f"{request.model.provider}/{request.model.name}",
        "model_id": hashlib.sha256(request.model.name.encode()).hexdigest(),
        "model_group": request.model.alias,
        "custom_llm_provider": request.model.provider,
        "api_base": "",
        "user": "larkspur-labs",
        "metadata": _metadata(request),
        "cache_hit": "True" if request.outcome == "cached" else "None",
        "cache_key": "Cache OFF",
        "request_tags": [f"feature:{request.feature}", "User-Agent: larkspur-labs/1.4"]
        if request.feature
        else [],
        "team_id": f"team-{request.team}" if request.team else "",
        "organization_id": "",
        "end_user": request.customer,
        "session_id": request.session,
        "status": "success" if has_usage else "failure",
    }


def _metadata(request: Request) -> Row:
    content: Row = {
        "status": "success" if request.has_usage else "failure",
        "user_api_key_team_alias": request.team or None,
        "spend_logs_metadata": {"deployment.environment.name": "development"},
        "attempted_retries": request.retries,
        "max_retries": 2,
        "attempted_fallbacks": request.fallbacks,
        "original_model_group": request.asked.alias,
        "usage_object": _usage(request) if request.has_usage else None,
    }
    if not request.has_usage:
        error, code = _ERRORS[request.outcome]
        content["error_information"] = {"error_class": error, "error_code": code}
    return content


def _usage(request: Request) -> Row:
    usage: Row = {
        "prompt_tokens": request.prompt,
        "completion_tokens": request.output,
        "total_tokens": request.prompt + request.output,
    }
    if request.asked is VECTORS:
        return usage
    details: Row = {"cached_tokens": request.cache_read, "audio_tokens": None}
    usage["completion_tokens_details"] = {"reasoning_tokens": request.reasoning}
    if request.model.provider == "anthropic":
        details["cache_creation_tokens"] = request.written_5m + request.written_1h
        details["cache_creation_token_details"] = {
            "ephemeral_5m_input_tokens": request.written_5m,
            "ephemeral_1h_input_tokens": request.written_1h,
        }
        usage["cache_read_input_tokens"] = request.cache_read
        usage["cache_creation_input_tokens"] = request.written_5m + request.written_1h
    return usage | {"prompt_tokens_details": details}


def _awkward(rows: list[Row]) -> list[Row]:
    """A stored response fetched again; a row of an older version; two that cannot be used."""
    first = next(row for row in rows if row["status"] == "success" and row["cache_hit"] == "None")
    older = first | {"request_id": "req-older", "metadata": {"status": "success"}}
    return [
        first | {"request_id": "resp-again", "call_type": "aget_responses"},
        older | {"total_tokens": 321, "prompt_tokens": 300, "completion_tokens": 21},
        first | {"request_id": "req-backwards", "endTime": "2026-10-07 00:00:00.000"},
        first | {"request_id": "req-speech", "call_type": "aspeech"},
    ]


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _text(value) for key, value in row.items()})
    return text.getvalue()


def _text(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
