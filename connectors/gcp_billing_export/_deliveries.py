"""Loads of the table: files of its rows, or the partitions of the table itself."""

from collections.abc import Iterator
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._complete import check_complete
from connectors._files import discover_files, fetch_file, without_repeats
from connectors.gcp_billing_export._options import SCHEME

_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield the loads that are there: partitions that changed, or files."""
    if source.location.startswith(SCHEME):
        # Google's SDKs take half a second to load: only who asks BigQuery waits for them.
        from connectors.gcp_billing_export import _bigquery

        yield from _bigquery.discover(source, window, landed)
    else:
        yield from without_repeats(discover_files(source, landed, _SUFFIXES), landed)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write a load's rows into `folder`."""
    if source.location.startswith(SCHEME):
        from connectors.gcp_billing_export import _bigquery

        return _bigquery.fetch(source, delivery, folder)
    if "repeats" not in delivery.request:
        check_complete(fetch_file(source, delivery, folder), delivery.slot)
    return delivery
