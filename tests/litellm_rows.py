"""Rows of LiteLLM's spend logs, for tests."""

from usage_logs import Row


def row(number: int = 1, usage: Row | None = None, **fields: object) -> Row:
    """A row of the table: one second long, `number` seconds after ten."""
    metadata: Row = {"usage_object": usage} if usage else {}
    metadata |= fields.pop("metadata", {})  # type: ignore[arg-type]
    counted = usage or {}
    return {
        "request_id": f"req-{number}",
        "call_type": "acompletion",
        "api_key": "9f86d0",
        "spend": 0.0125,
        "total_tokens": counted.get("total_tokens", 0),
        "prompt_tokens": counted.get("prompt_tokens", 0),
        "completion_tokens": counted.get("completion_tokens", 0),
        "startTime": f"2026-10-08 10:00:{number % 60:02d}.000",
        "endTime": f"2026-10-08 10:00:{number % 60 + 1:02d}.000",
        "completionStartTime": f"2026-10-08 10:00:{number % 60:02d}.250",
        "model": "anthropic/claude-sonnet-4-6",
        "model_group": "sonnet",
        "custom_llm_provider": "anthropic",
        "metadata": metadata,
        "cache_hit": "None",
        "request_tags": [],
        "end_user": "",
        "team_id": "",
        "session_id": f"session-{number}",
        "status": "success",
    } | fields


def said(prompt: int, completion: int, **parts: object) -> Row:
    """A usage object: the whole prompt and the completion, and parts of them."""
    total = prompt + completion
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return usage | parts


def failed(number: int, code: str = "500", **metadata: object) -> Row:
    error = {"error_class": "InternalServerError", "error_code": code}
    return row(
        number, status="failure", session_id="s", metadata={"error_information": error, **metadata}
    )
