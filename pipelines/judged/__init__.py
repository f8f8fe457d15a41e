"""What is judged once the marts are built: anomalies, and forecasts that are kept as made.

Both are estimates by statsmodels, and stand in the lake as files that later runs find again.
"""

import os

import duckdb

from pipelines.judged._anomalies import judge_days
from pipelines.judged._costs import read_complete
from pipelines.judged._forecasts import make_forecasts
from pipelines.judged_tables import load_judged
from pipelines.settings import Settings
from pipelines.warehouse import build_file

__all__ = ["judge"]

# What is fitted is small: threads of SciPy's linear algebra, which asks this when it is first
# imported, would do nothing but wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def judge(settings: Settings) -> None:
    """Judge what is new in the marts that were built; they are not published yet."""
    with duckdb.connect(str(build_file(settings))) as connection:
        connection.execute("set timezone = 'UTC'")
        complete = read_complete(connection)
        if complete:
            judge_days(connection, settings.lake, complete)
            make_forecasts(connection, settings.lake, complete)
        load_judged(connection, settings.lake)
