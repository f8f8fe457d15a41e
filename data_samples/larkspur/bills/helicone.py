"""Helicone's requests: JSON lines as its export tool writes them, and answers of its API.

Some requests come again on the next page; what its cache answered counts no tokens.
"""

import json
from pathlib import Path
from typing import Any

from larkspur.company import Period, iso
from larkspur.draws import Draws
from larkspur.gateway import DAYS, VECTORS, Request, by_day, requests
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("helicone",)
Row = dict[str, Any]
_NO_CACHE = "00000000-0000-0000-0000-000000000000"
_STATUS = {"ok": 200, "cached": 200, "failed": 504, "rejected": 429, "cut_off": -3}
_PROVIDERS = {"openai": ("OPENAI", "https://api.openai.com/v1/"),
              "anthropic": ("ANTHROPIC", "https://api.anthropic.com/v1/")}  # fmt: skip
_PAGE = 60


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del period  # always the same three days
    delivered = 0
    for day, found in by_day(list(requests(draws))).items():
        rows = [_row(request, draws) for request in found]
        if day == DAYS[-1]:
            pages = [rows[at : at + _PAGE + 2] for at in range(0, len(rows), _PAGE)]
            for number, page in enumerate(pages, start=1):
                text = json.dumps({"data": page, "error": None}) + "\n"
                write_text(text, out / "helicone" / f"{day}" / f"page-{number:04d}.json")
            delivered += sum(len(page) for page in pages)
        else:
            text = "".join(json.dumps(row) + "\n" for row in rows)
            write_text(text, out / "helicone" / f"requests-{day}.jsonl")
            delivered += len(rows)
    return [Total("helicone", "", delivered, None, None, connector="helicone_requests",
                  location="helicone")]  # fmt: skip


def _row(request: Request, draws: Draws) -> Row:
    provider, url = _PROVIDERS[request.model.provider]
    is_cached = request.outcome == "cached"
    path = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[request.model.provider]
    return {
        "response_id": f"response-{request.operation}-{request.attempt}",
        "response_created_at": iso(request.ended_ms),
        "response_status": _STATUS[request.outcome],
        "response_model": request.model.name if request.has_usage else None,
        "request_id": request.request_id,
        "request_created_at": iso(request.started_ms),
        "request_path": "/v1/embeddings" if request.asked is VECTORS else path,
        "request_user_id": request.customer or None,
        "request_properties": _properties(request),
        "request_model": request.model.name,
        "model_override": None,
        "helicone_user": "larkspur",
        "provider": provider,
        "delay_ms": request.ended_ms - request.started_ms,
        "time_to_first_token": request.first_ms - request.started_ms,
        **_usage(request),
        "cost": 0,
        "prompt_id": "",
        "country_code": "DE",
        "properties": _properties(request),
        "target_url": url + path.removeprefix("/v1/"),
        "model": request.model.name,
        "cache_enabled": is_cached,
        "cache_reference_id": f"{draws.hexadecimal(8, request.request_id)}-0000-4000-8000-1"
        if is_cached
        else _NO_CACHE,
        "updated_at": iso(request.ended_ms),
    }


def _properties(request: Request) -> dict[str, str]:
    found = {
        "Helicone-Session-Id": request.session,
        "Helicone-Session-Name": "lab",
        "feature.name": request.feature,
        "team.name": request.team,
        "app.operation.id": f"op-{request.operation}",
        "environment": "development",
    }
    return {key: text for key, text in found.items() if text}


def _usage(request: Request) -> Row:
    """What was not cached, and reasoning beside the completion; 0 where nothing is known."""
    is_known = request.outcome == "ok"
    counts = {
        "prompt_tokens": request.uncached,
        "prompt_cache_write_tokens": request.written_5m + request.written_1h,
        "prompt_cache_read_tokens": request.cache_read,
        "completion_tokens": request.output - request.reasoning,
        "prompt_audio_tokens": 0,
        "completion_audio_tokens": 0,
        "reasoning_tokens": request.reasoning,
        "total_tokens": request.uncached + request.output,
    }
    return {key: tokens if is_known else 0 for key, tokens in counts.items()}
