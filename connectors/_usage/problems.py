"""What makes a request's record unusable: the first that holds is its reason."""

from connectors._maps.expressions import columns_of
from connectors._sql import quoted
from connectors._usage.map import COUNTS, UsageMap

# What a model bills. A record of another operation is left out, unless it carries usage.
OPERATIONS = ("chat", "text_completion", "generate_content", "embeddings")

# Column, its value, when it is wrong, and why.
_Problem = tuple[str, str, str, str]


def problem(map_: UsageMap) -> str:
    """Return the SQL of a record's first problem: column_name, value and reason."""
    found = [
        ("x_malformed", "null", "x_malformed is not null", "is no JSON"),
        (
            _field(map_, "operation_name"),
            "operation_name",
            f"coalesce(operation_name not in {OPERATIONS}, true)",
            "is not a known operation, yet the record carries usage",
        ),
        (_field(map_, "span_id"), "span_id", "span_id is null", "is missing"),
        *_times(map_),
        *_counts(map_),
    ]
    whens = (
        f"when {condition} then {{'column_name': {_name(column)}, 'value': {value}, "
        f"'reason': {quoted(reason)}}}"
        for column, value, condition, reason in found
    )
    return "case\n" + "\n".join(f"        {when}" for when in whens) + "\n    end"


def _name(column: str) -> str:
    return column if column == "x_malformed" else quoted(column)


def _field(map_: UsageMap, key: str) -> str:
    """The field that a key is read from; the key itself where it is made of several."""
    text = map_.attempts.get(key)
    read = sorted(columns_of(text, f"attempts.{key}")) if text else []
    return read[0] if len(read) == 1 and read[0] not in map_.let else key


def _times(map_: UsageMap) -> list[_Problem]:
    example = map_.time.format or "2026-10-01T00:00:00Z"
    problems: list[_Problem] = []
    for key in ("started_at", "ended_at"):
        column = _field(map_, key)
        unread = f"{key} is null" if key == "started_at" else f"{key}_text is not null"
        unread = f"{key} is null and {unread}"
        outside = f"year({key}) not between 2000 and 2099"
        problems.append((column, f"{key}_text", unread, f"is no time such as {example}"))
        problems.append((column, f"{key}_text", outside, "is not between 2000 and 2099"))
    end = _field(map_, "ended_at" if "ended_at" in map_.attempts else "duration_ms")
    shown = "coalesce(ended_at_text, duration_ms)"
    return [*problems, (end, shown, "ends_at < started_at", "ends before it begins")]


def _counts(map_: UsageMap) -> list[_Problem]:
    problems: list[_Problem] = []
    for key in COUNTS:
        count = key.removesuffix("_tokens")
        column = _field(map_, key)
        unread = f"{key} is not null and {count} is null and is_metered"
        problems.append((column, key, unread, "is not a whole number"))
        problems.append((column, key, f"{count} < 0", "is negative"))

    def part(key: str, value: str, whole: str, whole_name: str) -> _Problem:
        reason = f"is more than the {whole_name} tokens that it is part of"
        return (_field(map_, key), f"cast({value} as varchar)", f"{value} > {whole}", reason)

    detail = "coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)"
    return [
        *problems,
        part("cache_write_tokens", detail, "written", "cache write"),
        part("cache_read_tokens", "included", "input", "input"),
        part("audio_input_tokens", "audio_input", "input", "input"),
        part("reasoning_tokens", "reasoning", "produced", "output"),
        part("audio_output_tokens", "audio_output", "produced", "output"),
    ]
