"""Attributes that an instrumentation carries under a name of its own.

Whoever sets `customer_id` as an association property (OpenLLMetry), as metadata (OpenInference,
Langfuse, Vercel AI SDK) or as a tag (`customer.id:acme`) means the attribute `customer.id`. What is
found is put behind a span's own attributes, which go before it.
"""

import re

import duckdb

from connectors._sql import quoted
from connectors.otel_genai import _names as names

_PREFIX = (
    r"^(traceloop\.association\.properties|langfuse\.(trace|observation)\.metadata"
    r"|ai\.telemetry\.metadata)\."
)
# The header of W3C baggage, where an instrumentation captures it; each member is as good as a copy.
BAGGAGE_HEADER = "http.request.header.baggage"
JSON_OBJECTS = ("metadata", "langfuse.trace.metadata", "langfuse.observation.metadata")
TAGS = ("tag.tags", "langfuse.trace.tags", "langfuse.tags", "request_tags")
# What is read although it may be long.
LONG = (*JSON_OBJECTS, *TAGS, BAGGAGE_HEADER, names.USAGE_DETAILS, names.PROVIDER_METADATA)

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
    # a=b,c=d;property: percent-encoded.
    """
    create temp macro header_members(text, prefix) as list_transform(
        regexp_extract_all(text, '[^",;= ]+ *= *[^",; ]+'),
        lambda member: {'k': prefix || url_decode(trim(regexp_extract(member, '^[^=]+'))),
            'v': url_decode(trim(regexp_replace(member, '^[^=]+=', '')))})
    """,
)


# Of names that stand nowhere in the file nothing is asked: that is known before any row is looked
# at. More names than these are not written into every query.
_KNOWN_LENGTH = 20_000


def carry(connection: duckdb.DuckDBPyConnection, baggage_prefix: str) -> set[str]:
    """Append to `delivered_span` what is carried in it; return every attribute's name there."""
    present = _carry(connection, baggage_prefix)
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


def _carry(connection: duckdb.DuckDBPyConnection, baggage_prefix: str) -> set[str]:
    present = _names(connection)
    found = ["prefixed(attributes)"] if any(re.match(_PREFIX, name) for name in present) else []
    found += [
        f"members(attribute(attributes, {quoted(name)}))" for name in _in(JSON_OBJECTS, present)
    ]
    found += [f"tags(attribute(attributes, {quoted(name)}))" for name in _in(TAGS, present)]
    if BAGGAGE_HEADER in present:
        header = f"attribute(attributes, {quoted(BAGGAGE_HEADER)})"
        found.append(f"header_members({header}, {quoted(baggage_prefix)})")
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


def _in(wanted: tuple[str, ...], present: set[str]) -> list[str]:
    return [name for name in wanted if name in present]


def _names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("select distinct unnest(attributes['keys']) from delivered_span")
    return {row[0] for row in rows.fetchall()}
