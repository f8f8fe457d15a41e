"""A small lake with one project for each bug that other products shipped, built once."""

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

from benchmarks.lake import _CHARGES, put
from connectors._lake import Lake
from models.signals import RESOURCE_STATES
from models.tables import ATTEMPTS, CHARGES
from pipelines.config_tables import write_config_tables
from pipelines.settings import load_settings
from pipelines.transform import _invoke
from pipelines.warehouse import build_file, prepare

DAY = "2026-10-05"
_WANTED = ("customer_costs", "customer_costs_daily", "token_lines_daily", "estimate_bridge")
_WANTED += ("inference_costs", "capacity_states")
TOKENS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output")

_CONFIG = {
    "lake": "lake",
    "warehouse": "warehouse.duckdb",
    "exports": "exports",
    "sources": {
        "openai": {"connector": "openai_costs", "location": "."},
        "runpod": {"connector": "runpod_billing", "location": "."},
        "traces": {"connector": "otel_genai", "location": "."},
        "nodes": {"connector": "node_lifecycle", "location": "."},
    },
    "rate_cards": [
        {
            "id": name,
            "provider": "OpenAI",
            "model": "dated",
            "token_type": "output",
            "unit": "1000000 Tokens",
            "price": price,
            "currency": "USD",
            **dates,
        }
        for name, price, dates in (
            ("old", "2.00", {"valid_to": "2026-10-06"}),
            ("new", "1.00", {"valid_from": "2026-10-06"}),
        )
    ],
    "attribution": {
        "rules": [
            {"id": "by-team", "when": {"tags": {"team": "search"}}, "set": {"team": "search"}},
            {"id": "by-app", "when": {"tags": {"app": "web*"}}, "set": {"team": "apps"}},
        ]
    },
}
for _rule in _CONFIG["attribution"]["rules"]:  # type: ignore[index]
    _rule["treatment"] = "direct"


def line(
    project: str, token_type: str, nano: int, tokens: int | None, day: str = DAY, **more: Any
) -> dict[str, Any]:
    """Return a line of the bill: what a day's tokens of one bucket cost."""
    following = f"{day[:-2]}{int(day[-2:]) + 1:02d}"
    return {
        "x_billing_period": day[:7],
        "x_charge_kind": "tokens",
        "charge_period_start": f"{day}T00:00:00Z",
        "charge_period_end": f"{following}T00:00:00Z",
        "service_name": "OpenAI API",
        "service_provider_name": "OpenAI",
        "sub_account_id": project,
        "x_model": "m",
        "x_token_type": token_type,
        "consumed_quantity": tokens,
        "consumed_unit": "Tokens",
        "nano": nano,
        **more,
    }


def attempt(project: str, name: str, tokens: dict[str, int | None], **more: Any) -> dict[str, Any]:
    """Return a call of a model: a second at ten o'clock, unless `ended_at` says otherwise."""
    ended_at = more.pop("ended_at", f"{DAY} 10:00:01")
    return {
        "attempt_id": f"{project}:{name}",
        "trace_id": project,
        "span_id": name,
        "inference_id": f"{project}:{name}",
        "workflow_run_id": project,
        "started_at": f"{ended_at[:-1]}0",
        "ended_at": ended_at,
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "m",
        "sub_account_id": project,
        "status": "ok",
        "customer_id": project,
        "environment": "production",
        **{f"{bucket}_tokens": tokens.get(bucket) for bucket in TOKENS},
        "x_file": "spans.jsonl",
        "x_row": 1,
        **more,
    }


def gpu_hour(resource: str, nano: int) -> dict[str, Any]:
    """Return a charge for a GPU from ten to eleven."""
    return {
        "x_billing_period": DAY[:7],
        "x_charge_kind": "capacity",
        "charge_period_start": f"{DAY}T10:00:00Z",
        "charge_period_end": f"{DAY}T11:00:00Z",
        "service_name": "RunPod",
        "service_provider_name": "RunPod",
        "resource_id": resource,
        "x_billed_milliseconds": 3_600_000,
        "x_gpu_count": 1,
        "nano": nano,
    }


def state(resource: str, name: str, begins: str, ends: str) -> dict[str, Any]:
    return {
        "resource_id": resource,
        "gpu_count": 1,
        "pool": "chat",
        "pod_uid": resource,
        "state": name,
        "started_at": f"{DAY} {begins}",
        "ended_at": f"{DAY} {ends}",
        "x_file": "states.csv",
        "x_row": 1,
    }


def build(
    folder: Path,
    lines: list[dict[str, Any]],
    attempts: dict[str, list[dict[str, Any]]],
    machines: list[dict[str, Any]],
    states: list[dict[str, Any]],
) -> Path:
    """Write the lake, attempts by slot, and build all marts; return the warehouse."""
    (folder / "unitledger.yml").write_text(yaml.safe_dump(_CONFIG, sort_keys=False))
    settings = load_settings(folder / "unitledger.yml")
    lake = Lake(folder / "lake")
    _put(lake, "openai", "openai_costs", CHARGES, _CHARGES, {DAY[:7]: lines})
    _put(lake, "runpod", "runpod_billing", CHARGES, _CHARGES, {DAY[:7]: machines})
    _put(lake, "traces", "otel_genai", ATTEMPTS, "from frame", attempts)
    _put(lake, "nodes", "node_lifecycle", RESOURCE_STATES, "from frame", {DAY: states})
    write_config_tables(settings)
    prepare(settings)
    (lake.root / "facts").mkdir()
    wanted = [f"+{name}" for name in _WANTED]
    outcomes = _invoke(
        settings, ["build", "--select", *wanted, "--exclude-resource-type", "test", "unit_test"]
    )
    assert all(outcome.passed for outcome in outcomes), outcomes
    return build_file(settings)


def _put(lake: Lake, source: str, connector: str, table: Any, query: str, slots: Any) -> None:
    for slot, rows in slots.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        put(lake, source, connector, slot, table, query, frame)


def query(warehouse: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()
