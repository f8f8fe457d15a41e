"""The sample company's telemetry: as much as the control totals say, awkward where it should be.

Everything is read from the written files.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

SAMPLES = Path(__file__).parent.parent / "data_samples"
Row = dict[str, Any]


def read_csv(path: Path) -> list[Row]:
    return list(csv.DictReader(path.read_text().splitlines()))


def spans() -> Iterator[Row]:
    """Every delivered span with its file's day, its attributes and its resource's as dicts."""
    for path in sorted((SAMPLES / "otel").glob("*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        yield span | {
                            "day": path.name[:10],
                            "resource": attributes(resource["resource"]),
                            "attributes": attributes(span),
                        }


def attributes(owner: Row) -> Row:
    return {
        pair["key"]: int(value) if kind == "intValue" else value
        for pair in owner["attributes"]
        for kind, value in pair["value"].items()
    }


def tokens(span: Row) -> tuple[int, int]:
    """Input and output under current or older names."""
    found = span["attributes"]
    given = found.get("gen_ai.usage.input_tokens", found.get("gen_ai.usage.prompt_tokens", 0))
    made = found.get("gen_ai.usage.output_tokens", found.get("gen_ai.usage.completion_tokens", 0))
    return given, made


def billed_tokens() -> dict[tuple[object, ...], int]:
    """Input and output tokens of OpenAI's usage API by day, key and model."""
    found = {}
    pages = (SAMPLES / "openai").glob("*/*/*.json")
    for path in (page for page in pages if page.name.startswith(("completions", "embeddings"))):
        for bucket in json.loads(path.read_text())["data"]:
            for row in bucket["results"]:
                key = (bucket["start_time"], row["api_key_id"], row["model"])
                found[key] = row["input_tokens"] + row.get("output_tokens", 0)
    return found


@pytest.fixture(scope="module")
def all_spans() -> list[Row]:
    return list(spans())


@pytest.fixture(scope="module")
def attempts() -> list[Row]:
    return pq.read_table(SAMPLES / "truth" / "attempts.parquet").to_pylist()


def test_control_totals_count_every_delivered_span_and_lifecycle_row(all_spans: list[Row]) -> None:
    totals = {row["source"]: row for row in read_csv(SAMPLES / "control_totals.csv")}
    assert int(totals["traces"]["rows"]) == len(all_spans)
    lifecycle = [len(read_csv(path)) for path in (SAMPLES / "node_lifecycle").glob("*.csv")]
    assert int(totals["nodes"]["rows"]) == sum(lifecycle)


def test_spans_show_no_more_tokens_than_openai_billed(all_spans: list[Row]) -> None:
    """Deduplicated leaf spans against the usage API, by day, key and model."""
    seen: dict[tuple[object, ...], int] = defaultdict(int)
    leaves = {(span["traceId"], span["spanId"]): span for span in all_spans}
    for span in leaves.values():
        found = span["attributes"]
        if "openai.api_key_id" in found and found["http.response.status_code"] != 429:
            day = int(span["endTimeUnixNano"]) // 10**9 // 86_400 * 86_400
            seen[day, found["openai.api_key_id"], found["gen_ai.response.model"]] += sum(
                tokens(span)
            )
    usage = billed_tokens()
    missing = {key: total - seen[key] for key, total in usage.items()}
    assert seen.keys() <= usage.keys()
    assert min(missing.values()) == 0
    assert sum(value > 0 for value in missing.values()) > 50


def test_the_spans_hold_every_awkward_case(all_spans: list[Row], attempts: list[Row]) -> None:
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for span in all_spans:
        places[span["traceId"], span["spanId"]].append(span["day"])
    repeated = [days for days in places.values() if len(days) > 1]
    assert any(len(set(days)) == 1 for days in repeated)
    assert any(len(set(days)) == 2 for days in repeated)
    found = [span["attributes"] for span in all_spans]
    older = sum("gen_ai.system" in values for values in found)
    assert Decimal("0.05") < Decimal(older) / len(found) < Decimal("0.25")
    refused = [values for values in found if values.get("http.response.status_code") == 429]
    assert any(values.get("gen_ai.usage.output_tokens") for values in refused)
    assert not all(values.get("gen_ai.usage.output_tokens") for values in refused)
    models: dict[str, set[str]] = defaultdict(set)
    for values in found:
        if "app.operation.id" in values:
            models[values["app.operation.id"]].add(values["gen_ai.request.model"])
    assert {"gpt-5", "gpt-5-mini"} in models.values()
    outcomes = {row["outcome"] for row in attempts}
    assert outcomes == {"ok", "failed", "rejected", "cut_off", "untraced"}
    assert any(row["customer_id"] is None for row in attempts)


def test_every_observed_attempt_has_its_leaf_span_and_no_untraced_one_has(
    all_spans: list[Row], attempts: list[Row]
) -> None:
    parents = {(span["traceId"], span.get("parentSpanId")) for span in all_spans}
    leaves = {
        f"{span['traceId']}:{span['spanId']}": span
        for span in all_spans
        if (span["traceId"], span["spanId"]) not in parents
    }
    traced = {row["attempt_id"] for row in attempts if row["outcome"] != "untraced"}
    assert traced == leaves.keys()
    assert traced.isdisjoint(row["attempt_id"] for row in attempts if row["outcome"] == "untraced")


def test_some_attempts_run_on_a_gpu_over_midnight(all_spans: list[Row]) -> None:
    day = 86_400 * 10**9
    crossing = [
        span
        for span in all_spans
        if "k8s.pod.uid" in span["resource"]
        and int(span["startTimeUnixNano"]) // day != int(span["endTimeUnixNano"]) // day
    ]
    assert len(crossing) >= 5
