"""A gateway's log names neither project nor key, the bill both: its calls find their bill all the
same. Expected amounts are computed here, from the files."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from company import ROOT, Company
from otlp_spans import record, span

SAMPLES = ROOT / "data_samples"
MODELS = {"gpt-5-mini-2025-08-07": "gpt-5-mini", "text-embedding-3-small": "text-embedding-3-small"}
BUCKETS = {"input": "uncached_input", "cached input": "cache_read", "output": "output"}
UNITS = {"tokens": 1, "1000_tokens": 1000}

# A day, a model and a token bucket.
Line = tuple[date, str, str]
Call = tuple[date, str, dict[str, int]]


def calls() -> dict[str, Call]:
    """The calls of OpenAI that a vendor's model answered, with their counts, by id."""
    found: dict[str, Call] = {}
    for row in logged():
        usage = row["metadata"].get("usage_object")
        if row["custom_llm_provider"] != "openai" or not usage or row["cache_hit"] == "True":
            continue
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        counts = {
            "uncached_input": usage["prompt_tokens"] - cached,
            "cache_read": cached,
            "output": usage["completion_tokens"],
        }
        model = MODELS[row["model"].removeprefix("openai/")]
        found[row["request_id"]] = (date.fromisoformat(row["endTime"][:10]), model, counts)
    return found


def logged() -> Iterator[dict[str, Any]]:
    for file in sorted((SAMPLES / "litellm").iterdir()):
        text = file.read_text()
        if file.suffix == ".csv":
            for row in csv.DictReader(text.splitlines()):
                yield row | {"metadata": json.loads(row["metadata"])}
        else:
            yield from map(json.loads, text.splitlines())


def billed() -> dict[Line, tuple[Decimal, Decimal]]:
    """What the bill says of each line, whichever project and key: its amount and quantity."""
    lines: dict[Line, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for file in (SAMPLES / "openai").glob("2026-10/*/costs-*.json"):
        for bucket in json.loads(file.read_text(), parse_float=Decimal)["data"]:
            day = datetime.fromtimestamp(bucket["start_time"], UTC).date()
            for result in bucket["results"]:
                model, _, kind = result["line_item"].partition(", ")
                if kind in BUCKETS:
                    amount, quantity = lines[day, model, BUCKETS[kind]]
                    lines[day, model, BUCKETS[kind]] = (
                        amount + Decimal(result["amount"]["value"]),
                        quantity + Decimal(result["quantity"]) * UNITS[result["quantity_unit"]],
                    )
    return lines


def traced() -> dict[Line, int]:
    """What the log knows of each line."""
    tokens_of: dict[Line, int] = defaultdict(int)
    for day, model, counts in calls().values():
        for bucket, tokens in counts.items():
            tokens_of[day, model, bucket] += tokens
    return tokens_of


def spans() -> Iterator[dict[str, Any]]:
    """The same calls, as the application that made them tells of them."""
    for number, (day, model, counts) in enumerate(calls().values(), 1):
        seconds = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) + number
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": counts["uncached_input"] + counts["cache_read"],
            "gen_ai.usage.cache_read.input_tokens": counts["cache_read"],
            "gen_ai.usage.output_tokens": counts["output"],
        }
        times = {
            "startTimeUnixNano": f"{seconds}000000000",
            "endTimeUnixNano": f"{seconds + 1}000000000",
        }
        yield record(span(number, None, attributes, **times))


def configured(folder: Path) -> Path:
    (folder / "spans").mkdir()
    lines = "".join(json.dumps(sent) + "\n" for sent in spans())
    (folder / "spans" / "day.jsonl").write_text(lines)
    aliases = [{"model": model, "names": sorted({name, model})} for name, model in MODELS.items()]
    config = {
        "sources": {
            "openai": {"connector": "openai_costs", "location": str(SAMPLES / "openai")},
            "gateway": {"connector": "litellm_spend_logs", "location": str(SAMPLES / "litellm")},
            "spans": {"connector": "otel_genai", "location": "spans", "authoritative": False},
        },
        "attribution": {"model_aliases": aliases},
    }
    file = folder / "unitledger.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("gateway")
    finished = Company(folder, configured(folder))
    run = finished.unitledger("run")
    assert run.returncode == 0, run.stdout + run.stderr
    return finished


@pytest.fixture(scope="module")
def warehouse(gateway: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    with gateway.connect() as connection:
        yield connection


@pytest.mark.slow
def test_each_call_pays_its_tokens_of_the_bills_line_whichever_key_that_names(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    lines, tokens_of = billed(), traced()
    costs = dict(
        warehouse.execute(
            "select split_part(attempt_id, ':', 2), direct_cost from marts.attempt_costs "
            "where provider_name = 'openai' and status <> 'cached' and direct_cost is not null"
        ).fetchall()
    )
    assert costs.keys() == calls().keys()
    for number, (day, model, counts) in calls().items():
        expected = Decimal(0)
        for bucket, tokens in counts.items():
            amount, quantity = lines[day, model, bucket]
            if tokens:
                expected += amount * tokens / max(quantity, tokens_of[day, model, bucket])
        # Each of three buckets is rounded down to a nano-unit.
        assert abs(costs[number] - expected) < Decimal("0.000000004"), number


@pytest.mark.slow
def test_a_line_says_what_was_billed_of_all_keys_and_what_was_traced(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute("""
        select charge_date, model, token_type, effective_cost, billed_tokens, traced_tokens
        from marts.token_lines_daily where traced_tokens > 0
    """).fetchall()
    tokens_of = traced()
    lines = billed()
    assert {row[:3]: row[3:] for row in found} == {
        line: (*lines[line], tokens) for line, tokens in tokens_of.items() if tokens
    }
    assert len(found) == sum(tokens > 0 for tokens in tokens_of.values())


@pytest.mark.slow
def test_the_ledger_is_the_bill_to_the_last_digit(warehouse: duckdb.DuckDBPyConnection) -> None:
    sums = warehouse.execute("""
        select
            (select sum(effective_cost) from marts.allocated_costs),
            (select sum(effective_cost) from staging.stg_lake__charges),
            (select sum(effective_cost) from marts.allocated_costs where component = 'direct'),
            (select sum(direct_cost) from marts.attempt_costs)
    """).fetchone()
    assert sums is not None
    ledger, bill, direct, attempts = sums
    assert ledger == bill
    assert direct == attempts > 0


@pytest.mark.slow
def test_calls_that_a_second_source_tells_of_again_count_once(
    gateway: Company, warehouse: duckdb.DuckDBPyConnection
) -> None:
    answered = (
        "provider_name = 'openai' and status in ('ok', 'error') and uncached_input_tokens > 0"
    )
    counted = warehouse.execute(
        f"select count(*) from marts.attempt_costs where {answered}"
    ).fetchone()
    told_again = warehouse.execute(
        "select sum(day.rows) from (select unnest(days) as day from lake.index "
        "where source = 'spans' and \"table\" = 'attempts')"
    ).fetchone()
    assert counted == told_again == (len(calls()),)
    [line] = [
        line for line in gateway.unitledger("sources").stdout.splitlines() if " spans " in line
    ]
    assert [cell.strip() for cell in line.split("\u2502")][1:4] == ["spans", "otel_genai", "no"]
