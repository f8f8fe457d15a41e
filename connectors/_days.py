"""Files at a location, together as one delivery where their paths name the same day or month.

`2026-10-08.jsonl`, `events/2026/10/08/14.jsonl.gz`, `year=2026/month=10/day=08/a.json` and
`b/20261008.jsonl` are one delivery, the slot 2026-10-08; `bytes-2026-10.csv` is of 2026-10. A file
whose path names no date is a slot of its own. When one of the files changes or one is added, all
below that date are read again, in the order of their paths: what they say of a day does not depend
on when they came. A file that is deleted takes nothing back until another changes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from connectors._base import Delivery, Landed, Source
from connectors._files import StoredFile, content_hash, copy_unchanged, is_hidden, open_store

_DATE = re.compile(
    r"(?<!\d)(20\d\d)(?P<mark>[-_/]?)(0[1-9]|1[0-2])(?:(?P=mark)(0[1-9]|[12]\d|3[01]))?(?!\d)"
)
_HIVE = re.compile(r"(?:^|(?<=/))(?:year|month|day)=")


def discover_days(
    source: Source, landed: Landed, suffixes: tuple[str, ...], by_month: bool = False
) -> Iterator[Delivery]:
    """Yield a delivery a date that the paths name; `by_month`: a month may stand for one too."""
    store = open_store(source.location)
    days: dict[str, list[StoredFile]] = {}
    for file in store.files():
        if file.path.endswith(suffixes) and not is_hidden(file.path):
            days.setdefault(date_of(file.path, by_month) or file.path, []).append(file)
    for slot, files in sorted(days.items()):
        marks = {file.path: file.mark for file in files}
        known = [m for m in landed.get(slot, ()) if m.request.get("files") == marks]
        version = known[-1].version if known else content_hash(store, files)
        yield Delivery(slot, version, max(f.modified for f in files), request={"files": marks})


def date_of(path: str, by_month: bool) -> str | None:
    """Return the first day (else month, if asked for) that a path names."""
    for match in _DATE.finditer(_HIVE.sub("", path)):
        if match[4] or by_month:
            return "-".join(part for part in (match[1], match[3], match[4]) if part)
    return None


def fetch_days(source: Source, delivery: Delivery, folder: Path) -> list[Path]:
    """Copy the files of a delivery as they were when they were found; return the copies."""
    store, copies = open_store(source.location), []
    for path, mark in delivery.request["files"].items():
        copies.append(folder / path)
        copy_unchanged(store, source, path, mark, folder / path)
    return copies
