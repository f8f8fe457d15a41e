"""OpenTelemetry of model calls: spans and metrics, OTLP/JSON as the collector's file exporter
writes them, and spans in Parquet.

    location   folder (or s3://bucket/prefix) of *.jsonl, *.json, *.gz and *.parquet at any depth:
               one {"resourceSpans": […]} or {"resourceMetrics": […]} a line, or one such object a
               file; in Parquet a row a span. Logs are left alone; snake_case keys are read too.
    slot       a file, by its path below the location; its version is a hash of its bytes
    attempts   one row a leaf: a chat, text_completion, generate_content or embeddings span with no
               such span below it in its trace. Of a client's span with a model server's span below
               it, the server's is the attempt; of one call that two instrumentations saw, the inner
               span. Agents and workflows repeat the usage of what they call and are never one. Of a
               span delivered twice the first is used.
    counters   what counters of tokens and requests gained: see `_counters`

Current names of the GenAI conventions are read before all others: see `_names`. Entities come from
the configured attribute names, and `attribute_sources` says where each was found: see `_entities`.
`inference` is not read from resources, which live longer. `pod` is where the model ran, so only the
span itself tells it: by an attribute, or by its resource unless it is a client's.

Tokens. The conventions count cached and audio tokens inside input, reasoning and audio inside
output; our columns are disjoint. Counts that leave cached tokens out of the input are told apart by
what nobody can mistake: Langfuse's and Anthropic's own objects (see `_details`), a total that is
right only if they are added, or a scope that `disjoint_scopes` names; nothing is guessed from a
vendor's name. A part that is not mentioned is 0 where its whole is known, since instruments leave
zeros out; a whole that is not mentioned is NULL; an embedding has no output. A cached audio token
counts as cached. How long cache writes live few spans say: see `cache_write`. A request refused
with 4xx, or an error type that means the same, is `rejected`, and one that a gateway answered from
its own cache is `cached`; neither has tokens.

Quarantined, each with its reason, and not an attempt:
    - ids that are not hexadecimal; times that are unreadable, outside 2000 to 2099, or reversed
    - an end far ahead of its file's other spans (a clock that runs ahead): later than the third
      quartile by more than a day and by more than three interquartile ranges
    - counts that are negative, no whole numbers, or parts greater than their whole
    - an operation that is not known, or not named, though the span carries usage
Quarantined points are no numbers, negative, or of a metric that does not count. Nobody believes a
service that `trusted_services` does not list: each value it says stands in the quarantine once.
A span without a model is an attempt without a model.
"""

from dataclasses import replace
from functools import partial

from connectors._base import About, Connector, InputColumn, Options, Source
from connectors.otel_genai._attempts import attempts, quarantine
from connectors.otel_genai._counters import counter_deltas, quarantine_ctes
from connectors.otel_genai._delivery import discover, fetch
from connectors.otel_genai._leaves import LEAF_SPAN
from connectors.otel_genai._names import LEAF
from connectors.otel_genai._options import OtelOptions
from connectors.otel_genai._read import read
from models.signals import COUNTER_DELTAS
from models.tables import ATTEMPTS, QUARANTINE


def normalize(source: Source) -> dict[str, str]:
    """Return the SQL of all tables."""
    assert isinstance(source.options, OtelOptions)
    # These decide what is read: other columns, other rows.
    decide = source.options.model_dump(
        include={"columns", "disjoint_scopes"}, exclude_defaults=True
    )
    note = f"-- {decide}\n" if decide else ""
    return {
        "attempts": note + attempts(source),
        "quarantine": note + quarantine(source, quarantine_ctes()),
        "counter_deltas": counter_deltas(source),
    }


def _configured(options: Options) -> Connector:
    assert isinstance(options, OtelOptions)
    return replace(CONNECTOR, read=partial(read, options))


CONNECTOR = Connector(
    name="otel_genai",
    title="OpenTelemetry GenAI spans and metrics, OTLP/JSON and Parquet",
    produces=(ATTEMPTS, QUARANTINE, COUNTER_DELTAS),
    inputs={
        "raw": (
            InputColumn("attributes", "map"),
            InputColumn("resource_attributes", "map"),
        ),
        # Calls of a model that no other call repeats, as numbers.
        "judged": tuple(
            InputColumn(name)
            for name in (*LEAF_SPAN, "operation_name", "absent_parent_span_id", *LEAF)
        ),
        # Of each leaf: itself (distance 0) and its ancestors, by their x_row.
        "lineage": (InputColumn("ancestor_row"), InputColumn("distance")),
        # Who sent the spans.
        "resource": (InputColumn("resource_id"), InputColumn("attributes", "map")),
        # Points of metrics.
        "point": (InputColumn("metric"), InputColumn("attributes", "map")),
        "measured": (InputColumn("metric"), InputColumn("attributes", "map")),
    },
    discover=discover,
    fetch=fetch,
    read=partial(read, OtelOptions()),
    normalize=normalize,
    amounts="""
        select null as billing_currency, null as amount from raw
        union all
        select null as billing_currency, null as amount from point where not is_previous
    """,
    about=About(
        vendor="OpenTelemetry",
        kind="telemetry",
        interface="OTLP/JSON files of GenAI spans and metrics, or Parquet, in a folder or bucket",
        granularity="attempt (leaf inference span); a counter's gain between two points",
        restated="a file that changed is read again; late files are welcome",
        cannot_tell="requests without a span, and tokens that a cut-off stream did not report",
        tested_with="the sample company's spans and metrics, OTLP's own examples",
    ),
    options=OtelOptions,
    configured=_configured,
)
