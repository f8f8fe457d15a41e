"""Whom a request was for: the fields that the map or the source names, in their order."""

from connectors._base import Source
from connectors._sql import quoted
from connectors._usage.judged import field_column
from connectors._usage.map import ATTRIBUTES, CONSTANT, ENTITIES, UsageMap

# Where they were read, and of which entities the attempts keep that.
_ORIGIN = "gateway"
_RECORDED = ("customer", "feature", "workflow", "team", "environment")


def said(map_: UsageMap, source: Source) -> str:
    """Return the SQL of each entity as a record says it."""
    return ", ".join(
        f"{_first(map_.entities.get(entity, ()), source.attributes.get(entity, ()))} "
        f"as said_{entity}"
        for entity in ENTITIES
    )


def entities() -> str:
    """Return the SQL of the entities' columns, and of where they were read."""
    columns = [
        f"said_{entity} as {column}" for entity, column in ENTITIES.items() if entity != "inference"
    ]
    known = ", ".join(f"if(said_{entity} is null, null, {_source(entity)})" for entity in _RECORDED)
    sources = f"nullif('{{' || concat_ws(',', {known}) || '}}', '{{}}')"
    return ", ".join([*columns, f"{sources} as attribute_sources"])


def _source(entity: str) -> str:
    return quoted(f'"{entity}":"{_ORIGIN}"')


def _first(names: tuple[str, ...], attributes: tuple[str, ...]) -> str:
    """Return the SQL of the first field that says something; `.*` are the configured attributes."""
    found: list[str] = []
    for name in names:
        if name.startswith(CONSTANT):
            found.append(quoted(name.removeprefix(CONSTANT)))
        elif not name.endswith(ATTRIBUTES):
            found.append(field_column(name))
        elif attributes:
            found.append(_attribute(field_column(name), attributes))
    return f"coalesce({', '.join([*found, 'cast(null as varchar)'])})"


def _attribute(bag: str, attributes: tuple[str, ...]) -> str:
    paths = ", ".join(quoted(f'$."{name}"') for name in attributes)
    listed = f"json_extract_string(if(json_valid({bag}), {bag}, null), [{paths}])"
    return f"list_filter({listed}, lambda value: value <> '')[1]"
