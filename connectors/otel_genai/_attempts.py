"""Calls of a model as attempts, and those that cannot be used, each with its reason."""

from connectors._base import Source
from connectors.otel_genai._names import CONVERSATION, REFUSALS, first
from connectors.otel_genai._problems import FILE_ENDS, PROBLEM

# A request that was refused before any work costs nothing, whatever counts its span carries.
# 408 and 499 give up on work that may have begun.
_JUDGED = f"""
    with answered as (
        select
            *,
            coalesce(try_cast(http_status as integer), try_cast(error_type as integer)) as code,
            case
                when code between 400 and 499 and code not in (408, 499) then 'rejected'
                when code is null
                    and lower(string_split(error_type, '.')[-1]) in {REFUSALS} then 'rejected'
                when code >= 400 or error_type is not null or status_code in ('2', 'ERROR')
                    then 'error'
                else 'ok'
            end as status
        from leaf
    ),
    counted as materialized (
        select
            *,
            try_cast(start_time_unix_nano as bigint) as start_nano,
            try_cast(end_time_unix_nano as bigint) as end_nano,
            if(status = 'rejected', null, whole_number(input_tokens)) as input,
            if(status = 'rejected', null, whole_number(cache_read_tokens)) as cache_read,
            if(status = 'rejected', null, whole_number(cache_write_tokens)) as cache_write,
            if(status = 'rejected', null, whole_number(audio_input_tokens)) as audio_input,
            if(status = 'rejected', null, whole_number(output_tokens)) as output,
            if(status = 'rejected', null, whole_number(audio_output_tokens)) as audio_output,
            if(status = 'rejected', null, whole_number(reasoning_tokens)) as reasoning
        from answered
    ),
    file_ends as ({FILE_ENDS}),
    judged as (select *, {PROBLEM} as problem from counted cross join file_ends)
"""

_QUARANTINE = f"""
    {_JUDGED}
    select
        cast(make_timestamp(coalesce(median, 0) // 1000) as date) as quarantined_day,
        problem.column_name as column_name,
        problem.value as value,
        problem.reason as reason,
        x_file,
        x_row
    from judged
    where problem is not null
    order by x_row
"""

# Cached and audio tokens are part of the input, audio of the output: here each is counted once.
# A part that is not mentioned is 0 where its whole is known (`input * 0`), else NULL.
_METERED = """
    metered as (
        select
            *,
            coalesce(cache_read, input * 0) as cached,
            coalesce(cache_write, input * 0) as written,
            coalesce(output, if(operation_name = 'embeddings', input * 0, null)) as produced,
            coalesce(audio_output, produced * 0) as spoken,
            -- A cached audio token is counted as cached.
            case
                when input is null then audio_input
                else least(coalesce(audio_input, 0), input - cached - written)
            end as heard
        from judged
        where problem is null
    )
"""

_ATTEMPT = """
    select
        trace_id || ':' || span_id as attempt_id,
        trace_id,
        span_id,
        coalesce(inference_id, attempt_id) as inference_id,
        absent_parent_span_id,
        trace_id as workflow_run_id,
        conversation_id,
        make_timestamp(start_nano // 1000) as started_at,
        make_timestamp(end_nano // 1000) as ended_at,
        operation_name,
        provider_name,
        request_model,
        response_model,
        nullif(service_tier, 'auto') as service_tier,
        sub_account_id,
        api_key_id,
        -- Where the model ran: the resource of a client's span is where the caller ran.
        coalesce(pod, if(kind in ('3', 'CLIENT'), null, resource_pod)) as pod_uid,
        status,
        error_type,
        input - cached - written - heard as uncached_input_tokens,
        cached as cache_read_tokens,
        written_5m as cache_write_5m_tokens,
        written_1h as cache_write_1h_tokens,
        produced - spoken as output_tokens,
        heard as audio_input_tokens,
        spoken as audio_output_tokens,
        reasoning as reasoning_tokens,
        customer_id,
        feature,
        workflow,
        team,
        environment,
        x_file,
        x_row
    from lived
    inner join entities using (x_row)
"""


def quarantine() -> str:
    """Return the SQL of the calls that are no attempts."""
    return _QUARANTINE


def attempts(source: Source, cache_write: str) -> str:
    """Return the SQL of the attempts; cache writes live for `cache_write`: '5m' or '1h'."""
    lived = ", ".join(
        f"written * {int(lifetime == cache_write)} as written_{lifetime}"
        for lifetime in ("5m", "1h")
    )
    return f"""
    {_JUDGED},
    {_METERED},
    lived as (select *, {lived} from metered),
    {_entities(source)}
    {_ATTEMPT}
    """


# Columns that a span inherits, and the configured entity that each holds.
_ENTITIES = {
    "customer_id": "customer",
    "feature": "feature",
    "workflow": "workflow",
    "team": "team",
    "environment": "environment",
    "api_key_id": "api_key",
    "sub_account_id": "sub_account",
}


def _entities(source: Source) -> str:
    """Of each leaf: what it says itself, else its nearest ancestor, else their resources."""
    attributes = {column: source.attributes.get(_ENTITIES[column], ()) for column in _ENTITIES}
    # A resource lives longer than an inference or a conversation.
    own = {"inference_id": source.attributes.get("inference", ()), "conversation_id": CONVERSATION}
    pod = source.attributes.get("pod", ())
    said = [f"{first(found)} as {column}" for column, found in {**attributes, **own}.items()]
    said += [
        f"{first(found, 'resource_attributes')} as resource_{column}"
        for column, found in attributes.items()
    ]
    # arg_min leaves out who says nothing.
    nearest = [
        f"coalesce(arg_min({column}, distance), arg_min(resource_{column}, distance)) as {column}"
        for column in attributes
    ]
    nearest += [f"arg_min({column}, distance) as {column}" for column in own]
    return f"""
    said as (
        select
            x_row as ancestor_row,
            {first(pod)} as pod,
            {first(pod, "resource_attributes")} as resource_pod,
            {", ".join(said)}
        from raw
        where x_row in (select ancestor_row from lineage)
    ),
    entities as (
        select
            x_row,
            any_value(pod) filter (distance = 0) as pod,
            any_value(resource_pod) filter (distance = 0) as resource_pod,
            {", ".join(nearest)}
        from lineage inner join said using (ancestor_row)
        group by x_row
    )
    """
