"""Counts as a JSON object in one attribute, made inclusive like all others.

Langfuse's buckets are disjoint (`input` leaves out cached and audio tokens, `output` reasoning),
unless their own `total` shows that whoever wrote them counted inclusively. OpenAI's names
(`prompt_tokens`) are inclusive. Anthropic's own answer, which the Vercel AI SDK hands on as
provider metadata, leaves cached tokens out of `input_tokens`.
"""

from collections.abc import Collection, Mapping

from connectors._sql import quoted
from connectors.otel_genai import _names as names

_Paths = Mapping[str, tuple[str, ...]]

_LANGFUSE: _Paths = {
    "uncached": ("input",),
    "prompt": ("prompt_tokens",),
    "raw_input": ("input_tokens",),
    "cache_read": (
        "input_cached_tokens", "input_cache_read", "input_cached",
        "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens",
    ),
    "raw_read": ("cache_read_input_tokens",),
    "written_5m": ("input_cache_creation_5m",),
    "written_1h": ("input_cache_creation_1h",),
    "written_rest": ("input_cache_creation", "input_cache_write"),
    "raw_written": ("cache_creation_input_tokens",),
    "raw_written_1h": ("cache_creation.ephemeral_1h_input_tokens",),
    "heard": ("input_audio_tokens", "input_audio", "prompt_tokens_details.audio_tokens"),
    "plain_output": ("output",),
    "completion": ("completion_tokens", "output_tokens"),
    "reasoning": (
        "output_reasoning_tokens", "output_reasoning",
        "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
    ),
    "spoken": (
        "output_audio_tokens", "output_audio", "completion_tokens_details.audio_tokens",
    ),
    "total": ("total", "total_tokens"),
}  # fmt: skip

_LANGFUSE_COUNTS = """
    select
        x_row,
        coalesce(cache_read, raw_read) as read,
        coalesce(written_5m, written_1h, written_rest, raw_written) as any_written,
        coalesce(written_5m, 0) + coalesce(written_1h, 0)
            + coalesce(written_rest, raw_written, 0) + any_written * 0 as written,
        coalesce(read, 0) + coalesce(written, 0) + coalesce(heard, 0) as parts,
        coalesce(reasoning, 0) + coalesce(spoken, 0) as produced_parts,
        coalesce(plain_output, 0) as plain,
        total in (uncached + plain, uncached + plain + produced_parts)
            and total not in (uncached + parts + plain, uncached + parts + plain + produced_parts)
            as is_inclusive,
        total in (uncached + plain, uncached + parts + plain)
            and total not in (
                uncached + plain + produced_parts, uncached + parts + plain + produced_parts)
            as is_output_inclusive,
        case
            when uncached is not null then
                uncached + if(coalesce(is_inclusive, false), 0, parts)
            when prompt is not null then prompt
            else raw_input + coalesce(raw_read, 0) + coalesce(raw_written, 0)
        end as input_tokens,
        read as cache_read_tokens,
        written as cache_write_tokens,
        coalesce(written_1h, raw_written_1h) as cache_write_1h_tokens,
        heard as audio_input_tokens,
        case
            when plain_output is not null then
                plain_output + if(coalesce(is_output_inclusive, false), 0, produced_parts)
            else completion
        end as output_tokens,
        spoken as audio_output_tokens,
        reasoning as reasoning_tokens
    from langfuse
"""

_PROVIDER: _Paths = {
    "raw_input": ("anthropic.usage.input_tokens",),
    "raw_output": ("anthropic.usage.output_tokens",),
    "raw_read": ("anthropic.usage.cache_read_input_tokens", "anthropic.cacheReadInputTokens"),
    "raw_written": (
        "anthropic.usage.cache_creation_input_tokens", "anthropic.cacheCreationInputTokens",
    ),
    "raw_written_1h": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "cached": ("openai.cachedPromptTokens",),
    "reasoned": ("openai.reasoningTokens",),
}  # fmt: skip

_PROVIDER_COUNTS = """
    select
        x_row,
        if(
            coalesce(raw_input, raw_read, raw_written) is null, null,
            coalesce(raw_input, said_input) + coalesce(raw_read, 0) + coalesce(raw_written, 0)
        ) as input_tokens,
        coalesce(raw_read, cached) as cache_read_tokens,
        raw_written as cache_write_tokens,
        raw_written_1h as cache_write_1h_tokens,
        cast(null as bigint) as audio_input_tokens,
        raw_output as output_tokens,
        cast(null as bigint) as audio_output_tokens,
        reasoned as reasoning_tokens
    from provider
"""

DETAILED = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "audio_input_tokens", "output_tokens", "audio_output_tokens", "reasoning_tokens",
)  # fmt: skip


def details_query(present: Collection[str]) -> str | None:
    """Return what creates `usage_detail`: the counts of each span that has some in detail."""
    sources = []
    if names.USAGE_DETAILS in present:
        sources.append(_source("langfuse", names.USAGE_DETAILS, _LANGFUSE, _LANGFUSE_COUNTS))
    if names.PROVIDER_METADATA in present:
        said = names.first(names.TOKENS["input_tokens"], present=present)
        sources.append(
            _source("provider", names.PROVIDER_METADATA, _PROVIDER, _PROVIDER_COUNTS, said)
        )
    if not sources:
        return None
    counts = ", ".join(f"cast(any_value({name}) as varchar) as {name}" for name in DETAILED)
    return f"""
    create temp table usage_detail as
    select x_row, {counts} from ({" union all by name ".join(sources)})
    where coalesce({", ".join(DETAILED)}) is not null
    group by x_row
    """


def _source(name: str, attribute: str, paths: _Paths, counts: str, said_input: str = "null") -> str:
    text = f"attribute(attributes, {quoted(attribute)})"
    columns = ", ".join(f"{_count(found)} as {column}" for column, found in paths.items())
    return f"""
    select x_row, {", ".join(DETAILED)} from (
        with objects as (
            select x_row, {text} as text, whole_number({said_input}) as said_input
            from span where json_valid({text})
        ),
        {name} as (select x_row, said_input, {columns} from objects)
        {counts}
    )
    """


def _count(paths: tuple[str, ...]) -> str:
    """The first of these that is a number: nested, or with the path as its name."""
    spelled = [way for path in paths for way in dict.fromkeys((f"$.{path}", f'$."{path}"'))]
    found = ", ".join(f"whole_number(json_extract_string(text, {quoted(way)}))" for way in spelled)
    return f"coalesce({found})"
