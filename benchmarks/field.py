"""A pricer of the field, a row at a time, in its own environment: litellm's cost_per_token."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from benchmarks import ROOT
from connectors._sql import quoted
from larkspur.company import TOKEN_PRICES

LITELLM = "litellm==1.106.2"
ENVIRONMENT = ROOT / "benchmarks" / ".venv-litellm"
MAX_EVENTS = 50_000

_EVENTS = """
    select request_model as model, uncached_input_tokens, cache_read_tokens, output_tokens
    from read_parquet({files})
    where uncached_input_tokens is not null and pod_uid is null
    order by attempt_id
    limit {limit}
"""


def price_a_row_at_a_time(folder: Path, attempts: int) -> dict[str, Any]:
    """Price attempts of a lake; where litellm cannot be had, measure nothing, and say so."""
    problem = _install()
    if problem:
        return {"seconds": 0.0, "rows": 0, "remark": f"skipped: {problem}"}
    events = _events(folder, min(attempts, MAX_EVENTS))
    file = folder / "events.json"
    file.write_text(json.dumps(events))
    script = Path(__file__).with_name("field_pricer.py")
    answer = subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), str(script), str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    priced: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    off = priced["dollars"] * 1e9 - _nanodollars(events)
    return priced | {"remark": f"{LITELLM}; off by {off / len(events):.1f} nanodollars an event"}


def _install() -> str | None:
    """Make the environment, once; return why that cannot be done."""
    python = ENVIRONMENT / "bin" / "python"
    if python.exists():
        return None
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), LITELLM],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it says nothing"]
            return f"{LITELLM} cannot be installed: {lines[-1]}"
    return None


def _events(folder: Path, limit: int) -> list[dict[str, Any]]:
    files = quoted(str(folder / "lake" / "attempts" / "*.parquet"))
    with duckdb.connect() as connection:
        cursor = connection.execute(_EVENTS.format(files=files, limit=limit))
        names = [item[0] for item in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _nanodollars(events: list[dict[str, Any]]) -> int:
    """Return what the events truly cost, in whole numbers."""
    total = 0
    for event in events:
        prices = TOKEN_PRICES[event["model"]]
        total += event["uncached_input_tokens"] * prices["input"]
        total += event["cache_read_tokens"] * prices.get("cached input", 0)
        total += event["output_tokens"] * prices.get("output", 0)
    return total


def measure(folder: Path, attempts: int) -> dict[str, Any]:
    """Price a row at a time; seconds are those of the pricing alone, without the start."""
    began = perf_counter()
    measured = price_a_row_at_a_time(folder, attempts)
    return measured | {"with_start": perf_counter() - began}
