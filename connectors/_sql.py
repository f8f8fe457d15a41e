"""SQL macros that every connector's queries may use."""

from tempfile import gettempdir

import duckdb

# Money is parsed from the vendor's text with 24 decimals and rounded half-even to 12.
# DuckDB's own cast rounds half away from zero: only an exact tie is corrected.
# Most amounts are short, and exact in 64 bits, which is ten times as fast.
_MACROS = (
    """
    create or replace macro _is_short(amount) as
        length(amount) < 14 and strpos(amount, '.') between 1 and 7
        and not contains(lower(amount), 'e')
    """,
    """
    create or replace macro exact(amount) as case
        when _is_short(cast(amount as varchar))
            then cast(cast(cast(amount as varchar) as decimal(18, 12)) as decimal(38, 24))
        else cast(cast(amount as varchar) as decimal(38, 24))
    end
    """,
    # A list of odd digits would become a join, which does not keep the order of rows.
    """
    create or replace macro _half_even(wide, rounded) as case
        when abs(wide - rounded) = 0.0000000000005::decimal(38, 24)
            and ascii(right(rounded::varchar, 1)) % 2 = 1
            then cast(rounded - sign(wide) * 0.000000000001::decimal(13, 12) as decimal(38, 12))
        else rounded
    end
    """,
    """
    create or replace macro money(amount) as case
        when _is_short(cast(amount as varchar))
            then cast(cast(cast(amount as varchar) as decimal(18, 12)) as decimal(38, 12))
        else _half_even(exact(amount), cast(exact(amount) as decimal(38, 12)))
    end
    """,
    """
    create or replace macro billing_period_start(period) as cast(period || '-01' as timestamp)
    """,
    """
    create or replace macro billing_period_end(period) as
        cast(period || '-01' as timestamp) + interval 1 month
    """,
)


def connect() -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB in UTC with the macros `exact`, `money` and `billing_period_*`."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            # What does not fit is written aside; a laptop has other things to do.
            "memory_limit": "3GB",
            "temp_directory": f"{gettempdir()}/unitledger",
        }
    )
    connection.execute("set timezone = 'UTC'")
    for macro in _MACROS:
        connection.execute(macro)
    return connection


def quoted(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_list(texts: list[str]) -> str:
    """Return an SQL list literal of strings."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"
