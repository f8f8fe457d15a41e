"""Files at a location: those whose paths name one date are a slot, with what stands beside them."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._complete import check_complete, check_text
from connectors._days import date_of, fetch_days
from connectors._files import StoredFile, content_hash, is_hidden, open_store
from connectors._usage.map import UsageMap
from connectors._usage.read import SUFFIXES


def discover(map_: UsageMap, source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield a delivery a date; records beside requests may be of dates before theirs."""
    del window
    store = open_store(source.location)
    requests: dict[str, list[StoredFile]] = {}
    beside: dict[str, dict[str, list[StoredFile]]] = {name: {} for name in map_.beside}
    for file in store.files():
        if not _is_read(map_, file.path):
            continue
        slot = date_of(file.path, by_month=False) or file.path
        names = [name for name, one in map_.beside.items() if re.search(one.files, file.path)]
        for name in names:
            beside[name].setdefault(slot, []).append(file)
        if not names:
            requests.setdefault(slot, []).append(file)
    for slot, files in sorted(requests.items()):
        found = sorted([*files, *_beside(map_, beside, slot)], key=lambda file: file.path)
        marks = {file.path: file.mark for file in found}
        known = [m for m in landed.get(slot, ()) if m.request.get("files") == marks]
        version = known[-1].version if known else content_hash(store, found)
        yield Delivery(slot, version, max(f.modified for f in found), request={"files": marks})


def _is_read(map_: UsageMap, path: str) -> bool:
    is_known = path.endswith(SUFFIXES) or map_.files.format is not None
    return is_known and not is_hidden(path, (".", "_")) and bool(re.search(map_.files.path, path))


def _beside(
    map_: UsageMap, beside: dict[str, dict[str, list[StoredFile]]], slot: str
) -> Iterator[StoredFile]:
    for name, one in map_.beside.items():
        for before in range(one.days_before + 1):
            yield from beside[name].get(_earlier(slot, before), ())


def _earlier(slot: str, days: int) -> str:
    try:
        return str(date.fromisoformat(slot) - timedelta(days=days))
    except ValueError:
        return slot if days == 0 else ""


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the files as they were when they were found; a ContractError where one is not whole."""
    for path, copy in zip(
        delivery.request["files"], fetch_days(source, delivery, folder), strict=True
    ):
        if copy.suffix == ".parquet":
            check_complete(copy, f"{source.name}: {path}")
        else:
            ends_its_lines = not path.removesuffix(".gz").endswith(".json")
            check_text(copy, f"{source.name}: {path}", ends_its_lines)
    return delivery
