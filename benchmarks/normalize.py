"""Bills and spans in the vendors' formats, and how long it takes to make our rows of them."""

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import polars as pl

from benchmarks import ROOT
from benchmarks.measure import cpu_seconds
from connectors import all_connectors
from connectors._aws.columns import COLUMNS
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors._sql import quoted
from larkspur.company import SAMPLE, SEED, Period
from larkspur.draws import Draws
from larkspur.spans import write_spans
from larkspur.traffic import traffic
from models.config import DEFAULT_ATTRIBUTES

_EXPORT = ROOT / "data_samples" / "aws_cur2"
_PERIOD = "BILLING_PERIOD=2026-10"
_ROWS_A_FILE = 500_000
_SPAN_DAYS = 5
SPANS_AN_ATTEMPT = 2.2


def _source(folder: Path, name: str) -> Source:
    options = all_connectors()[name].options()
    return Source("bench", str(folder / "export"), options, DEFAULT_ATTRIBUTES)


def land(folder: Path, name: str) -> None:
    """Land what was written for a connector."""
    report = Lake(folder / "lake").land(_source(folder, name), all_connectors()[name], Window())
    assert not report.failures, report.failures


def normalize_again(folder: Path, name: str, table: str) -> dict[str, Any]:
    """Normalize all that landed, whether it was before or not; return rows and seconds."""
    lake = Lake(folder / "lake")
    lake.index_file.unlink(missing_ok=True)
    source, connector = _source(folder, name), all_connectors()[name]
    began, cpu_began = perf_counter(), cpu_seconds()
    failures = normalize(lake, source, connector)
    seconds, cpu = perf_counter() - began, cpu_seconds() - cpu_began
    assert not failures, failures
    listed = lake.index().filter(pl.col("table") == table)
    rows = sum(day["rows"] for days in listed["days"].to_list() for day in days)
    delivered = sum(total["rows"] for totals in listed["delivered"].to_list() for total in totals)
    return {"seconds": seconds, "cpu": cpu, "rows": rows, "delivered": delivered}


# --- CUR 2.0 ------------------------------------------------------------------------------------


_ENDINGS = {"parquet": "snappy.parquet", "csv": "csv.gz"}
_WRITTEN = {
    "parquet": "(format parquet, compression snappy)",
    "csv": "(format csv, header, compression gzip)",
}


def write_cur(folder: Path, rows: int, format: str) -> int:
    """Write the sample company's bill of October often enough, as other resources; return rows."""
    manifest_file = _EXPORT / "metadata" / _PERIOD / "larkspur-cur-Manifest.json"
    manifest = json.loads(manifest_file.read_text())
    listed = [file.split("/data/")[1] for file in manifest["dataFiles"]]
    sample = [str(_EXPORT / "data" / file) for file in listed]
    scan = f"read_parquet([{', '.join(map(quoted, sample))}])"
    with duckdb.connect() as connection:
        rows_once = connection.execute(f"select count(*) from {scan}").fetchall()[0][0]
        copies = max(1, rows // rows_once)
        copies_a_file = max(1, _ROWS_A_FILE // rows_once)
        files = []
        for number, first in enumerate(range(0, copies, copies_a_file), start=1):
            name = f"{listed[0].rpartition('/')[0]}/larkspur-cur-{number:05d}.{_ENDINGS[format]}"
            last = min(first + copies_a_file, copies)
            file = folder / "export" / "data" / name
            _write_copies(connection, scan, range(first, last), file, format)
            files.append(f"s3://larkspur-billing/larkspur-cur/data/{name}")
    metadata = folder / "export" / "metadata" / _PERIOD / manifest_file.name
    metadata.parent.mkdir(parents=True)
    metadata.write_text(json.dumps(manifest | {"dataFiles": files}))
    return int(rows_once * copies)


def delivered_scans(folder: Path) -> list[str]:
    """Return a query of each delivered Parquet file: the columns of it that we read."""
    ours = {column.name for column in COLUMNS}
    scans = []
    for file in sorted((folder / "export").glob("data/*/*/*.parquet")):
        scan = f"read_parquet({quoted(str(file))}, hive_partitioning = false)"
        described = duckdb.execute(f"describe from {scan}").fetchall()
        scans.append(
            f"select {', '.join(row[0] for row in described if row[0] in ours)} from {scan}"
        )
    return scans


def _write_copies(
    connection: duckdb.DuckDBPyConnection, scan: str, copies: range, file: Path, format: str
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    described = connection.execute(f"describe select * from {scan}").fetchall()
    maps = [name for name, type_of, *_ in described if type_of.startswith("MAP")]
    as_json = "".join(f"to_json({name}) as {name}, " for name in maps) if format == "csv" else ""
    connection.execute(f"""
        copy (
            select * exclude (copy) replace (
                {as_json}
                sha256(identity_line_item_id || copy) as identity_line_item_id,
                left(line_item_resource_id, 8) || md5(line_item_resource_id || copy)
                    as line_item_resource_id
            )
            from {scan}
            cross join (
                select format('-{{:05d}}', range) as copy from range({copies.start}, {copies.stop})
            )
        ) to {quoted(str(file))} {_WRITTEN[format]}
    """)


# --- OTLP/JSON ----------------------------------------------------------------------------------


def write_some_spans(folder: Path, spans: int) -> int:
    """Write some days' files of about so many spans in all; return how many they are."""
    period = Period(SAMPLE.first, _SPAN_DAYS)
    attempts = pl.concat(traffic(round(spans / SPANS_AN_ATTEMPT), _SPAN_DAYS, SEED))
    (folder / "export").mkdir()
    return write_spans(attempts, period, Draws(SEED), folder / "export")
