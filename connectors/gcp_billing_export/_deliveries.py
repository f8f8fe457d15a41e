"""Loads of the table: files of its rows, or the partitions of the table itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._complete import check_complete
from connectors._files import discover_files, fetch_file
from connectors.gcp_billing_export import _bigquery

_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")
_REPEATS = "repeats-"


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield the loads that are there: partitions that changed, or files."""
    if _bigquery.is_table(source.location):
        yield from _bigquery.discover(source, window, landed)
    else:
        yield from _loads(list(discover_files(source, landed, _SUFFIXES)), landed)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write a load's rows into `folder`."""
    if _bigquery.is_table(source.location):
        return _bigquery.fetch(source, delivery, folder)
    if "repeats" not in delivery.request:
        check_complete(fetch_file(source, delivery, folder), delivery.slot)
    return delivery


def _loads(offered: list[Delivery], landed: Landed) -> Iterator[Delivery]:
    """Yield the files, but of several with the same content only one: a load that was repeated.

    One that already counts goes on to count; the others deliver nothing, in place of what they may
    have held before.
    """
    # A file that was found to repeat another is known by that: it may be the only one now.
    offered = [replace(each, version=each.version.removeprefix(_REPEATS)) for each in offered]
    contents = {delivery.slot: delivery.version for delivery in offered}
    holders: dict[str, str] = {}
    for slot, versions in sorted(landed.items()):
        version = versions[-1].version
        if contents.get(slot, version) == version:
            holders.setdefault(version, slot)
    for delivery in offered:
        holder = holders.setdefault(delivery.version, delivery.slot)
        if holder == delivery.slot:
            yield delivery
        elif delivery.slot in landed:
            yield replace(
                delivery,
                version=f"{_REPEATS}{delivery.version}",
                # Of one state of a file, what it holds comes after that it need not count.
                order=delivery.order.removesuffix("Z"),
                request={**delivery.request, "repeats": holder},
            )
