"""A lake in the contract's columns, from the sample company's traffic: a file a day for 31 days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from benchmarks import ROOT, fleet
from connectors._lake import Lake, slot_is
from connectors._restatements import restatements_query
from connectors._sql import connect
from connectors._write import write
from larkspur.api_bills import billed_tokens, cost_lines
from larkspur.company import DAY, SAMPLE, SEED, Period, iso, month_of
from larkspur.draws import Draws
from larkspur.traffic import traffic
from models.columns import Table
from models.manifest import Manifest
from models.signals import RESOURCE_STATES
from models.tables import ATTEMPTS, CHARGES, RESTATEMENTS

DAYS = 31
API_SHARE = 72 / 130  # of the workflows' calls of models
_SHARES = {"api": API_SHARE, "gpu": 1 - API_SHARE, "mix": 1}
_VENDORS = {
    "OpenAI API": ("openai", "openai_costs", "OpenAI"),
    "Amazon EC2": ("aws_prod", "aws_cur2", "AWS"),
    "RunPod": ("runpod", "runpod_billing", "RunPod"),
}
_TOKEN_TYPES = {"input": "uncached_input", "cached input": "cache_read", "output": "output"}

_ATTEMPTS = """
    select
        trace_id || ':' || span_id as attempt_id,
        trace_id,
        span_id,
        operation_id as inference_id,
        trace_id as workflow_run_id,
        'conv-' || left(trace_id, 12) as conversation_id,
        make_timestamp(started_ms * 1000) as started_at,
        make_timestamp(ended_ms * 1000) as ended_at,
        if(model = 'text-embedding-3-small', 'embeddings', 'chat') as operation_name,
        provider as provider_name,
        model as request_model,
        case when outcome <> 'rejected' then response_model end as response_model,
        project_id as sub_account_id,
        api_key_id,
        pod_uid || '-' || format('{:03d}', attempt % copies) as pod_uid,
        case outcome when 'failed' then 'error' when 'cut_off' then 'ok' else outcome end as status,
        if(outcome in ('failed', 'rejected'), outcome, null) as error_type,
        case when has_counts then input_tokens - cached_tokens end as uncached_input_tokens,
        case when has_counts then cached_tokens end as cache_read_tokens,
        case when has_counts then 0 end as cache_write_5m_tokens,
        case when has_counts then 0 end as cache_write_1h_tokens,
        case when has_counts then output_tokens end as output_tokens,
        case when has_counts then 0 end as audio_input_tokens,
        case when has_counts then 0 end as audio_output_tokens,
        case when has_counts then reasoning_tokens end as reasoning_tokens,
        customer_id,
        feature,
        workflow,
        team,
        environment,
        'spans.jsonl.gz' as x_file,
        row_number() over () as x_row
    from (select *, outcome in ('ok', 'failed') as has_counts from frame where is_traced)
"""

STATES = """
    select
        resource_id, nullif(gpu_index, '') as gpu_index, gpu_count, pool,
        nullif(pod_uid, '') as pod_uid, nullif(model, '') as model, state,
        started_at, ended_at, 'states.csv' as x_file, row_number() over () as x_row
    from frame
"""

# Whole nanodollars become text with nine decimals: no double is in between.
_CHARGES = """
    select
        * exclude (nano),
        cast(nano as decimal(38, 0)) * 0.000000001::decimal(10, 9) as billed_cost,
        billed_cost as effective_cost,
        billed_cost as list_cost,
        billed_cost as contracted_cost,
        'larkspur' as billing_account_id,
        'USD' as billing_currency,
        billing_period_start(x_billing_period) as billing_period_start,
        billing_period_end(x_billing_period) as billing_period_end,
        if(service_name = 'Tax', 'Tax', 'Usage') as charge_category,
        'Usage-Based' as charge_frequency,
        service_provider_name as invoice_issuer_name,
        service_provider_name as provider_name,
        service_provider_name as publisher_name,
        'AI and Machine Learning' as service_category,
        'charges.csv' as x_file,
        row_number() over () as x_row
    from frame
"""


def write_lake(folder: Path, attempts: int, kind: str) -> int:
    """Write lake and configuration for about so many attempts; return how many there are.

    `kind` is `api` (calls of an API), `gpu` (calls of own models) or `mix` (both). Of the calls of
    an API nothing is untraced, and every attempt carries its counts or is billed nothing: what a
    customer truly cost is its tokens times their price.
    """
    period, draws = Period(SAMPLE.first, DAYS), Draws(SEED)
    lake, copies = Lake(folder / "lake"), fleet.fleets(attempts)
    wanted = round(attempts / _SHARES[kind])
    billed: list[pl.DataFrame] = []
    written = 0
    for day, frame in by_end(traffic(wanted, DAYS, SEED), period):
        if kind != "mix":
            frame = frame.filter((pl.col("provider") == "openai") == (kind == "api"))
        billed.append(billed_tokens(frame))
        written += write_attempts(lake, iso(day)[:10], frame, copies)
    machines = [] if kind == "api" else fleet.nodes(period, draws, copies)
    put(
        lake,
        "nodes",
        "node_lifecycle",
        "2026-10",
        RESOURCE_STATES,
        STATES,
        fleet.states(machines, period),
    )
    write_bills(lake, [*token_charges(billed), *fleet.charges(machines, period)])
    write_config(folder)
    return written


def by_end(frames: Iterator[pl.DataFrame], period: Period) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield each day's attempts by the day in which they ended, as a day's span file has them."""
    late: pl.DataFrame | None = None
    for index, frame in enumerate(frames):
        frame = frame if late is None else pl.concat([late, frame])
        is_late = pl.col("ended_ms") >= period.day(index) + DAY
        late = frame.filter(is_late)
        yield period.day(index), frame.filter(~is_late)


def write_attempts(lake: Lake, day: str, frame: pl.DataFrame, copies: int) -> int:
    """Write a day's attempts; return how many of them were traced."""
    frame = frame.with_columns(copies=pl.lit(copies, pl.UInt64))
    put(lake, "traces", "otel_genai", day, ATTEMPTS, _ATTEMPTS, frame)
    return int(frame["is_traced"].sum())


def token_charges(billed: Iterable[pl.DataFrame]) -> Iterator[dict[str, Any]]:
    """Yield what the vendor bills of some days' tokens, a line a model, key and bucket."""
    for frame in billed:
        for line in cost_lines(frame):
            yield {
                "x_billing_period": month_of(line.day_ms),
                "x_charge_kind": "tokens",
                "charge_period_start": iso(line.day_ms),
                "charge_period_end": iso(line.day_ms + DAY),
                "charge_description": f"{line.model}, {line.bucket}",
                "service_name": "OpenAI API",
                "sub_account_id": line.project_id,
                "x_api_key_id": line.api_key_id,
                "x_model": line.model,
                "x_token_type": _TOKEN_TYPES[line.bucket],
                "consumed_quantity": line.tokens,
                "consumed_unit": "Tokens",
                "nano": int(line.exact * 10**9),
            }


def write_bills(lake: Lake, charges: Iterable[dict[str, Any]]) -> None:
    """Write each vendor's charges of each month, and a tax of a tenth on its invoice."""
    bills: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in charges:
        bills[(*_VENDORS[row["service_name"]], row["x_billing_period"])].append(row)
    for (source, connector, vendor, month), rows in bills.items():
        frame = pl.DataFrame([*rows, _tax(rows)], infer_schema_length=None).with_columns(
            service_provider_name=pl.lit(vendor)
        )
        put(lake, source, connector, month, CHARGES, _CHARGES, frame)


def _tax(rows: list[dict[str, Any]]) -> dict[str, Any]:
    month = rows[0]["x_billing_period"]
    first = date.fromisoformat(f"{month}-01")
    return {
        "x_billing_period": month,
        "charge_period_start": f"{first}T00:00:00Z",
        "charge_period_end": f"{(first + timedelta(days=31)).replace(day=1)}T00:00:00Z",
        "service_name": "Tax",
        "nano": sum(row["nano"] for row in rows) // 10,
    }


def put(
    lake: Lake,
    source: str,
    connector: str,
    slot: str,
    table: Table,
    query: str,
    frame: pl.DataFrame,
) -> None:
    """Write a table's rows for one slot as the product does, and list the file in the index."""
    is_bill = table is CHARGES
    manifest = Manifest(
        source=source, connector=connector, slot=slot, version="1", order="1", files=()
    )
    amount = Decimal(frame["nano"].sum()).scaleb(-9) if is_bill else None
    total = {
        "billing_period": slot if is_bill else None,
        "billing_currency": "USD" if is_bill else None,
        "rows": frame.height,
        "amount": str(amount) if is_bill else None,
        "rounding": "0" if is_bill else None,
    }
    with connect() as connection:
        connection.register("frame", frame.to_arrow())
        written = write(lake, connection, table, query, manifest)
        rows = [_index_row(manifest, table) | written | {"delivered": [total]}]
        if is_bill:
            file = lake.root / str(written["file"])
            told = restatements_query([manifest], lambda _: file, "", None)
            row = _index_row(manifest, RESTATEMENTS)
            rows.append(row | write(lake, connection, RESTATEMENTS, told, manifest))
    lake.replace_in_index(rows, gone=slot_is(source, slot))


def _index_row(manifest: Manifest, table: Table) -> dict[str, object]:
    return {
        "status": "current",
        "source": manifest.source,
        "connector": manifest.connector,
        "slot": manifest.slot,
        "table": table.name,
        "version": manifest.version,
        "delivery_id": manifest.delivery_id,
        "billing_period": manifest.slot if table in (CHARGES, RESTATEMENTS) else None,
        "fingerprint": "",
        "delivered": [],
    }


def write_config(folder: Path) -> None:
    """Attribute as the sample company does; nothing is read from the sources' locations."""
    config = yaml.safe_load((ROOT / "unitledger.yml").read_text())
    for name in ("invoices", "control_totals"):
        del config[name]
    _dump(config, folder)


def write_sample_config(folder: Path) -> Path:
    """Write the sample company's configuration with lake, warehouse and exports in `folder`."""
    config = yaml.safe_load((ROOT / "unitledger.yml").read_text())
    for source in config["sources"].values():
        source["location"] = str(ROOT / source["location"])
    for name in ("invoices", "control_totals"):
        config[name] = str(ROOT / config[name])
    return _dump(config, folder)


def _dump(config: dict[str, Any], folder: Path) -> Path:
    config |= {"lake": "lake", "warehouse": "warehouse.duckdb", "exports": "exports"}
    file = folder / "unitledger.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file
