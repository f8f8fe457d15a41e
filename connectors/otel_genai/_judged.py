"""What a leaf says as numbers and a status, and what is wrong with it."""

import duckdb

from connectors._refusals import REFUSALS
from connectors._sql import quoted_list
from connectors.otel_genai._options import OtelOptions
from connectors.otel_genai._problems import FILE_ENDS, PROBLEM

# A request that was refused before any work costs nothing, whatever counts its span carries, and
# what one's own cache answered is no usage. 408 and 499 give up on work that may have begun.
_ANSWERED = f"""
    answered as (
        select
            *,
            coalesce(try_cast(http_status as integer), try_cast(error_type as integer)) as code,
            case
                when lower(cache_hit) = 'true' then 'cached'
                when code between 400 and 499 and code not in (408, 499) then 'rejected'
                when code is null
                    and lower(string_split(error_type, '.')[-1]) in {REFUSALS} then 'rejected'
                when code >= 400 or error_type is not null or status_code in ('2', 'ERROR')
                    or level = 'ERROR' then 'error'
                else 'ok'
            end as status,
            status in ('rejected', 'cached') as is_free
        from leaf_span
    )
"""

# A threshold of sampling has up to 14 hexadecimal digits, of which trailing zeros are left out.
_THRESHOLD = "regexp_extract(trace_state, '(?:^|[,;:=])th:([0-9a-f]{1,14})(?:[;,]|$)', 1)"
_REJECTED_OF = f"cast(cast('0x' || rpad({_THRESHOLD}, 14, '0') as bigint) as hugeint)"
_WHOLE = "cast(72057594037927936 as hugeint)"  # 2 ** 56
_RATE = "try_cast(sample_rate as double)"
_WEIGHT = f"""
    case
        when {_THRESHOLD} <> '' then
            cast(({_WHOLE} * 1000000000000 + ({_WHOLE} - {_REJECTED_OF}) // 2)
                // ({_WHOLE} - {_REJECTED_OF}) as decimal(38, 0))
            * cast('0.000000000001' as decimal(13, 12))
        -- A probability, or of how many spans this is one.
        when {_RATE} > 0 and {_RATE} < 1 then
            cast(cast(1e24 as hugeint)
                // cast(try_cast(sample_rate as decimal(18, 12)) * 1000000000000 as hugeint)
                as decimal(38, 0)) * cast('0.000000000001' as decimal(13, 12))
        when {_RATE} >= 1 then try_cast(sample_rate as decimal(38, 12))
    end
"""

_FIRST_TOKEN_MICROS = """
    coalesce(
        try_cast(first_token_unix_nano as bigint) // 1000,
        epoch_us(try_cast(trim(first_token_time, '"') as timestamptz)),
        start_nano // 1000 + cast(coalesce(
            try_cast(first_token_seconds as double) * 1e6,
            try_cast(first_token_milliseconds as double) * 1e3) as bigint)
    )
"""

_TOKENS = (
    "cache_read", "cache_write", "cache_write_1h", "audio_input", "output", "audio_output",
    "reasoning",
)  # fmt: skip


def judge(connection: duckdb.DuckDBPyConnection, options: OtelOptions) -> None:
    """Create `judged_leaf`: every leaf, its numbers, and its `problem`.

    Two tables are made of it, and it is most of their work.
    """
    tokens = ", ".join(
        f"if(is_free, null, whole_number({name}_tokens)) as {name}" for name in _TOKENS
    )
    scopes = quoted_list(list(options.disjoint_scopes))
    connection.execute(f"""
    create temp table judged_leaf as
    with {_ANSWERED},
    counted as materialized (
        select
            *,
            try_cast(start_time_unix_nano as bigint) as start_nano,
            try_cast(end_time_unix_nano as bigint) as end_nano,
            {tokens},
            if(is_free, null, whole_number(input_tokens)) as said_input,
            coalesce(cache_read, 0) + coalesce(cache_write, 0) as cached_parts,
            -- Whoever leaves the cached tokens out of the input is known, or their total tells.
            cached_parts > 0 and (
                coalesce(list_contains({scopes}, scope_name), false)
                or coalesce(
                    whole_number(total_tokens) = said_input + cached_parts + coalesce(output, 0),
                    false)
            ) as is_disjoint,
            said_input + if(is_disjoint, cached_parts, 0) as input,
            {_FIRST_TOKEN_MICROS} as first_token_micros,
            cast(try_cast(queued_seconds as double) * 1e3 as bigint) as queued_milliseconds,
            if(queued_milliseconds >= 0, queued_milliseconds, null) as queued_ms,
            nullif({_WEIGHT}, 1) as sample_weight
        from answered
    ),
    file_ends as ({FILE_ENDS})
    select *, {PROBLEM} as problem from counted cross join file_ends
    """)
