"""OpenTelemetry's part in tests: spans as OTLP/JSON, and a folder of them with a lake."""

import json
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
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value) if isinstance(value, int) else value}}
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


class Telemetry:
    """A folder of span files and the lake that they land in."""

    def __init__(self, root: Path, **options: str) -> None:
        self.folder, self.lake = root / "otel", Lake(root / "lake")
        self.folder.mkdir()
        attributes = DEFAULT_ATTRIBUTES | {"team": ("team.name", "squad")}
        self.source = Source("traces", str(self.folder), OTEL.options(**options), attributes)

    def write(self, *records: Json, name: str = "day.jsonl") -> Path:
        """Write a file of records, one a line."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in records))
        return file

    def land(self) -> LandReport:
        return self.lake.land(self.source, OTEL, Window())

    def failures(self) -> dict[str, str]:
        """Land and normalize; return the sentence of each file that failed."""
        return self.land().failures | normalize(self.lake, self.source, OTEL)

    def files(self, table: str) -> list[str]:
        index = self.lake.index().filter(table=table)
        return [str(self.lake.root / file) for file in index["file"]]

    def rows(self, table: str = "attempts") -> list[Json]:
        """Land and normalize every file; return the rows of a table in the order of the files."""
        assert self.failures() == {}
        return duckdb.read_parquet(self.files(table)).pl().sort("x_file", "x_row").to_dicts()

    def attempts(self, *records: Json) -> list[Json]:
        """Return the attempts of a file of these records."""
        self.write(*records)
        return self.rows()
