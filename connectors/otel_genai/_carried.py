"""Attributes that an instrumentation carries under a name of its own.

Whoever sets `customer_id` as an association property (OpenLLMetry), as metadata (OpenInference,
Langfuse, Vercel AI SDK) or as a tag (`customer.id:acme`) means the attribute `customer.id`. What is
found is put behind a span's own attributes, which go before it.
"""

import re

import duckdb

from connectors._sql import quoted

_PREFIX = (
    r"^(traceloop\.association\.properties|langfuse\.(trace|observation)\.metadata"
    r"|ai\.telemetry\.metadata)\."
)
JSON_OBJECTS = ("metadata", "langfuse.trace.metadata", "langfuse.observation.metadata")
TAGS = ("tag.tags", "langfuse.trace.tags", "langfuse.tags", "request_tags")

# customer_id, customerId and customer.id are one name.
_MACROS = (
    """
    create temp macro dotted(name) as
        lower(replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\\1.\\2', 'g'), '_', '.'))
    """,
    """
    create temp macro appended(listed, added) as {
        'keys': list_concat(
            listed['keys'], list_transform(added, lambda pair: pair.k),
            list_transform(added, lambda pair: dotted(pair.k))),
        'values': list_concat(
            listed['values'], list_transform(added, lambda pair: pair.v),
            list_transform(added, lambda pair: pair.v))
    }
    """,
    f"""
    create temp macro prefixed(listed) as list_transform(
        list_filter(range(1, len(listed['keys']) + 1),
            lambda i: regexp_matches(listed['keys'][i], {quoted(_PREFIX)})),
        lambda i: {{'k': regexp_replace(listed['keys'][i], {quoted(_PREFIX)}, ''),
            'v': listed['values'][i]}})
    """,
    """
    create temp macro members(text) as list_transform(
        if(json_valid(text) and json_type(text) = 'OBJECT', json_keys(text), []),
        lambda name: {'k': name, 'v': json_extract_string(text, '$."' || name || '"')})
    """,
    # ["a:b"] and {"values": [{"stringValue": "a:b"}]}
    """
    create temp macro tags(text) as list_transform(
        regexp_extract_all(text, '"([^":=]+[:=][^"]*)"', 1),
        lambda tag: {'k': trim(regexp_extract(tag, '^[^:=]+')),
            'v': trim(regexp_replace(tag, '^[^:=]+[:=]', ''))})
    """,
)


# Of names that stand nowhere in the file nothing is asked: that is known before any row is looked
# at. More names than these are not written into every query.
_KNOWN_LENGTH = 20_000


def carry(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Append to `delivered_span` what is carried in it; return every attribute's name there."""
    present = _carry(connection)
    others = connection.execute("""
        select distinct unnest(attributes['keys']) from delivered_point
        union select distinct unnest(resource_attributes['keys']) from delivered_point
        union select distinct unnest(resource_attributes['keys']) from (
            select distinct on (resource_id) resource_attributes from delivered_span)
    """).fetchall()
    known = "|".join(sorted(present | {row[0] for row in others}))
    if len(known) < _KNOWN_LENGTH:
        connection.execute(f"""
            create or replace temp macro attribute(listed, name) as
                if(contains({quoted(f"|{known}|")}, '|' || name || '|'), valued(listed, name), null)
        """)
    return present


def _carry(connection: duckdb.DuckDBPyConnection) -> set[str]:
    present = _names(connection)
    found = ["prefixed(attributes)"] if any(re.match(_PREFIX, name) for name in present) else []
    found += [
        f"members(attribute(attributes, {quoted(name)}))" for name in _in(JSON_OBJECTS, present)
    ]
    found += [f"tags(attribute(attributes, {quoted(name)}))" for name in _in(TAGS, present)]
    if not found:
        return present
    for macro in _MACROS:
        connection.execute(macro)
    added = f"list_concat({', '.join(found)})" if len(found) > 1 else found[0]
    connection.execute(f"""
        create or replace temp table delivered_span as
        select * replace (
            case when len({added}) > 0 then appended(attributes, {added}) else attributes end
                as attributes)
        from delivered_span
    """)
    return _names(connection)


def _in(names: tuple[str, ...], present: set[str]) -> list[str]:
    return [name for name in names if name in present]


def _names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("select distinct unnest(attributes['keys']) from delivered_span")
    return {row[0] for row in rows.fetchall()}
