"""The table itself: which days' partitions changed, and their rows.

A query over two columns tells of every partition its rows and newest export time; one that changed
is read anew, as a whole. Late rows come in new partitions, so that a run looks at those of the last
days only; the first run of a month looks at all of them. Rows come through the Storage Read API as
Arrow, and are kept as Parquet with the same columns, nested as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from connectors import _http
from connectors._base import Delivery, Landed, Source, Window
from connectors.gcp_billing_export._clients import explained, rest_client
from connectors.gcp_billing_export._columns import LISTS, PATHS
from connectors.gcp_billing_export._options import SCHEME, GcpOptions
from connectors.gcp_billing_export._storage import read_partition
from models.errors import ConfigError, FetchError

_FIRST_DAY = "1970-01-01"
_ALL_ROWS_GONE = "0"


@dataclass(frozen=True)
class TableName:
    """A table of BigQuery."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield the partitions that the window and the days looked at contain, the oldest first."""
    options = _options(source)
    first, swept = _first_day(options, window, landed)
    name = _table_name(source)
    with explained(source), rest_client(source, options, name.project) as client:
        table = client.get_table(str(name))
        _check_partitioned(source, table)
        rows = _fingerprints(source, options, client, name, first)
    known = {field.name for field in table.schema}
    request = {
        "table": str(name),
        "fields": [field for field in _used_fields() if field in known],
    }
    # What was read of the table later is in force.
    order = f"{table.modified:%Y-%m-%dT%H:%M:%S.%fZ}"
    deliveries = [
        Delivery(row["day"], _version(row), order, request={**request, "rows": row["row_count"]})
        for row in rows
        if any(window.covers(_period(month)) for month in (row["months"] or "").split(","))
    ]
    deliveries += [
        Delivery(day, _ALL_ROWS_GONE, order, request={**request, "rows": 0})
        for day in sorted({day for day in landed if day >= first} - {row["day"] for row in rows})
    ]
    if swept and deliveries:
        # Recorded with the last one: a sweep that stopped on its way is made again.
        deliveries[-1] = replace(deliveries[-1], request={**deliveries[-1].request, "swept": swept})
    yield from deliveries


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the rows of a partition into `folder`; the version is that of the rows that came."""
    if delivery.version == _ALL_ROWS_GONE:
        return delivery
    options = _options(source)
    with explained(source):
        read = read_partition(
            options.storage_endpoint,
            options.billing_project or _table_name(source).project,
            _path(_table_name(source)),
            delivery.slot,
            delivery.request["fields"],
            folder,
        )
    if read.rows < delivery.request["rows"]:
        raise FetchError(
            f"{source.name}: partition {delivery.slot} has {delivery.request['rows']} rows, but "
            f"{read.rows} arrived; a run that comes later reads it again"
        )
    request = {**delivery.request, "rows": read.rows}
    return replace(
        delivery, version=_version({"newest": read.newest, "row_count": read.rows}), request=request
    )


def _options(source: Source) -> GcpOptions:
    assert isinstance(source.options, GcpOptions)
    return source.options


def _table_name(source: Source) -> TableName:
    # A project can have a domain before it: example.com:project.
    parts = source.location.removeprefix(SCHEME).replace("/", ".").rsplit(".", 2)
    if len(parts) < 3 or not all(parts) or any("`" in part or " " in part for part in parts):
        raise ConfigError(
            f"{source.name}: location {source.location} names no table; allowed: "
            "bigquery://project.dataset.table"
        )
    return TableName(*parts)


def _path(name: TableName) -> str:
    return f"projects/{name.project}/datasets/{name.dataset}/tables/{name.table}"


def _check_partitioned(source: Source, table: bigquery.Table) -> None:
    partitioning = table.time_partitioning
    if partitioning is None or partitioning.field or partitioning.type_ != "DAY":
        raise ConfigError(
            f"{source.name}: {source.location} has no partitions by the day of ingestion; allowed: "
            "the table that Cloud Billing exports to, not a view or a copy of it"
        )


def _used_fields() -> Sequence[str]:
    roots = [path.partition(".")[0] for path in (*PATHS, *LISTS)]
    return sorted({*roots, "export_time"})


def _first_day(options: GcpOptions, window: Window, landed: Landed) -> tuple[str, str | None]:
    """Return the first day to look at, and this month where everything is looked at."""
    if window.start:
        # No row of an invoice is exported before its month begins.
        return f"{window.start[:7]}-01", None
    if window.end:
        return _FIRST_DAY, None
    today = _http.now()
    this_month = f"{today:%Y-%m}"
    sweeps = {
        manifest.request.get("swept") for versions in landed.values() for manifest in versions
    }
    if this_month not in sweeps:
        return _FIRST_DAY, this_month
    return f"{today - timedelta(days=options.recent_days):%Y-%m-%d}", None


_FINGERPRINTS = """
    select
        cast(date(_PARTITIONTIME) as string) as day,
        count(*) as row_count,
        format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', max(export_time)) as newest,
        string_agg(distinct invoice.month order by invoice.month) as months
    from `{table}`
    where _PARTITIONTIME >= timestamp(@first_day)
    group by day
    order by day
"""


def _fingerprints(
    source: Source, options: GcpOptions, client: bigquery.Client, name: TableName, first: str
) -> list[dict[str, Any]]:
    """Return a row a partition, oldest first; a query that would cost too much is not run."""
    sql = _FINGERPRINTS.format(table=name)
    settings: dict[str, Any] = {
        "labels": {"application": "unitledger"},
        "query_parameters": [bigquery.ScalarQueryParameter("first_day", "STRING", first)],
        "use_legacy_sql": False,
    }
    plan = client.query(
        sql, bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, **settings)
    )
    limit = options.maximum_bytes_billed
    if (plan.total_bytes_processed or 0) > limit:
        raise ConfigError(
            f"{source.name}: finding what changed in {name} would read "
            f"{plan.total_bytes_processed} bytes, and maximum_bytes_billed allows {limit}; "
            "raise it, or ask for fewer days with recent_days or a period"
        )
    job = client.query(sql, bigquery.QueryJobConfig(maximum_bytes_billed=limit, **settings))
    return [dict(row.items()) for row in job.result()]


def _period(month: str) -> str:
    return f"{month[:4]}-{month[4:]}"


def _version(row: dict[str, Any]) -> str:
    return f"{row['newest']}-{row['row_count']}"
