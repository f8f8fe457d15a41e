"""A map of usage as SQL: requests as attempts, and those that cannot be used with the reason."""

from collections.abc import Mapping

from connectors._base import Source
from connectors._maps.expressions import identifier
from connectors._maps.times import instant_sql
from connectors._usage.entities import entities, said
from connectors._usage.leaves import leaves
from connectors._usage.map import CONDITIONS, COUNTS, MILLISECONDS, TEXTS, TIMES, UsageMap
from connectors._usage.operations import operations
from connectors._usage.problems import OPERATIONS, problem
from connectors._usage.refusals import REFUSALS

# A request that was refused before any work costs nothing, and one that was answered from one's own
# cache used no model, whatever counts their records carry. 408 and 499 give up on work that may
# have begun.
_ANSWERED = f"""
    answered as (
        select
            *,
            coalesce(trace, span_id) as trace_id,
            coalesce(try_cast(http_status as integer), try_cast(error_type as integer)) as code,
            case
                when is_cached then 'cached'
                when code between 400 and 499 and code not in (408, 499) then 'rejected'
                when code is null and is_error
                    and lower(string_split(error_type, '.')[-1]) in {REFUSALS} then 'rejected'
                when is_error or code >= 400 then 'error'
                else 'ok'
            end as status,
            status in ('ok', 'error') as is_metered
        from mapped
    ),
"""

_WHOLE_NUMBERS = ", ".join(
    f"if(is_metered, whole_number({name}), null) as {name.removesuffix('_tokens')}"
    for name in COUNTS
)
_COUNTED = f"""
    counted as materialized (
        select
            *,
            coalesce(ended_at, started_at + to_microseconds(lasted), first_token_at, started_at)
                as ends_at,
            {_WHOLE_NUMBERS}
        from leaf
    ),
    -- A part that is not mentioned is 0 where its whole is known (`input * 0`), else NULL. A part
    -- that cannot be inside its whole is beside it, whatever is said.
    wholes as (
        select
            *,
            coalesce(cache_write, cache_write_5m + coalesce(cache_write_1h, 0), cache_write_1h)
                as said_written,
            coalesce(cache_read, input * 0) as cached,
            coalesce(said_written, input * 0) as written,
            if(input_includes_cache_read, coalesce(cached, 0), 0)
                + if(input_includes_cache_write, coalesce(written, 0), 0) as included,
            coalesce(output, if(operation_name = 'embeddings', input * 0, null))
                + if(output_includes_reasoning, 0, coalesce(reasoning, 0)) as produced
        from counted
    ),
"""

_METERED = """
    metered as (
        select
            *,
            coalesce(audio_output, produced * 0) as spoken,
            -- A cached audio token is counted as cached.
            if(input is null, audio_input, least(coalesce(audio_input, 0), input - included))
                as heard,
            -- How long no record says these live.
            written - coalesce(cache_write_5m, 0) - coalesce(cache_write_1h, 0) as undated
        from judged
        where problem is null
    )
"""

_ATTEMPT = """
    select
        trace_id || ':' || span_id as attempt_id,
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
    from metered
"""


def normalize(map_: UsageMap, source: Source) -> Mapping[str, str]:
    """Return the query of the attempts, and of the records that are none."""
    judged = _judged(map_, source)
    lifetime = getattr(source.options, "cache_write", "5m")
    chain, inference_id = operations(map_)
    attempt = _ATTEMPT.format(
        inference_id=inference_id,
        absent_parent="absent_parent_span_id" if "parent_span_id" in map_.attempts else "null",
        is_5m=int(lifetime == "5m"),
        is_1h=int(lifetime == "1h"),
        entities=entities(),
    )
    joined = "left join chain using (x_file, x_row)" if chain else ""
    # What the map says of reading is part of what the rows mean.
    return {
        "attempts": f"/* map {map_.digest} */ {judged}, {_METERED} {chain} {attempt} {joined}",
        "quarantine": f"{judged} {_QUARANTINE}",
    }


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


def _judged(map_: UsageMap, source: Source) -> str:
    has_usage = " or ".join(f"coalesce({name}, '0') <> '0'" for name in COUNTS)
    return f"""
    with record as (select *{_named(map_)} from raw),
    {_chosen(map_)}
    mapped as (select {_columns(map_)}, {said(map_, source)} from chosen),
    {_ANSWERED}
    {leaves(map_)}
    {_COUNTED}
    judged as (
        select *, {problem(map_)} as problem
        from wholes
        where coalesce(operation_name in {OPERATIONS}, false) or (is_metered and ({has_usage}))
    )
    """


def _chosen(map_: UsageMap) -> str:
    """The records that count: of those with one id the newest, unless it is a deletion."""
    where = f"({map_.where}) is not false" if map_.where else "true"
    if map_.unique is None:
        return f"chosen as (select * from record where {where}),"
    newest = f"({map_.newest}) desc nulls last, " if map_.newest else ""
    deleted = f"or ({map_.deleted}) is true" if map_.deleted else ""
    return f"""
    repeated as (
        select {map_.unique} as id from record group by id having count(*) > 1
    ),
    superseded as (
        select x_file, x_row
        from (select * from record where {map_.unique} in (select id from repeated))
        qualify row_number() over (
            partition by {map_.unique} order by {newest} x_file desc, x_row desc
        ) > 1
    ),
    chosen as (
        select record.*
        from record anti join superseded using (x_file, x_row)
        where {where} and not (false {deleted})
    ),
    """


def _named(map_: UsageMap) -> str:
    return "".join(
        f", cast(({text}) as varchar) as {identifier(name)}" for name, text in map_.let.items()
    )


def _columns(map_: UsageMap) -> str:
    """Every key as a column: text, times as timestamps, conditions as booleans."""
    given = map_.attempts
    columns = ["x_file", "x_row", "x_malformed"]
    for name in (*TEXTS, *COUNTS):
        alias = {"trace_id": "trace"}.get(name, name)
        default = "'chat'" if name == "operation_name" else "null"
        columns.append(f"nullif(cast({given.get(name, default)} as varchar), '') as {alias}")
    for name in TIMES:
        columns += _time(map_, name)
    for name in MILLISECONDS:
        columns.append(f"cast({given.get(name, 'null')} as varchar) as {name}")
    columns.append(f"{_microseconds(given.get('duration_ms'))} as lasted")
    for name, default in CONDITIONS.items():
        columns.append(f"coalesce(({given.get(name, default)}), false) as {name}")
    weight = given.get("sample_weight", "null")
    columns.append(f"try_cast({weight} as decimal(38, 12)) as sample_weight")
    return ",\n        ".join(columns)


def _time(map_: UsageMap, name: str) -> list[str]:
    """A time as it is written, and as an instant; the first token may be said by its delay."""
    given = map_.attempts.get(name)
    text = f"nullif(trim(cast({given} as varchar)), '')" if given else "cast(null as varchar)"
    instant = instant_sql(text, map_.time.format, map_.time.zone)
    if name == "first_token_at" and not given:
        delay = _microseconds(map_.attempts.get("first_token_ms"))
        instant = f"(started_at + to_microseconds({delay}))"
    return [f"{text} as {name}_text", f"{instant} as {name}"]


def _microseconds(milliseconds: str | None) -> str:
    if milliseconds is None:
        return "cast(null as bigint)"
    number = f"try_cast(({milliseconds}) as decimal(18, 3))"
    return f"cast({number} * 1000 as bigint)"
