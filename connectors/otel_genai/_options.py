"""What a source of telemetry may configure."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors._base import Options
from connectors.otel_genai._names import GATEWAY

Entity = Literal["customer", "feature", "workflow", "team", "environment"]
SpanColumn = Literal[
    "trace_id",
    "span_id",
    "parent_span_id",
    "kind",
    "start_time",
    "end_time",
    "duration",
    "status_code",
    "trace_state",
    "scope_name",
    "service_name",
    "attributes",
    "resource_attributes",
]


class Gateway(BaseModel):
    """What a gateway knows of a request by the key that it came with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: Mapping[Entity, tuple[str, ...]] = Field(
        default_factory=lambda: dict(GATEWAY),  # type: ignore[arg-type]
        description="Span attributes in which the gateway tells an entity.",
    )
    keys: Mapping[str, Mapping[Entity, str]] = Field(
        default_factory=dict, description="Of a key, its hash or its alias: whose it is."
    )


class OtelOptions(Options):
    """How spans are read."""

    cache_write: Literal["5m", "1h"] = Field(
        "5m", description="How long what is written to the prompt cache lives, if no span says so."
    )
    disjoint_scopes: tuple[str, ...] = Field(
        (), description="Instrumentation scopes whose input tokens leave out the cached ones."
    )
    baggage_prefix: str = Field(
        "baggage.", description="What a span processor puts before a copy of baggage."
    )
    chained: bool = Field(
        False, description="Cumulative counters go on from file to file, in the order of paths."
    )
    gateway: Gateway = Gateway()
    trusted_services: tuple[str, ...] | None = Field(
        None, description="Globs of service.name: only these may say whose a request is."
    )
    columns: Mapping[SpanColumn, str] = Field(
        default_factory=dict, description="Of Parquet files: the column that holds each of these."
    )
