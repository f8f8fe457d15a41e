"""SQL macros that every connector's queries may use."""

import os
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

import duckdb

# Money is parsed from the vendor's text with 24 decimals and rounded half-even to 12.
# DuckDB's own cast rounds half away from zero: only an exact tie is corrected.
# Most amounts are exact in 64 bits, and a text is read into those a hundred times as fast: with
# 12 decimals, 6 or 16, by how many digits stand before and after the point.
_MACROS = (
    """
    create or replace macro _is_short(amount) as
        length(amount) < 14 and strpos(amount, '.') between 1 and 7
        and not contains(lower(amount), 'e')
    """,
    """
    create or replace macro _fits(amount, whole, places) as if(
        contains(amount, '.'),
        strpos(amount, '.') <= whole + 1 and length(amount) - strpos(amount, '.') <= places,
        length(amount) <= whole
    ) and not contains(lower(amount), 'e')
    """,
    """
    create or replace macro _exact(amount) as case
        when _is_short(amount) then cast(cast(amount as decimal(18, 12)) as decimal(38, 24))
        when _fits(amount, 12, 6) then cast(cast(amount as decimal(18, 6)) as decimal(38, 24))
        when _fits(amount, 2, 16) then cast(cast(amount as decimal(18, 16)) as decimal(38, 24))
        else cast(amount as decimal(38, 24))
    end
    """,
    # A double means its shortest text. A decimal of at most 15 digits that is nearest to it is that
    # text: no other decimal so short is nearest to the same double. Most need not be written out.
    """
    create or replace macro _is_fraction(amount) as abs(cast(amount as double)) < 1000
        and cast(try_cast(amount as decimal(18, 12)) as double) = amount
    """,
    """
    create or replace macro _is_decimal(amount) as abs(cast(amount as double)) < 1000000000
        and cast(try_cast(amount as decimal(18, 6)) as double) = amount
    """,
    # The type of a column is known before its values: only its branch is left of these.
    """
    create or replace macro exact(amount) as case
        when typeof(amount) = 'DOUBLE' and _is_fraction(amount)
            then cast(try_cast(amount as decimal(18, 12)) as decimal(38, 24))
        when typeof(amount) = 'DOUBLE' and _is_decimal(amount)
            then cast(try_cast(amount as decimal(18, 6)) as decimal(38, 24))
        else _exact(cast(amount as varchar))
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
    create or replace macro _money(amount) as case
        when _is_short(amount) then cast(cast(amount as decimal(18, 12)) as decimal(38, 12))
        when _fits(amount, 12, 6) then cast(cast(amount as decimal(18, 6)) as decimal(38, 12))
        else _half_even(_exact(amount), cast(_exact(amount) as decimal(38, 12)))
    end
    """,
    """
    create or replace macro money(amount) as case
        when typeof(amount) = 'DOUBLE' and _is_fraction(amount)
            then cast(try_cast(amount as decimal(18, 12)) as decimal(38, 12))
        when typeof(amount) = 'DOUBLE' and _is_decimal(amount)
            then cast(try_cast(amount as decimal(18, 6)) as decimal(38, 12))
        else _money(cast(amount as varchar))
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
            # Files are read once, or are still with the operating system.
            "enable_external_file_cache": False,
            # What does not fit is written aside; a laptop has other things to do. Each connection
            # has its own place, which it empties in the end.
            "memory_limit": "1500MB",
            "temp_directory": f"{gettempdir()}/unitledger-{uuid4().hex}",
        }
    )
    connection.execute("set global timezone = 'UTC'")
    connection.execute(";".join(_MACROS))
    return connection


def session() -> duckdb.DuckDBPyConnection:
    """Open what `connect` opens, a hundred times as fast: all sessions of a process share one
    DuckDB. Only what is temporary is its own, and goes with it; what is set must be set for it."""
    return _shared(os.getpid()).cursor()


@cache
def _shared(process: int) -> duckdb.DuckDBPyConnection:
    del process  # One that was forked has none of its parent's threads.
    return connect()


def csv_rows(connection: duckdb.DuckDBPyConnection, folder: Path, file: str) -> str:
    """Return the query of a CSV file's rows as text, with `x_file` and `x_row`."""
    scan = (
        f"read_csv({quoted(str(folder / file))}, header = true, all_varchar = true, "
        """skip = 0, delim = ',', quote = '"', escape = '"')"""
    )
    connection.execute(f"create temp table csv_row as select * from {scan}")
    return f"select *, {quoted(file)} as x_file, rowid + 1 as x_row from csv_row"


def quoted(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_list(texts: list[str]) -> str:
    """Return an SQL list literal of strings."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"
