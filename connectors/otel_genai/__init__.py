"""OpenTelemetry spans of model calls, as the collector's file exporter writes them (OTLP/JSON).

    location   folder (or s3://bucket/prefix) of *.jsonl, *.json and *.gz at any depth: one
               {"resourceSpans": […]} a line, or one such object a file. Metrics and logs beside
               them are left alone; snake_case keys are read too.
    slot       a file, by its path below the location; its version is a hash of its bytes
    attempts   one row a leaf: a chat, text_completion, generate_content or embeddings span with no
               such span below it in its trace. Of a client's span with a model server's span below
               it, the server's is the attempt. Agents and workflows repeat the usage of what they
               call and are never one. Of a span delivered twice the first is used.

Current names of the GenAI conventions are read before older ones (gen_ai.system, prompt_tokens,
OpenInference, OpenLLMetry, vLLM). Entities come from the configured attribute names: of the span,
else of its nearest ancestor, else of its own resource, else of an ancestor's. `inference` is not
read from resources, which live longer. `pod` is where the model ran, so only the span itself tells
it: by an attribute, or by its resource unless it is a client's.

Tokens. The conventions count cached and audio tokens inside input, reasoning and audio inside
output; our columns are disjoint. A part that is not mentioned is 0 where its whole is known, since
instruments leave zeros out; a whole that is not mentioned is NULL; an embedding has no output. A
cached audio token counts as cached. How long cache writes live no span says: see `cache_write`. A
request refused with 4xx, or an error type that means the same, is `rejected` and has no tokens.

Quarantined, each with its reason, and not an attempt:
    - ids that are not hexadecimal; times that are unreadable, outside 2000 to 2099, or reversed
    - an end far ahead of its file's other spans (a clock that runs ahead): later than the third
      quartile by more than a day and by more than three interquartile ranges
    - counts that are negative, no whole numbers, or parts greater than their whole
    - an operation that is not known, or not named, though the span carries usage
A span without a model is an attempt without a model.
"""

from connectors._base import About, Connector, InputColumn, Source
from connectors.otel_genai._attempts import attempts, quarantine
from connectors.otel_genai._delivery import OtelOptions, discover, fetch
from connectors.otel_genai._names import LEAF
from connectors.otel_genai._read import LEAF_SPAN, read
from models.tables import ATTEMPTS, QUARANTINE


def normalize(source: Source) -> dict[str, str]:
    """Return the SQL of both tables."""
    assert isinstance(source.options, OtelOptions)
    return {"attempts": attempts(source, source.options.cache_write), "quarantine": quarantine()}


CONNECTOR = Connector(
    name="otel_genai",
    title="OpenTelemetry GenAI spans, OTLP/JSON",
    produces=(ATTEMPTS, QUARANTINE),
    inputs={
        "raw": (
            InputColumn("attributes", "map"),
            InputColumn("resource_attributes", "map"),
        ),
        # Calls of a model that no other call repeats.
        "leaf": tuple(
            InputColumn(name)
            for name in (*LEAF_SPAN, "operation_name", "absent_parent_span_id", *LEAF)
        ),
        # Of each leaf: itself (distance 0) and its ancestors, by their x_row.
        "lineage": (InputColumn("ancestor_row"), InputColumn("distance")),
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts="select null as billing_currency, null as amount from raw",
    about=About(
        vendor="OpenTelemetry",
        kind="telemetry",
        interface="OTLP/JSON files of GenAI spans in a folder or bucket",
        granularity="attempt (leaf inference span)",
        restated="a file that changed is read again; late files are welcome",
        cannot_tell="requests without a span, and tokens that a cut-off stream did not report",
        tested_with="the sample company's spans, OTLP's own examples",
    ),
    options=OtelOptions,
)
