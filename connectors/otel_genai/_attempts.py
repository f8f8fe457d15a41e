"""Calls of a model as attempts, and those that cannot be used, each with its reason."""

from connectors._base import Source
from connectors.otel_genai._entities import entities_query, refused_query
from connectors.otel_genai._options import OtelOptions

_QUARANTINED = """
    quarantined as (
        select problem.column_name, problem.value, problem.reason, x_row
        from judged where problem is not null
    )
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
        make_timestamp(
            if(first_token_micros between start_nano // 1000 and end_nano // 1000,
            first_token_micros, null)
        ) as first_token_at,
        queued_ms,
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
        attribute_sources,
        sample_weight,
        x_file,
        x_row
    from lived
    inner join entities using (x_row)
"""


def _options(source: Source) -> OtelOptions:
    assert isinstance(source.options, OtelOptions)
    return source.options


def quarantine(source: Source, counters: str) -> str:
    """Return the SQL of what is no attempt and no counter, and of what was refused.

    `counters` are the CTEs that end with `quarantined_points`.
    """
    refused = refused_query(source)
    both = f"{refused}," if refused else ""
    all_of = ["quarantined", "quarantined_points"] + (["refused"] if refused else [])
    rows = " union all ".join(
        f"select column_name, value, reason, x_row from {it}" for it in all_of
    )
    return f"""
    with {_QUARANTINED},
    {both}
    {counters},
    file_day as (
        select cast(make_timestamp(coalesce(any_value(median), any_value(point_median), 0) // 1000)
            as date) as quarantined_day
        from (select any_value(median) as median from judged) full join point_times on true
    ),
    name as (select any_value(x_file) as x_file from (
        select x_file from raw union all select x_file from point))
    select quarantined_day, column_name, value, reason, x_file, x_row
    from ({rows}) cross join file_day cross join name
    order by x_row, column_name, value
    """


def attempts(source: Source) -> str:
    """Return the SQL of the attempts; cache writes live for `cache_write`: '5m' or '1h'."""
    options = _options(source)
    hour = (
        "coalesce(cache_write_1h, written)"
        if options.cache_write == "1h"
        else ("coalesce(cache_write_1h, written * 0)")
    )
    return f"""
    with {_METERED},
    lived as (select *, {hour} as written_1h, written - written_1h as written_5m from metered),
    {entities_query(source)}
    {_ATTEMPT}
    """
