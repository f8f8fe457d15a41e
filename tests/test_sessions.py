"""Sessions of one process share a DuckDB, and nothing else."""

import os
import subprocess
import sys

import duckdb
import pytest

from connectors._sql import session


def test_what_one_session_makes_no_other_sees_and_it_may_be_made_again() -> None:
    for _ in range(2):
        with session() as connection, session() as other:
            connection.execute("create temp table raw as select 1 as one")
            connection.execute("create temp macro twice(one) as 2 * one")
            assert connection.execute("select twice(one) from raw").fetchone() == (2,)
            with pytest.raises(duckdb.CatalogException):
                other.execute("from raw")
            with pytest.raises(duckdb.CatalogException):
                other.execute("select twice(1)")


def test_sessions_are_in_utc_and_know_our_macros() -> None:
    asked = (
        "from connectors._sql import session; "
        "print(session().execute(\"select current_setting('timezone'), money('1.5')\").fetchone())"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | {"TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "('UTC', Decimal('1.500000000000'))"
