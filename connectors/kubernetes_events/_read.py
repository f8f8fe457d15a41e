"""Every object that the files carry, whatever it is wrapped in.

Temporary tables: `sent`, a row an object with the fields that are looked at, and its views `event`,
`pod`, `node` and `claim`.
"""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connectors._sql import quoted
from connectors.kubernetes_events._otlp import is_otlp, records

_MAP = "MAP(VARCHAR, VARCHAR)"
_REFERENCE = dict.fromkeys(("kind", "namespace", "name", "uid", "fieldPath"), "VARCHAR")
_RESOURCES = {"requests": _MAP, "limits": _MAP}
_CONTAINER = {
    "name": "VARCHAR", "image": "VARCHAR", "restartPolicy": "VARCHAR", "resources": _RESOURCES,
    "command": ["VARCHAR"], "args": ["VARCHAR"],
}  # fmt: skip
_TERMINATED = {"terminated": {"finishedAt": "VARCHAR"}}
_RUN = {
    "restartCount": "BIGINT",
    "state": {"running": {"startedAt": "VARCHAR"}, **_TERMINATED},
}
_CONDITION = dict.fromkeys(
    ("type", "status", "reason", "lastTransitionTime", "lastHeartbeatTime"), "VARCHAR"
)
_OBJECT: dict[str, Any] = {
    "kind": "VARCHAR",
    "metadata": {
        **dict.fromkeys(
            ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"), "VARCHAR"
        ),
        "deletionGracePeriodSeconds": "BIGINT",
        "labels": _MAP,
        "annotations": _MAP,
        "ownerReferences": [_REFERENCE],
    },
    "spec": {
        "providerID": "VARCHAR", "nodeName": "VARCHAR", "nodeSelector": _MAP, "overhead": _MAP,
        "containers": [_CONTAINER], "initContainers": [_CONTAINER],
        "scaleTargetRef": {"name": "VARCHAR"},
    },
    "status": {
        "phase": "VARCHAR", "providerID": "VARCHAR", "nodeName": "VARCHAR",
        "capacity": _MAP, "allocatable": _MAP,
        "conditions": [_CONDITION], "containerStatuses": [_RUN],
    },
    # Of an event, in core/v1 and in events.k8s.io/v1.
    **dict.fromkeys(
        ("reason", "message", "note", "eventTime", "firstTimestamp", "lastTimestamp",
         "lastUnixNano", "deprecatedFirstTimestamp", "deprecatedLastTimestamp",
         "reportingComponent", "reportingController", "clusterName"),
        "VARCHAR",
    ),
    "count": "BIGINT",
    "deprecatedCount": "BIGINT",
    "series": {"count": "BIGINT", "lastObservedTime": "VARCHAR"},
    "source": {"component": "VARCHAR", "host": "VARCHAR"},
    "deprecatedSource": {"component": "VARCHAR", "host": "VARCHAR"},
    "involvedObject": _REFERENCE,
    "regarding": _REFERENCE,
}  # fmt: skip
STRUCTURE = quoted(json.dumps(_OBJECT))
# Bytes of a document, which is a line or a whole file: room for a large one only where needed.
_DOCUMENT_BYTES = (16 << 20, 1 << 30)
_LOG_RECORD = ("json", "observed", "cluster")
_BATCH = 20_000

MACROS = (
    # Go writes '2026-10-08 07:52:31 +0000 UTC', and year 1 for no time at all.
    """
    create or replace temp macro moment(text) as nullif(
        try_cast(try_cast(
            regexp_replace(text, ' ([+-][0-9]+) [A-Z]+.*$', '\\1') as timestamptz) as timestamp),
        timestamp '0001-01-01')
    """,
    """
    create or replace temp macro unix_nano(text) as
        make_timestamp(nullif(try_cast(text as bigint), 0) // 1000)
    """,
    # The condition of a type: its status, and since when.
    """
    create or replace temp macro condition(conditions, name) as
        list_filter(conditions, lambda item: item.type = name)[1]
    """,
    """
    create or replace temp macro since(conditions, name) as if(
        condition(conditions, name).status = 'True',
        moment(condition(conditions, name).lastTransitionTime), null)
    """,
    # When any of these was written: the object was seen then, or later.
    """
    create or replace temp macro latest(conditions) as greatest(
        list_max(list_transform(conditions, lambda item: moment(item.lastTransitionTime))),
        list_max(list_transform(conditions, lambda item: moment(item.lastHeartbeatTime))))
    """,
    "create or replace temp macro label(labels, name) as nullif(labels[name], '')",
)

# A list of objects, what a watch or another sender wraps around one, or the object alone.
_WRAPPER = quoted(
    json.dumps(
        {"items": ["JSON"], "object": "JSON", "event": "JSON", "jsonPayload": "JSON"}
        | dict.fromkeys(("kind", "type", "verb", "time", "timestamp", "@timestamp"), "VARCHAR")
    )
)
_KIND = quoted(
    json.dumps(
        {"kind": "VARCHAR", "clusterName": "VARCHAR"}
        | {name: {"kind": "VARCHAR"} for name in ("involvedObject", "regarding")}
    )
)
_UNWRAPPED = """
    with documents as (
        select row_number() over () as document, json, {observed} as observed,
            {cluster} as cluster, from_json(json, {wrapper}) as sent
        from {scan}
    ),
    items as (
        select
            document, cluster, sent.kind as of_kind,
            case when sent.object is not null or sent.event is not null
                then upper(coalesce(sent.type, sent.verb)) end as watch,
            coalesce(
                observed, moment(sent.time), moment(sent.timestamp), moment(sent."@timestamp")
            ) as observed,
            unnest(coalesce(
                sent.items, [coalesce(sent.object, sent.event, sent.jsonPayload, json::json)]
            )) as item
        from documents
    ),
    objects as (select *, from_json(item, {kind}) as object from items)
    select
        case
            when object.involvedObject is not null or object.regarding is not null then 'Event'
            else coalesce(object.kind, nullif(regexp_extract(of_kind, '^(.+)List$', 1), ''))
        end as kind,
        watch,
        observed,
        coalesce(cluster, object.clusterName, '') as cluster,
        document,
        item
    from objects
    where coalesce(watch, '') not in ('BOOKMARK', 'PULLEND') and kind is distinct from 'List'
"""


def read_objects(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> None:
    """Fill the table `sent`: every object as JSON, with its kind and how it came."""
    for macro in MACROS:
        connection.execute(macro)
    connection.execute("""
        create temp table sent (
            kind varchar, watch varchar, observed timestamp, cluster varchar, document bigint,
            item json, x_file varchar, x_row bigint, x_place bigint
        )
    """)
    for file in sorted(files):
        _load(connection, folder / file, file)


def _load(connection: DuckDBPyConnection, path: Path, file: str) -> None:
    if is_otlp(path):
        # It takes a sixth of a second to load: only where log records are read.
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in _LOG_RECORD])
        found = records(path, file)
        while batch := list(islice(found, _BATCH)):
            connection.register("log_record", pa.Table.from_pylist(batch, schema))
            _insert(connection, file, "log_record", "unix_nano(observed)", "cluster")
            connection.unregister("log_record")
        return
    for size in _DOCUMENT_BYTES:
        scan = f"read_json_objects({quoted(str(path))}, maximum_object_size = {size})"
        try:
            _insert(connection, file, scan, "null::timestamp", "null::varchar")
            return
        except duckdb.Error as error:
            if "maximum_object_size" not in str(error) or size == _DOCUMENT_BYTES[-1]:
                raise


def _insert(
    connection: DuckDBPyConnection, file: str, scan: str, observed: str, cluster: str
) -> None:
    """Add the objects of documents, numbered on in their file and among all."""
    query = _UNWRAPPED.format(
        observed=observed, cluster=cluster, scan=scan, wrapper=_WRAPPER, kind=_KIND
    )
    connection.execute(f"""
        insert into sent
        select
            * replace (document + (select coalesce(max(document), 0) from sent) as document),
            {quoted(file)},
            row_number() over ()
                + (select count(*) from sent where x_file = {quoted(file)}) as x_row,
            row_number() over () + (select count(*) from sent) as x_place
        from ({query})
    """)
