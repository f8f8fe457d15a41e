"""What was judged, as immutable files of the lake, and as tables that dbt reads.

lake/judged/anomalies-<day>-<hash of what was judged>.parquet has all that was said of a day;
lake/judged/forecasts-<last day that was known>.parquet is a forecast, which nothing replaces.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from connectors._lake import Lake
from connectors._sql import quoted_list

_COST, _ESTIMATE, _PART = pl.Decimal(38, 12), pl.Decimal(38, 6), pl.Decimal(18, 6)
_VALUE: dict[str, Any] = {
    "charge_date": pl.Date,
    "billing_currency": pl.String,
    "entity": pl.String,
    "value": pl.String,
}
_CHECK = {
    **{name: _VALUE[name] for name in ("charge_date", "billing_currency", "entity")},
    "judged_values": pl.Int64,
    "anomalies": pl.Int64,
    "recurring_values": pl.Int64,
    "short_values": pl.Int64,
    "reason": pl.String,
}
_FORECAST = {
    "made_on": pl.Date,
    "is_backtest": pl.Boolean,
    **{name: _VALUE[name] for name in ("billing_currency", "entity", "value")},
    "period_kind": pl.String,
    "period_start": pl.Date,
    "known_cost": _COST,
    "cost_estimate": _ESTIMATE,
    "lower_estimate": _ESTIMATE,
    "upper_estimate": _ESTIMATE,
    "method": pl.String,
    "reason": pl.String,
    "history_days": pl.Int64,
    "left_out_sources": pl.List(pl.String),
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "anomaly_evidence": {
        **_VALUE,
        "part_entity": pl.String,
        "part_value": pl.String,
        "observed_cost": _COST,
        "usual_estimate": _ESTIMATE,
    },
    "anomalies": {
        **_VALUE,
        "observed_cost": _COST,
        "expected_estimate": _ESTIMATE,
        "lower_estimate": _ESTIMATE,
        "upper_estimate": _ESTIMATE,
        "score": _PART,
        "history_days": pl.Int64,
    },
    "anomaly_checks": _CHECK,
    "forecasts": _FORECAST,
}
ANOMALIES, FORECASTS = "anomalies", "forecasts"
# One file a day for these tables; a row says of which it is.
_OF_A_DAY = ("anomaly_evidence", "anomalies", "anomaly_checks")
_FILES: dict[str, dict[str, Any]] = {
    ANOMALIES: {
        "table": pl.String,
        **{name: kind for table in _OF_A_DAY for name, kind in SCHEMAS[table].items()},
    },
    FORECASTS: _FORECAST,
}
# What a warehouse is made from, beside the files.
JUDGED_CODE = (
    Path(__file__),
    *sorted(Path(__file__).with_name("judged").glob("*.py")),
)


def folder(lake: Lake) -> Path:
    """Return where the lake keeps what was judged."""
    return lake.root / "judged"


def file_of(lake: Lake, kind: str, name: str) -> Path:
    """Return the file of a day that was judged, or of a forecast."""
    return folder(lake) / f"{kind}-{name}.parquet"


def write_day(lake: Lake, name: str, rows: Mapping[str, Iterable[dict[str, Any]]]) -> None:
    """Write what was said of a day, by table."""
    marked = [{"table": table, **row} for table in _OF_A_DAY for row in rows[table]]
    _write(lake, ANOMALIES, name, marked)


def write_forecast(lake: Lake, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write a forecast."""
    _write(lake, FORECASTS, name, list(rows))


def _write(lake: Lake, kind: str, name: str, rows: list[dict[str, Any]]) -> None:
    """Write a file; it appears under its name when it is whole."""
    file = file_of(lake, kind, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    pl.DataFrame(rows, _FILES[kind]).write_parquet(temporary)
    os.replace(temporary, file)


def load_judged(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Have schema `lake` hold all that was judged: as tables, so that no reader needs the files."""
    for kind in _FILES:
        connection.execute(f"create or replace temp view judged_{kind} as {_rows(lake, kind)}")
    for table, schema in SCHEMAS.items():
        columns = ", ".join(f'"{name}"' for name in schema)
        where = f"where \"table\" = '{table}'" if table in _OF_A_DAY else ""
        kind = ANOMALIES if table in _OF_A_DAY else FORECASTS
        connection.execute(
            f"create or replace table lake.{table} as "
            f"select {columns} from judged_{kind} {where} order by all"
        )


def _rows(lake: Lake, kind: str) -> str:
    """Return the query of all rows; none, with their types, where there is no file."""
    files = [str(file) for file in sorted(folder(lake).glob(f"{kind}-*.parquet"))]
    if files:
        return f"select * from read_parquet({quoted_list(files)}, union_by_name = true)"
    empty = pl.DataFrame(schema=_FILES[kind])
    columns = [f'cast(null as {_sql(kind)}) as "{name}"' for name, kind in empty.schema.items()]
    return f"select {', '.join(columns)} where false"


def _sql(kind: pl.DataType) -> str:
    """Return what SQL calls a column's type."""
    if isinstance(kind, pl.Decimal):
        return f"decimal({kind.precision}, {kind.scale})"
    if isinstance(kind, pl.List):
        return "varchar[]"
    names = {pl.Date: "date", pl.Boolean: "boolean", pl.Int64: "bigint", pl.String: "varchar"}
    return names[type(kind)]
