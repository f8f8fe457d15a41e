"""OpenTelemetry's part in tests: spans as OTLP/JSON, and a folder of them with a lake."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from connectors import all_connectors
from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from models.config import DEFAULT_ATTRIBUTES

OTEL = all_connectors()["otel_genai"]
EXAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "telemetry" / "otlp-examples"
TRACE = "0af7651916cd43dd8448eb211c80319c"
NOON = 1_790_856_000 * 10**9  # 2026-10-01T12:00:00Z
SECOND, DAY = 10**9, 86_400 * 10**9
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE = "gen_ai.usage.cache_creation.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
AUDIO_INPUT, AUDIO_OUTPUT = "gen_ai.usage.audio.input_tokens", "gen_ai.usage.audio.output_tokens"

Json = dict[str, Any]


def listed(attributes: Json) -> list[Json]:
    """Attributes as OTLP/JSON writes them: whole numbers as text."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
        for key, value in attributes.items()
    ]


def span(number: int, parent: int | None, attributes: Json, **fields: Any) -> Json:
    """A client's span of one second, `number` seconds after noon."""
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        **({} if parent is None else {"parentSpanId": f"{parent:016x}"}),
        "kind": 3,
        "startTimeUnixNano": str(NOON + number * SECOND),
        "endTimeUnixNano": str(NOON + (number + 1) * SECOND),
        "attributes": listed(attributes),
        **fields,
    }


def record(*spans: Json, resource: Json | None = None) -> Json:
    """What one resource sent."""
    resource_spans = {
        "resource": {"attributes": listed(resource or {})},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": list(spans)}],
    }
    return {"resourceSpans": [resource_spans]}


def point(second: int, value: int | float, attributes: Json | None = None, **fields: Any) -> Json:
    """A point of a counter that started at noon, `second` seconds after noon."""
    number = {"asInt": str(value)} if isinstance(value, int) else {"asDouble": value}
    return {
        "startTimeUnixNano": str(NOON),
        "timeUnixNano": str(NOON + second * SECOND),
        "attributes": listed(attributes or {}),
        **number,
        **fields,
    }


def bucketed(second: int, count: int, sum: float, attributes: Json, **fields: Any) -> Json:
    """A point of a histogram."""
    numbers = {"count": str(count), "sum": sum, "bucketCounts": [str(count)]}
    return {**point(second, 0, attributes), **numbers, **fields}


def counter(name: str, *points: Json, temporality: int | str = 2, **fields: Any) -> Json:
    data = {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": list(points)}
    return {"name": name, "sum": {**data, **fields}}


def histogram(name: str, *points: Json, temporality: int | str = 2) -> Json:
    data = {"aggregationTemporality": temporality, "dataPoints": list(points)}
    return {"name": name, "histogram": data}


def metrics(*sent: Json, resource: Json | None = None, scope: str = "test") -> Json:
    """What one resource sent of metrics."""
    scopes = [{"scope": {"name": scope}, "metrics": list(sent)}]
    return {
        "resourceMetrics": [
            {"resource": {"attributes": listed(resource or {})}, "scopeMetrics": scopes}
        ]
    }


def gains(rows: list[Json]) -> list[tuple[int, int, str, Decimal, bool]]:
    """Seconds after noon from and to, the counter, what it gained, and whether it began again."""
    noon = min(row["counted_from"] for row in rows).replace(hour=12, minute=0, second=0)
    return [
        (
            int((row["counted_from"] - noon).total_seconds()),
            int((row["counted_to"] - noon).total_seconds()),
            row["counter"],
            row["quantity"],
            row["is_reset"],
        )
        for row in rows
    ]


class Telemetry:
    """A folder of span files and the lake that they land in."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.folder, self.lake = root / "otel", Lake(root / "lake")
        self.folder.mkdir()
        attributes = DEFAULT_ATTRIBUTES | {"team": ("team.name", "squad")}
        self.source = Source("traces", str(self.folder), OTEL.options(**options), attributes)
        assert OTEL.configured
        self.connector = OTEL.configured(self.source.options)

    def write(self, *records: Json, name: str = "day.jsonl") -> Path:
        """Write a file of records, one a line."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in records))
        return file

    def land(self) -> LandReport:
        return self.lake.land(self.source, self.connector, Window())

    def failures(self) -> dict[str, str]:
        """Land and normalize; return the sentence of each file that failed."""
        return self.land().failures | normalize(self.lake, self.source, self.connector)

    def files(self, table: str) -> list[str]:
        index = self.lake.index().filter(table=table)
        return [str(self.lake.root / file) for file in index["file"]]

    def rows(self, table: str = "attempts") -> list[Json]:
        """Land and normalize every file; return the rows of a table in the order of the files."""
        assert self.failures() == {}
        order = "x_file, x_row, counter" if table == "counter_deltas" else "x_file, x_row"
        return duckdb.read_parquet(self.files(table)).order(order).pl().to_dicts()

    def counters(self, *records: Json) -> list[Json]:
        """Return what the counters of a file of these records gained."""
        self.write(*records)
        return self.rows("counter_deltas")

    def calls(self, *attributes: Json) -> list[Json]:
        """Return the attempts of spans with these attributes, each in no one's call."""
        spans = (span(number, None, each) for number, each in enumerate(attributes, start=1))
        return self.attempts(record(*spans))

    def attempts(self, *records: Json) -> list[Json]:
        """Return the attempts of a file of these records."""
        self.write(*records)
        return self.rows()
