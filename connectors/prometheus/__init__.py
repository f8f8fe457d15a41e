"""Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics): counters, gauges, states.

    location   http(s)://host:9090, or a folder (or s3://bucket/prefix) of answers that were saved
               as sent: 2026-10-31/vllm-0001.json, of metric[1h] or of query_range
    slot       a UTC day, with the hour before and the hour after it
    asked      the samples themselves (`metric[4h]`): query_range repeats a sample for up to five
               minutes and so hides gaps; `read: query_range` asks for that all the same

What a metric means stands in one table, `_metrics.py`: vLLM, SGLang, TGI, Triton, DCGM,
kube-state-metrics, cAdvisor.

    counter_deltas    what a counter gained between two samples; never rate() or increase(). Less
                      than before is a reset: then all that it shows was gained. A gain over
                      midnight belongs to the day in which it began. A counter seen for the first
                      time adds nothing, unless its pod or label is known to have begun since the
                      last scrape. Stretches without a gain are one row an hour.
    gauge_samples     believed until the next scrape of the same target, at most for `staleness`;
                      stretches without a change are one row an hour; of a pod's servers and
                      containers, the sum
    resource_states   of nodes and pods with GPUs (without GPUs in the node: all pods that ask for
                      CPU), where kube-state-metrics says so and the sample is believed; no sample,
                      no state
    quarantine        values that are no number, DCGM's signs for no value, the server's warnings

Pods are known by uid: of a name, the pod that had it at the time (kube_pod_info). A node is called
what the bill calls it: the option `resources`, else its provider id, else its name.
"""

from connectors._base import About, Connector, InputColumn, Source
from connectors.prometheus._counters import counter_deltas
from connectors.prometheus._fetch import discover, fetch
from connectors.prometheus._gauges import gauge_samples
from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._quarantine import QUARANTINE as QUARANTINE_SQL
from connectors.prometheus._read import read
from connectors.prometheus._states import resource_states
from models.signals import COUNTER_DELTAS, GAUGE_SAMPLES, RESOURCE_STATES
from models.tables import QUARANTINE


def normalize(source: Source) -> dict[str, str]:
    """Return the SQL of the tables."""
    assert isinstance(source.options, PrometheusOptions)
    return {
        "counter_deltas": counter_deltas(source.options),
        "gauge_samples": gauge_samples(source.options),
        "resource_states": resource_states(source.options),
        "quarantine": QUARANTINE_SQL,
    }


CONNECTOR = Connector(
    name="prometheus",
    title="Prometheus metrics of model servers, GPUs and Kubernetes",
    produces=(COUNTER_DELTAS, GAUGE_SAMPLES, RESOURCE_STATES, QUARANTINE),
    inputs={
        "raw": (InputColumn("x_row", "integer", required=True),),
        "day": (InputColumn("starts", "time", required=True),),
        "reading": (InputColumn("series_id"), InputColumn("sampled_at", "time")),
        "known_series": (InputColumn("series_id"), InputColumn("says")),
        "pod": (InputColumn("uid"),),
        "node": (InputColumn("node_name"),),
        "holder": (InputColumn("uid"),),
        "spoiled": (InputColumn("metric"),),
        "page": (InputColumn("warnings"),),
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts="select null as billing_currency, null as amount from raw",
    about=About(
        vendor="Prometheus",
        kind="telemetry",
        interface="HTTP API (also of Thanos and Mimir), or saved answers in a folder or bucket",
        granularity="sample, milliseconds",
        restated="the last days are read again: today, and `reread_days` before it",
        cannot_tell="what happened between two samples, and whose the requests were",
        tested_with="Debian's Prometheus, filled by promtool; the sample company's answers",
    ),
    options=PrometheusOptions,
)
