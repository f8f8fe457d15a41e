"""Whose a call is: what its span says, else an ancestor, baggage, the gateway, or a resource.

A value is read at the first of these that knows it, and the attempt says at which:

    span       an attribute of the call's own span
    ancestor   of the nearest span above it in its trace
    baggage    a copy of W3C baggage (`baggage.<name>`), on the span or the nearest above it
    gateway    what a gateway tells of the request's key, or is configured for that key
    resource   the process that sent the span, else of the nearest span above it
"""

from collections.abc import Mapping

from connectors._base import Source
from connectors._sql import quoted
from connectors.otel_genai import _names as names
from connectors.otel_genai._options import OtelOptions

# Columns that a span inherits, and the configured entity that each holds.
ENTITIES = {
    "customer_id": "customer",
    "feature": "feature",
    "workflow": "workflow",
    "team": "team",
    "environment": "environment",
}
# Which account pays is nothing that a customer could assert.
_ACCOUNTS = {"api_key_id": "api_key", "sub_account_id": "sub_account"}
_INHERITED = ENTITIES | _ACCOUNTS


def configured(source: Source, entity: str) -> tuple[str, ...]:
    """Return the names of an entity: the configured ones, then what others call those."""
    return names.synonyms(source.attributes.get(entity, ()))


def entities_query(source: Source) -> str:
    """Return the CTEs that end with `entities`: a row a leaf."""
    return f"""
    {spoken_query(source)},
    found as (
        select
            x_row,
            any_value(pod) filter (distance = 0) as pod,
            any_value(resource_pod) filter (distance = 0) as resource_pod,
            arg_min(inference_id, distance) as inference_id,
            arg_min(conversation_id, distance) as conversation_id,
            {", ".join(_nearest(column) for column in _INHERITED)}
        from lineage inner join said using (ancestor_row)
        group by x_row
    ),
    -- What was copied is rare: those who have none are not asked.
    copied as (
        select x_row, {", ".join(_copies(column) for column in _INHERITED)}
        from lineage inner join said using (ancestor_row)
        where baggage is not null or gateway is not null
        group by x_row
    ),
    entities as (
        select
            x_row, pod, resource_pod, inference_id, conversation_id,
            {", ".join(_chosen(column) for column in _INHERITED)},
            {_sources()} as attribute_sources
        from found left join copied using (x_row)
    )
    """


def spoken_query(source: Source) -> str:
    """Return the CTE `said`: what a leaf or an ancestor says, and whether it may say so."""
    options = source.options
    assert isinstance(options, OtelOptions)
    return f"""
    sender as (
        select
            resource_id,
            coalesce({names.first(names.SERVICE)}, '') as service,
            {_is_trusted(options)} as is_trusted,
            {names.first(source.attributes.get("pod", ()))} as resource_pod,
            {", ".join(_of_resource(source, column) for column in _INHERITED)}
        from resource
    ),
    said as (
        select
            raw.x_row as ancestor_row,
            service,
            is_trusted,
            resource_pod,
            {names.first(source.attributes.get("pod", ()))} as pod,
            -- A process lives longer than an inference or a conversation.
            {names.first(source.attributes.get("inference", ()))} as inference_id,
            {names.first(names.CONVERSATION)} as conversation_id,
            {", ".join(f"resource_{column}" for column in _INHERITED)},
            {_of_span(source, options)}
        from raw inner join sender using (resource_id)
        where raw.x_row in (select ancestor_row from lineage)
    )
    """


def _is_trusted(options: OtelOptions) -> str:
    if options.trusted_services is None:
        return "true"
    globs = (f"service glob {quoted(glob)}" for glob in options.trusted_services)
    return f"({' or '.join(globs) or 'false'})"


def _of_resource(source: Source, column: str) -> str:
    return f"{names.first(configured(source, _INHERITED[column]))} as resource_{column}"


def _of_span(source: Source, options: OtelOptions) -> str:
    """What a span says itself, and what was copied to it: rare, and so in one column."""
    own, baggage, gateway = {}, {}, {}
    for column, entity in _INHERITED.items():
        found = configured(source, entity)
        own[column] = names.first(found)
        baggage[column] = names.first(tuple(options.baggage_prefix + name for name in found))
        gateway[column] = _of_gateway(options, entity)
    columns = ", ".join(f"{sql} as {column}" for column, sql in own.items())
    return f"{columns}, {_struct(baggage)} as baggage, {_struct(gateway)} as gateway"


def _struct(columns: Mapping[str, str]) -> str:
    """A value a column, NULL without any."""
    fields = ", ".join(f"{quoted(column)}: {sql}" for column, sql in columns.items())
    return f"if(coalesce({', '.join(columns.values())}) is null, null, {{{fields}}})"


def _of_gateway(options: OtelOptions, entity: str) -> str:
    """What the gateway says, else what is configured for the key that it names."""
    told = [found for name, found in options.gateway.attributes.items() if name == entity]
    attribute = names.first(told[0] if told else ())
    keys = {
        key: value
        for key, whose in options.gateway.keys.items()
        for name, value in whose.items()
        if name == entity
    }
    if not keys:
        return attribute
    pairs = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in keys.items())
    return f"coalesce({attribute}, map {{{pairs}}}[{names.first(names.GATEWAY_KEY)}])"


def _nearest(column: str) -> str:
    """The nearest that says something: arg_min leaves out who says nothing."""
    own = f"if(is_trusted, {column}, null)" if column in ENTITIES else column
    return f"""
        arg_min({own}, distance) as {column},
        min(if({own} is null, null, distance)) as {column}_distance,
        arg_min(resource_{column}, distance) as resource_{column}
    """


def _chosen(column: str) -> str:
    copied = f"baggage_{column}, gateway_{column}"
    return f"coalesce({column}, {copied}, resource_{column}) as {column}"


def _copies(column: str) -> str:
    believed = "is_trusted" if column in ENTITIES else "true"
    return ", ".join(
        f"arg_min(if({believed}, {kind}.{column}, null), distance) as {kind}_{column}"
        for kind in ("baggage", "gateway")
    )


def _sources() -> str:
    """A JSON object of the entities that are known; NULL without any."""
    pairs = ", ".join(
        f"""
        case
            when {column}_distance = 0 then '"{entity}":"span"'
            when {column}_distance > 0 then '"{entity}":"ancestor"'
            when baggage_{column} is not null then '"{entity}":"baggage"'
            when gateway_{column} is not null then '"{entity}":"gateway"'
            when resource_{column} is not null then '"{entity}":"resource"'
        end
        """
        for column, entity in ENTITIES.items()
    )
    return f"nullif('{{' || concat_ws(',', {pairs}) || '}}', '{{}}')"


def refused_query(source: Source) -> str | None:
    """Return the CTE `refused`: what services said that may not; None where all may."""
    options = source.options
    assert isinstance(options, OtelOptions)
    if options.trusted_services is None:
        return None
    claims = " union all ".join(
        f"select {quoted(configured(source, entity)[0])} as column_name, "
        f"coalesce({column}, baggage.{column}, gateway.{column}) as value, service, ancestor_row "
        "from said where not is_trusted"
        for column, entity in ENTITIES.items()
        if configured(source, entity)
    )
    return f"""
    {spoken_query(source)},
    refused as (
        select
            column_name,
            value,
            'is said by the service ' || service
                || ', which trusted_services does not list; spans: ' || count(*) as reason,
            min(ancestor_row) as x_row
        from ({claims})
        where value is not null
        group by column_name, value, service
    )
    """
