"""What makes a call of a model unusable: the first that holds is its reason."""

from connectors._sql import quoted
from connectors.otel_genai._names import OPERATIONS, TOKENS

_YEAR_2000, _YEAR_2100 = 946_684_800 * 10**9, 4_102_444_800 * 10**9
_DAY = 86_400 * 10**9

# What the current conventions call each count.
_NAMES = {column: found[0] if found else column for column, found in TOKENS.items()}

# Column, value, when it is wrong, and why.
_Problem = tuple[str, str, str, str]


def _id(column: str, digits: int) -> _Problem:
    is_hexadecimal = f"regexp_full_match({column}, '[0-9a-f]{{{digits}}}')"
    reason = f"is not {digits} hexadecimal digits"
    return (column, column, f"not coalesce({is_hexadecimal}, false)", reason)


def _time(column: str, number: str) -> list[_Problem]:
    outside = f"{number} not between {_YEAR_2000} and {_YEAR_2100 - 1}"
    return [
        (column, column, f"{number} is null", "is not a number of nanoseconds"),
        (column, column, outside, "is not between 2000 and 2099"),
    ]


def _count(text: str, number: str) -> list[_Problem]:
    is_unreadable = f"{text} is not null and {number} is null and not is_free"
    return [
        (_NAMES[text], text, is_unreadable, "is not a whole number"),
        (_NAMES[text], text, f"{number} < 0", "is negative"),
    ]


def _part(text: str, part: str, whole: str) -> _Problem:
    reason = f"is more than the {whole} tokens that it is part of"
    return (_NAMES[text], f"cast({part} as varchar)", f"{part} > {whole}", reason)


_END = "end_time_unix_nano"
_FAR = f"end_nano - third_quartile > greatest({_DAY}, 3 * (third_quartile - first_quartile))"
_PROBLEMS: list[_Problem] = [
    (
        "gen_ai.operation.name",
        "operation_name",
        f"coalesce(operation_name not in {OPERATIONS}, true)",
        "is not a known operation, yet the span carries usage",
    ),
    _id("trace_id", 32),
    _id("span_id", 16),
    *_time("start_time_unix_nano", "start_nano"),
    *_time(_END, "end_nano"),
    (_END, _END, "end_nano < start_nano", "is before start_time_unix_nano"),
    (_END, _END, _FAR, "is far ahead of the other spans of the file"),
    *_count("input_tokens", "input"),
    *_count("cache_read_tokens", "cache_read"),
    *_count("cache_write_tokens", "cache_write"),
    *_count("cache_write_1h_tokens", "cache_write_1h"),
    *_count("audio_input_tokens", "audio_input"),
    *_count("output_tokens", "output"),
    *_count("audio_output_tokens", "audio_output"),
    *_count("reasoning_tokens", "reasoning"),
    _part("cache_read_tokens", "coalesce(cache_read, 0) + coalesce(cache_write, 0)", "input"),
    _part("cache_write_1h_tokens", "cache_write_1h", "cache_write"),
    _part("audio_input_tokens", "audio_input", "input"),
    _part("reasoning_tokens", "reasoning", "output"),
    _part("audio_output_tokens", "audio_output", "output"),
]


def _case() -> str:
    whens = (
        f"when {condition} then "
        f"{{'column_name': {quoted(column)}, 'value': {value}, 'reason': {quoted(reason)}}}"
        for column, value, condition, reason in _PROBLEMS
    )
    return "case\n" + "\n".join(f"        {when}" for when in whens) + "\n    end"


PROBLEM = _case()
FILE_ENDS = f"""
        select
            quantile_disc(end_nano, 0.25) as first_quartile,
            quantile_disc(end_nano, 0.5) as median,
            quantile_disc(end_nano, 0.75) as third_quartile
        from counted
        where end_nano between {_YEAR_2000} and {_YEAR_2100 - 1}
    """
