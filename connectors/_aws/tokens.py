"""Which lines sell tokens of a model, of which kind, and how many: the usage types of Bedrock.

Two grammars, as of 2026-11. Amazon's own and open models are in the usage type:

    USE1-NovaPro-cache-read-input-token-count-cross-region-global
    USE1-openai.gpt-oss-120b-mantle-input-tokens-standard

What is sold through AWS Marketplace has the model in the product's name:

    USW2-MP:USW2_CacheWrite1hInputTokenCount_Global-Units   Claude … (Amazon Bedrock Edition)
    USW2-MP:USW2_cache_write_tokens_1h_global_standard-Units

What no pattern knows stays usage without a token type: a token type is never guessed.
"""

from connectors._sql import quoted

_EDITION = " (Amazon Bedrock Edition)"

# The first pattern that matches decides: a cache write names "input" too. The text is a usage type
# in small letters, with one _ for all that is no letter or digit.
_TOKEN_TYPES: tuple[tuple[str, str | None], ...] = (
    # Tokens that are trained on, or have a price of another medium.
    ("train|fine_?tun|distill|customiz|image|video", None),
    ("cache_?write.*(1h|60m)|(1h|60m)_?cache_?write", "cache_write_1h"),
    ("cache_?write.*5m|5m_?cache_?write", "cache_write_5m"),
    # Lifetimes that are no bucket of ours.
    ("cache_?write.*[0-9]+[mh](_|input|tok|$)|[0-9]+[mh]_?cache_?write", None),
    ("cache_?write", "cache_write_5m"),
    ("cache_?read", "cache_read"),
    ("cache", None),
    ("input.*output|output.*input", None),
    ("(audio|speech).*input|input.*(audio|speech)", "audio_input"),
    ("(audio|speech).*output|output.*(audio|speech)", "audio_output"),
    ("input", "uncached_input"),
    ("output|response", "output"),
)
_TIERS: tuple[tuple[str, str | None], ...] = (
    ("batch", "batch"),
    ("flex", "flex"),
    ("priority", "priority"),
    ("latency_?optimized", "latency-optimized"),
    ("reserved", "reserved"),
)
_SCOPES: tuple[tuple[str, str | None], ...] = (
    ("global", "global"),
    ("cross_region|geo", "geographic"),
)
_UNITS: tuple[tuple[str, str | None], ...] = (
    ("^(1m|million|1000000) tokens?$", "1000000"),
    ("^(1k|1000|thousand) tokens?$", "1000"),
    ("^tokens?$", "1"),
    # Marketplace's unit says nothing: its description does.
    ("^units?\\b.*(million|[^0-9]1m )", "1000000"),
    ("^units?\\b.*(thousand|[^0-9]1k |1,000 )", "1000"),
)
METERS = {
    "uncached_input": "Input Tokens",
    "cache_read": "Cache Read Input Tokens",
    "cache_write_5m": "Cache Write Input Tokens",
    "cache_write_1h": "Cache Write Input Tokens, 1 Hour",
    "output": "Output Tokens",
    "audio_input": "Audio Input Tokens",
    "audio_output": "Audio Output Tokens",
}


def _first_match(text: str, patterns: tuple[tuple[str, str | None], ...]) -> str:
    branches = (
        f"when regexp_matches({text}, {quoted(pattern)}) then {quoted(value) if value else 'null'}"
        for pattern, value in patterns
    )
    return f"case {' '.join(branches)} end"


# The meter of a line that may sell tokens, as the patterns want it; else NULL.
METER_WORDS = f"""
    case
        when is_usage
            and (
                starts_with(line_item_product_code, 'AmazonBedrock')
                or (is_marketplace
                    and ends_with(product_attributes['product_name'], {quoted(_EDITION)}))
            )
            then lower(regexp_replace(line_item_usage_type, '[^A-Za-z0-9]+', '_', 'g'))
    end
"""

# Of `meter_words`: x_model, tokens of one priced unit, token type, tier and scope. Without a model,
# a token type and a known unit, a line sells no tokens that could be attributed.
_MODEL = f"""
    case
        when meter_words is null then null
        when ends_with(product_attributes['product_name'], {quoted(_EDITION)})
            then left(product_attributes['product_name'], -{len(_EDITION)})
        else nullif(regexp_extract(
            line_item_usage_type,
            '^(?:[A-Z]{{2,4}}[0-9]?-)?(.+?)'
            || '(?:[-_](?:mantle|batch|flex|priority|latency-optimized|custom-model'
            || '|text|speech|audio))*'
            || '[-_](?:cache|input|output|response)[-_A-Za-z0-9]*$',
            1
        ), '')
    end
"""
_TOKENS_A_UNIT = f"""
    cast(coalesce(
        {
    _first_match(
        "lower(if(coalesce(lower(pricing_unit), 'units') in ('units', 'unit'), "
        "'units ' || coalesce(line_item_line_item_description, ''), pricing_unit))",
        _UNITS,
    )
},
        case when is_marketplace and lower(coalesce(pricing_unit, 'units')) = 'units'
            then '1000000'
        end
    ) as integer)
"""
TOKENS = f"""
    case when contains(meter_words, 'token') then {{
        'model': {_MODEL},
        'type': {_first_match("meter_words", _TOKEN_TYPES)},
        'a_unit': {_TOKENS_A_UNIT},
        'tier': {_first_match("meter_words", _TIERS)},
        'scope': {_first_match("meter_words", _SCOPES)}
    }} end
"""
