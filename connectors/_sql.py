"""SQL macros that every connector's queries may use."""

import duckdb

# Money is parsed from the vendor's text with 24 decimals and rounded half-even to 12.
# DuckDB's own cast rounds half away from zero: only an exact tie is corrected.
_MACROS = (
    """
    create or replace macro exact(amount) as cast(cast(amount as varchar) as decimal(38, 24))
    """,
    """
    create or replace macro _half_even(wide, rounded) as case
        when abs(wide - rounded) = 0.0000000000005::decimal(38, 24)
            and right(rounded::varchar, 1) in ('1', '3', '5', '7', '9')
            then cast(
                rounded - sign(wide)::decimal(2, 0) * 0.000000000001::decimal(13, 12)
                as decimal(38, 12)
            )
        else rounded
    end
    """,
    """
    create or replace macro money(amount) as
        _half_even(exact(amount), cast(exact(amount) as decimal(38, 12)))
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
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
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
