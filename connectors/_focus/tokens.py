"""Which model and which kind of token a FOCUS row meters, by what its SkuPriceDetails say.

FOCUS 1.5 drafts name ModelId, TokenDirection and TokenCacheAction, an older draft TokenType; until
it is ratified vendors prefix them with x_. What does not say so is not guessed.
"""

_KEYS = ("ModelId", "TokenDirection", "TokenCacheAction", "TokenType", "GpuCount")
_PATHS = ", ".join(f"'$.{prefix}{key}'" for key in _KEYS for prefix in ("", "x_"))
# The values of all keys, each without and with its prefix: an object is parsed once.
DETAILS = f"""case
    when json_valid(SkuPriceDetails) then json_extract_string(SkuPriceDetails, [{_PATHS}])
end"""


def _detail(key: str) -> str:
    place = 2 * _KEYS.index(key) + 1
    return f"coalesce(details[{place}], details[{place + 1}])"


GPU_COUNT = _detail("GpuCount")
MODEL = f"coalesce(x_Model, {_detail('ModelId')})"
_KNOWN = """(
    'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'audio_input',
    'audio_output'
)"""
_DIRECTION = f"lower({_detail('TokenDirection')})"
_ACTION = f"lower({_detail('TokenCacheAction')})"
_TYPE = f"replace(lower({_detail('TokenType')}), '_', ' ')"
# A cache write is kept for five minutes unless its meter says that it is for an hour.
_WRITE = r"""if(
    regexp_matches(concat_ws(' ', SkuMeter, SkuId), '(?i)\b(1h|1 ?hour)\b'),
    'cache_write_1h', 'cache_write_5m'
)"""
TOKEN_TYPE = f"""case
    when x_TokenType in {_KNOWN} then x_TokenType
    when {_ACTION} = 'read' or {_TYPE} in ('cached input', 'cache read', 'cached') then 'cache_read'
    when {_ACTION} = 'write' or {_TYPE} in ('cache write', 'cache creation') then {_WRITE}
    when {_ACTION} not in ('uncached', 'none') then null
    when {_DIRECTION} = 'input' or {_TYPE} in ('input', 'uncached input') then 'uncached_input'
    when {_DIRECTION} = 'output' or {_TYPE} = 'output' then 'output'
    when {_TYPE} in ('audio input', 'input audio') then 'audio_input'
    when {_TYPE} in ('audio output', 'output audio') then 'audio_output'
end"""

# How many tokens a unit is: Tokens, 1000 Tokens, 1K tokens, 1M Tokens.
_UNIT = r"'(?i)^(\d*)([km]?) ?tokens?$'"


def _tokens(quantity: str, unit: str) -> str:
    return rf"""case when regexp_matches({unit}, {_UNIT}) then
        try_cast({quantity} as decimal(24, 12))
        * coalesce(try_cast(nullif(regexp_extract({unit}, {_UNIT}, 1), '') as integer), 1)
        * case lower(regexp_extract({unit}, {_UNIT}, 2))
            when 'k' then 1000
            when 'm' then 1000000
            else 1
        end
    end"""


RAW_TOKENS = (
    f"coalesce({_tokens('consumed', 'ConsumedUnit')}, {_tokens('quantity', 'PricingUnit')})"
)
