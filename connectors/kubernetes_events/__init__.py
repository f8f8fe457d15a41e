"""Kubernetes: events, and what pods, nodes and node claims say of themselves.

Location: a folder (or s3://bucket/prefix) of .json, .jsonl and .gz of these, in any mixture:

    - objects, a line each or a list a file: `kubectl get events,pods,nodes -o json`
    - what a watch sends: {"type": "MODIFIED", "object": {…}}, best with the `time` (`timestamp`,
      `@timestamp`) at which it came: else only the object's own times tell when it was gone
    - OTLP logs of the collector's k8sobjects and k8sevents receivers
    - lines of the Kubernetes event exporter, and of GKE's events in Cloud Logging

Events expire after an hour: what was not shipped is unknown, not "nothing happened".

Slots. Files whose paths name one day are one delivery, all others are their own. A repeated event
is sent again with a higher count, whatever the file: in a delivery the highest count of a uid is in
force, and the order of arrival does not matter. Over midnight an event can stand in two
deliveries: both rows have the same event_uid and the day of the first occurrence, and the greater
`repeated` is the later one.

Events (core/v1, events.k8s.io/v1) become `scale_events`: what a reason means stands in one table,
`_reasons.py`; every other is 'other', and kept. `duration_ms` of a pull is the pull itself, without
what it waited for others. A NodeClaim is a 'node_requested' of its own. The pool is that of the
object's machine, of the node selector, of the message, or of the deployment's pods.

States (`resource_states`) come from objects, never from events, by uid and the machine's
spec.providerID; names are used again. Machines: provisioning from the launch of the NodeClaim (else
the node's creation) until it is initialized (else ready), node_ready, and terminating from when its
pods had gone (else its deletion) until it is gone. Pods: starting from scheduled until ready and
whenever not ready, ready, terminating from the request of deletion on. What a watch said last holds
until the end of the stream of its delivery, what a list said until it was made; after that, and
while a node does not answer, there is no state: unknown, never idle.

GPUs: a pod with some of a machine's GPUs has `slots` of `slots_of`; MIG counts compute sevenths,
time-slicing replicas. Of several GPUs nothing tells which ones. On a machine without GPUs the parts
are millicores, asked for of those that can be given away; a pod that asks for none has one. Pods
without a GPU on a machine with GPUs have no part of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._base import (
    NO_AMOUNTS,
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Source,
    Window,
)
from connectors._complete import check_text
from connectors._days import discover_days, fetch_days
from connectors.kubernetes_events import _objects
from connectors.kubernetes_events._events import events, quarantine
from connectors.kubernetes_events._options import KubernetesOptions
from connectors.kubernetes_events._read import read_objects
from connectors.kubernetes_events._states import states
from models.signals import RESOURCE_STATES, SCALE_EVENTS
from models.tables import QUARANTINE

_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_TABLES = {
    "event": ("an_event", _objects.EVENT),
    "pod": ("a_pod", _objects.POD),
    "node": ("a_node", _objects.NODE),
    "claim": ("a_claim", _objects.CLAIM),
    "target": ("a_target", _objects.TARGET),
}


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield a delivery a day of the files, and a delivery each other file."""
    del window
    return discover_days(source, landed, _SUFFIXES)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the files as they were when they were found."""
    for copy in fetch_days(source, delivery, folder):
        name = f"{source.name}: {copy.relative_to(folder).as_posix()}"
        check_text(copy, name, ends_its_lines=False)
    return delivery


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the queries of `raw`, every object, and of what is looked at of each kind."""
    for macro in _objects.MACROS:
        connection.execute(macro)
    read_objects(connection, folder, files)
    for _, query in _TABLES.values():
        connection.execute(query)
    found = {name: f"select * from {table}" for name, (table, _) in _TABLES.items()}
    return {"raw": "select kind, x_file, x_row, x_place from sent", **found}


def normalize(source: Source) -> dict[str, str]:
    """Return the SQL of the three tables."""
    options = source.options
    assert isinstance(options, KubernetesOptions)
    return {
        "scale_events": events(options),
        "resource_states": states(options),
        "quarantine": quarantine(options),
    }


CONNECTOR = Connector(
    name="kubernetes_events",
    title="Kubernetes events and objects, JSON",
    produces=(SCALE_EVENTS, RESOURCE_STATES, QUARANTINE),
    inputs={"raw": (InputColumn("kind"),), **dict.fromkeys(_TABLES, ())},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=NO_AMOUNTS,
    about=About(
        vendor="Kubernetes",
        kind="telemetry",
        interface="JSON files of events and objects: kubectl, watches, OpenTelemetry, exporters",
        granularity="event; state interval of a machine or pod",
        restated="the files of a day are read again when one of them changes",
        cannot_tell="events that expired before they were shipped; which GPUs of several a pod has",
        tested_with="the sample company's clusters, states computed apart",
    ),
    options=KubernetesOptions,
)
