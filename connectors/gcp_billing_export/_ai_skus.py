"""Which model and which kind of tokens a SKU is, told by its description: Google has no field.

`Gemini 2.5 Flash GA Text Input - Predictions`, `Gemini 2.5 Pro Input Text Caching (Long)` (Vertex
AI), `Generate content cached input token count gemini 3 flash short text batch` (Gemini API). Its
amounts are tokens, though the unit says requests or count. Thinking is output. What is stored in a
cache by the hour, bytes, characters, seconds of video and searches are no tokens.

The model is the words from its family to its meter, written as in Google's API: gemini-2.5-flash.
"""

_FAMILIES = (
    "gemini|gemma|claude|llama|mistral|codestral|deepseek|qwen|glm|gpt-oss|jamba|kimi|minimax"
)
_DESCRIPTION = "lower(replace(sku_description, '_', ' '))"
# What is no part of a model's name, and so ends it.
_METER = (
    "ga|global|regional|batch|flex|priority|offpeak|long|short|thinking|text|image|video|audio|"
    "document|input|output|cached?|caching|online|live|token|tokens|predictions?|context|for"
)
_NO_TOKENS = (
    "storage|character|second|minute|hour|tuning|training|provisioned|search|image generation"
)
_TIER = "\\b(batch|flex|priority|offpeak)\\b"
_IS_METERED = f"""
    regexp_matches(description, '\\b({_FAMILIES})\\b')
    and regexp_matches(description, '\\b(input|output)\\b')
    and not regexp_matches(
        description, '{_NO_TOKENS}'
    )
    and coalesce(usage_pricing_unit, usage_unit, '') in ('count', 'requests', 'tokens', '1')
"""
# NULL where a SKU is no model's tokens.
TOKENS = f"""
        list_transform([{_DESCRIPTION}], lambda description: if({_IS_METERED}, {{
            'model': replace(trim(regexp_extract(
                description,
                '\\b((?:{_FAMILIES})\\b.*?)(?: |,|:)*(?:[-(]|\\b(?:{_METER})\\b|$)',
                1
            )), ' ', '-'),
            'type': case
                when regexp_matches(description, 'cach(e|ing) (write|creation)') then if(
                    regexp_matches(description, '1 ?h'), 'cache_write_1h', 'cache_write_5m'
                )
                when regexp_matches(description, '\\bcach') then 'cache_read'
                when regexp_matches(description, '\\binput\\b') then if(
                    regexp_matches(description, '\\baudio\\b'), 'audio_input', 'uncached_input'
                )
                when regexp_matches(description, '\\baudio\\b') then 'audio_output'
                else 'output'
            end,
            'tier': nullif(regexp_extract(description, '{_TIER}', 1), ''),
            'is_long': regexp_matches(description, '\\blong\\b')
        }}, null))[1]"""

# Of a token type: meter, direction, what the cache did.
TOKEN_METERS = {
    "uncached_input": ("Input Tokens", "Input", "Uncached"),
    "cache_read": ("Cache Read Input Tokens", "Input", "Read"),
    "cache_write_5m": ("Cache Write Input Tokens", "Input", "Write"),
    "cache_write_1h": ("Long Cache Write Input Tokens", "Input", "Write"),
    "output": ("Output Tokens", "Output", ""),
    "audio_input": ("Audio Input Tokens", "Input", "Uncached"),
    "audio_output": ("Audio Output Tokens", "Output", ""),
}
