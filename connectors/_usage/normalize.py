"""Judged requests as attempts, and those that cannot be used with the reason."""

import hashlib
from collections.abc import Mapping

from connectors._base import Source
from connectors._usage.entities import entities, said
from connectors._usage.judged import judged
from connectors._usage.map import UsageMap
from connectors._usage.operations import operations

_METERED = """
    with metered as (
        select
            *,
            {said},
            trace_id || ':' || span_id as attempt_id,
            coalesce(audio_output, produced * 0) as spoken,
            -- A cached audio token is counted as cached.
            if(input is null, audio_input, least(coalesce(audio_input, 0), input - included))
                as heard,
            -- Of these no record says how long they live.
            written - coalesce(cache_write_5m, 0) - coalesce(cache_write_1h, 0) as undated
        from judged
        where problem is null
    )
"""

_ATTEMPT = """
    select
        attempt_id,
        trace_id,
        span_id,
        {inference_id} as inference_id,
        {absent_parent} as absent_parent_span_id,
        coalesce(workflow_run_id, trace_id) as workflow_run_id,
        conversation_id,
        started_at,
        ends_at as ended_at,
        first_token_at,
        cast(round(try_cast(queued_ms as decimal(18, 3)), 0) as bigint) as queued_ms,
        operation_name,
        provider_name,
        request_model,
        response_model,
        nullif(service_tier, 'auto') as service_tier,
        status,
        error_type,
        input - included - heard as uncached_input_tokens,
        cached as cache_read_tokens,
        coalesce(cache_write_5m, 0) + undated * {is_5m} as cache_write_5m_tokens,
        coalesce(cache_write_1h, 0) + undated * {is_1h} as cache_write_1h_tokens,
        produced - spoken as output_tokens,
        heard as audio_input_tokens,
        spoken as audio_output_tokens,
        reasoning as reasoning_tokens,
        sample_weight,
        {entities},
        x_file,
        x_row
    from {metered}
"""

_QUARANTINE = """
    select
        cast(coalesce(started_at, ended_at, timestamp '1970-01-01') as date) as quarantined_day,
        problem.column_name as column_name,
        problem.value as value,
        problem.reason as reason,
        x_file,
        x_row
    from judged
    where problem is not null
    order by x_file, x_row
"""


def normalize(map_: UsageMap, source: Source) -> Mapping[str, str]:
    """Return the query of the attempts, and of the records that are none."""
    lifetime = getattr(source.options, "cache_write", "5m")
    chain, inference_id = operations(map_)
    attempt = _ATTEMPT.format(
        inference_id=inference_id,
        absent_parent="absent_parent_span_id" if "parent_span_id" in map_.attempts else "null",
        is_5m=int(lifetime == "5m"),
        is_1h=int(lifetime == "1h"),
        entities=entities(),
        metered="chained" if chain else "metered",
    )
    metered = _METERED.format(said=said(map_, source))
    # How the map is read is part of what the rows mean.
    read = hashlib.sha256(f"{map_.digest} {judged(map_)}".encode()).hexdigest()[:16]
    return {
        "attempts": f"/* map {read} */ {metered} {chain} {attempt}",
        "quarantine": f"/* map {read} */ {_QUARANTINE}",
    }
