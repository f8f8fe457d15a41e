"""Meters of Azure OpenAI and of other models in Foundry: model, kind of token, deployment, tier.

A meter's name is all that the bill says: "gpt 4o 1120 cached Inp glbl Tokens" (in thousands),
"GPT 5 outpt Glbl 1M Tokens" (in millions), "5.5 ShortCo inp Dz 1M Tokens". The same words are
written in many ways; a name with a word for no direction, or for images, is no token meter.
"""

from connectors._sql import quoted

# A name as words: "gpt-4o-rt-txt-1217 cchd Inp DZn" has no separators that mean anything.
WORDS = """' ' || trim(regexp_replace(lower(meter_name), '[\\s\\-_]+', ' ', 'g')) || ' '"""

_INPUT = "inp|inpt|input|in|prompt"
_OUTPUT = "outp|outpt|output|opt|out|completion|compl"
_CACHED = "cached|cchd|cache|cach|cd|ch"
_ZONE = "glbl|global|gl|dzone|dzn|datazone|data zone|dz|regnl|rgnl|regional|rgn|reg"
_TIER = "batch|bat|priority|prty|pri|pp|flex|provisioned|prov"


def _has(words: str) -> str:
    return f"regexp_matches(words, {quoted(f' ({words}) ')})"


# Image, video and fine-tuning meters count tokens too, of kinds that no attempt reports.
_IS_TOKENS = f"""
    is_ai and block in (1000, 1000000) and not {_has("img|image|images|video|ft|trng|training")}
    and not {_has("hosting|hstng|unit|units|ptu|ptum|session|sessions|call|calls|search")}
"""

# Cached output does not exist; a cached name without a direction is a cached input.
TOKEN_TYPE = f"""
        case
            when not coalesce({_IS_TOKENS}, false) then null
            when {_has("write|cw")} and {_has(_CACHED)} and {_has("1h|1hr")} then 'cache_write_1h'
            when {_has("write|cw")} and {_has(_CACHED)} then 'cache_write_5m'
            when {_has(_CACHED)} then 'cache_read'
            when {_has("aud|audio")} and {_has("txt|text")} is not true and {_has(_OUTPUT)}
                then 'audio_output'
            when {_has("aud|audio")} and {_has("txt|text")} is not true and {_has(_INPUT)}
                then 'audio_input'
            when {_has(_OUTPUT)} then 'output'
            when {_has(_INPUT)} then 'uncached_input'
            when {_has("embedding|embeddings|embed")} then 'uncached_input'
        end
"""

# What is left of a name without the words of the meter: the vendor's label of the model.
_METER_WORDS = quoted(
    f"{_INPUT}|{_OUTPUT}|{_CACHED}|write|cw|1h|1hr|{_ZONE}|{_TIER}|1m|1k|tokens|token"
)


def _without_meter_words(words: str, separator: str) -> str:
    return f"""list_aggregate(list_filter(
                    {words}, lambda word: not regexp_full_match(lower(word), {_METER_WORDS})
                ), 'string_agg', '{separator}')"""


_NAME_PARTS = f"""list_transform(
                    string_split_regex(trim(meter_name), '\\s+'),
                    lambda part: {_without_meter_words("string_split(part, '-')", "-")}
                )"""
MODEL = f"""
        case when x_token_type is not null
            then nullif(trim({_without_meter_words(_NAME_PARTS, " ")}), '')
        end
"""

DEPLOYMENT = f"""
        case
            when {_has("glbl|global|gl")} then 'Global'
            when {_has("dzone|dzn|datazone|data zone|dz")} then 'Data Zone'
            when {_has("regnl|rgnl|regional|rgn|reg")} then 'Regional'
        end
"""

TIER = f"""
        case
            when x_token_type is null then null
            when {_has("batch|bat")} then 'batch'
            when {_has("priority|prty|pri|pp")} then 'priority'
            when {_has("flex")} then 'flex'
            else 'default'
        end
"""

# Provisioned throughput: units by the hour, whether used or not.
IS_PROVISIONED = f"""coalesce(is_ai and {_has("ptu|ptum|ptus|provisioned|prov|ptu hour")}, false)"""
