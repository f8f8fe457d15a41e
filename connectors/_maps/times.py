"""A text as an instant in UTC."""

import re

from connectors._sql import quoted

_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?)?( ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?))?"
_OFFSET = r".*\d:\d{2}.*[+-]\d{2}(:?\d{2})?"


def instant_sql(text: str, form: str | None, zone_name: str) -> str:
    """Return SQL for a timestamp in UTC, NULL where `text` is none.

    `form` is strptime's, epoch_seconds, epoch_milliseconds, or None for ISO 8601. A text without a
    zone of its own is in `zone_name`.
    """
    zone = quoted(zone_name)
    if form in ("epoch_seconds", "epoch_milliseconds"):
        number = f"try_cast({text} as decimal(24, 6))"
        scale = 1_000_000 if form == "epoch_seconds" else 1000
        return f"make_timestamp(cast(round({number} * {scale}, 0) as bigint))"
    if form:
        parsed = f"try_strptime({text}, {quoted(form)})"
        if re.search("%[zZ]", form):
            return f"cast({parsed} as timestamp)"
        return f"cast(timezone({zone}, cast({parsed} as timestamp)) as timestamp)"
    # Offsets need the calendar of all zones, which is slow: most texts have none.
    in_utc = f"try_cast(rtrim({text}, ' ZzUTC') as timestamp)"
    joined = rf"regexp_replace({text}, '\s+([+-]\d{{2}}:?\d{{2}})$', '\1')"
    local = f"try_cast({text} as timestamp)"
    if zone_name != "UTC":
        local = f"cast(timezone({zone}, {local}) as timestamp)"
    return (
        f"case when not regexp_full_match({text}, {quoted(_ISO)}) then null "
        f"when right({text}, 1) in ('Z', 'z', 'C') then {in_utc} "
        f"when regexp_full_match({text}, {quoted(_OFFSET)}) "
        f"then cast(try_cast({joined} as timestamptz) as timestamp) else {local} end"
    )
