"""OTLP logs of the collector's k8sobjects and k8sevents receivers, as the objects they carry."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.errors import ContractError

# An object says its kind, an event what it is about; a watch wraps an object.
_OF_KUBERNETES = {"kind", "object", "involvedObject", "regarding", "items"}
_MARKS = (b'"resourceLogs"', b'"resource_logs"')


def is_otlp(file: Path) -> bool:
    """Tell a file of OTLP logs from one of plain objects, by how it begins."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        start = stream.read(1 << 12)
    return any(mark in start for mark in _MARKS)


def records(file: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield of every log record its object, as JSON, and when it was observed."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                request = _parsed(line, f"{name}, line {number}")
                yield from (found for found in _of_request(request) if found)


def _parsed(line: bytes, place: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise ContractError(f"{place} is no JSON: {error}") from error
    if not isinstance(request, dict):
        raise ContractError(f"{place} is no object; allowed: an object with resourceLogs")
    return request


def _of_request(request: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    for of_resource in _list(request, "resourceLogs"):
        resource = _attributes(_get(of_resource, "resource") or {})
        for of_scope in _list(of_resource, "scopeLogs"):
            for record in _list(of_scope, "logRecords"):
                yield _of_record(record, resource)


def _of_record(record: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any] | None:
    """What a record carries; None for a log of something else."""
    said = resource | _attributes(record)
    body = plain(_get(record, "body") or {})
    moment = _get(record, "timeUnixNano")
    if isinstance(body, str) and "k8s.event.uid" in said:
        body = _event(body, said, moment)
    if not isinstance(body, dict) or _OF_KUBERNETES.isdisjoint(body):
        return None
    return {
        "json": json.dumps(body),
        "observed": str(_get(record, "observedTimeUnixNano") or moment or ""),
        "cluster": said.get("k8s.cluster.name"),
    }


def _event(message: str, said: dict[str, Any], moment: object) -> dict[str, Any]:
    """What the k8sevents receiver tells of an event: its message is the body."""
    reference = {
        "kind": said.get("k8s.object.kind"),
        "name": said.get("k8s.object.name"),
        "uid": said.get("k8s.object.uid"),
        "fieldPath": said.get("k8s.object.fieldpath"),
        "namespace": said.get("k8s.namespace.name"),
    }
    return {
        "kind": "Event",
        "metadata": {"uid": said.get("k8s.event.uid"), "name": said.get("k8s.event.name")},
        "reason": said.get("k8s.event.reason"),
        "message": message,
        "count": said.get("k8s.event.count"),
        "firstTimestamp": said.get("k8s.event.start_time"),
        "lastUnixNano": moment,
        "source": {"host": said.get("k8s.node.name")},
        "involvedObject": reference,
    }


def plain(value: dict[str, Any]) -> Any:
    """Return a value of OTLP as plain JSON."""
    for name, inner in value.items():
        kind = name.replace("_", "").removesuffix("Value").removesuffix("value").lower()
        if kind == "kvlist":
            return {item["key"]: plain(item.get("value") or {}) for item in inner.get("values", ())}
        if kind == "array":
            return [plain(item) for item in inner.get("values", ())]
        return int(inner) if kind == "int" else inner
    return None


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: plain(item.get("value") or {}) for item in of.get("attributes", ())}


def _get(of: dict[str, Any], name: str) -> Any:
    """A key in lowerCamelCase, else in snake_case."""
    if name in of:
        return of[name]
    return of.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))


def _list(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return _get(of, name) or []
