"""A map of usage as SQL: each request once, as the map reads it, with its first problem if any."""

from connectors._maps.expressions import identifier
from connectors._maps.times import instant_sql
from connectors._refusals import REFUSALS
from connectors._usage.leaves import leaves
from connectors._usage.map import (
    ATTRIBUTES,
    CONDITIONS,
    COUNTS,
    MILLISECONDS,
    TEXTS,
    TIMES,
    UsageMap,
)
from connectors._usage.problems import OPERATIONS, problem

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
# A part that is not mentioned is 0 where its whole is known (`input * 0`), else NULL.
_COUNTED = f"""
    counted as (
        select
            *,
            coalesce(ended_at, started_at + to_microseconds(lasted), first_token_at, started_at)
                as ends_at,
            {_WHOLE_NUMBERS}
        from leaf
    ),
    wholes as (
        select
            *,
            coalesce(
                cache_write, cache_write_5m + coalesce(cache_write_1h, 0), cache_write_1h, input * 0
            ) as written,
            coalesce(cache_read, input * 0) as cached,
            if(input_includes_cache_read, coalesce(cached, 0), 0)
                + if(input_includes_cache_write, coalesce(written, 0), 0) as included,
            coalesce(output, if(operation_name = 'embeddings', input * 0, null))
                + if(output_includes_reasoning, 0, coalesce(reasoning, 0)) as produced
        from counted
    )
"""


def judged(map_: UsageMap) -> str:
    """Return the query of the requests over the view `record`; `problem` is NULL where one is used.

    Beside what the map says there are the fields that may tell an entity, by `field_column`.
    """
    has_usage = " or ".join(f"coalesce({name}, '0') <> '0'" for name in COUNTS)
    return f"""
    with record as (select *{_named(map_)} from requests),
    {_chosen(map_)}
    mapped as (select {", ".join(_columns(map_))} from chosen),
    {_ANSWERED}
    {leaves(map_)}
    {_COUNTED}
    select *, {problem(map_)} as problem
    from wholes
    where coalesce(operation_name in {OPERATIONS}, false) or (is_metered and ({has_usage}))
    """


def field_column(name: str) -> str:
    """Return the column of the judged requests that holds a field."""
    return identifier(f"field {name.removesuffix(ATTRIBUTES)}")


def _named(map_: UsageMap) -> str:
    return "".join(
        f", cast(({text}) as varchar) as {identifier(name)}" for name, text in map_.let.items()
    )


def _chosen(map_: UsageMap) -> str:
    """The records that count: of those with one id the newest, unless it is a deletion."""
    where = f"({map_.where}) is not false" if map_.where else "true"
    if map_.unique is None:
        return f"chosen as (select * from record where {where}),"
    newest = f"({map_.newest}) desc nulls last, " if map_.newest else ""
    deleted = f"({map_.deleted}) is not true" if map_.deleted else "true"
    return f"""
    repeated as (select {map_.unique} as id from record group by id having count(*) > 1),
    superseded as (
        select x_file, x_row
        from record
        where {map_.unique} in (select id from repeated)
        qualify row_number() over (
            partition by {map_.unique} order by {newest} x_file desc, x_row desc
        ) > 1
    ),
    chosen as (
        select record.*
        from record anti join superseded using (x_file, x_row)
        where {where} and {deleted}
    ),
    """


def _columns(map_: UsageMap) -> list[str]:
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
    if map_.repeats:
        equal = ", ".join(f"cast({text} as varchar)" for text in map_.repeats.equal)
        columns.append(f"[{equal}] as repeated_equal")
        columns.append(f"coalesce(({map_.repeats.inner}), false) as is_inner")
        columns.append(f"coalesce(({map_.repeats.outer}), false) as is_outer")
    if map_.retries:
        within = ", ".join(f"cast({text} as varchar)" for text in map_.retries.within)
        columns.append(f"[{within}] as retried_within")
        columns.append(f"coalesce(try_cast(({map_.retries.number}) as bigint), 0) as retry_number")
    told = sorted(map_.telling())
    return columns + [f"{identifier(name)} as {field_column(name)}" for name in told]


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
    return f"cast(try_cast(({milliseconds}) as decimal(18, 3)) * 1000 as bigint)"
