"""Finding and fetching files: a file is a slot, and its bytes decide its version.

A file with the same bytes as another is one that was sent again: only one of them counts. Where
counters are chained, a file with metrics is kept together with the one before it (by path), and is
another version once that one changes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._complete import check_complete, check_text
from connectors._files import discover_files, fetch_file, without_repeats
from connectors.otel_genai._json import has_metrics
from connectors.otel_genai._options import OtelOptions

_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")
# No slot has a name like it: what is hidden is not found.
BEFORE, REPEATS = ".before", ".repeats"


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield every file; of several with the same bytes, one."""
    del window
    assert isinstance(source.options, OtelOptions)
    # Each file is known by its own bytes alone, whatever came before it.
    alone = {
        slot: [
            m.model_copy(update={"version": m.request.get("alone", m.version)}) for m in versions
        ]
        for slot, versions in landed.items()
    }
    files = without_repeats(discover_files(source, alone, _SUFFIXES), alone)
    return _chained(files) if source.options.chained else files


def _chained(files: Iterator[Delivery]) -> Iterator[Delivery]:
    before: Delivery | None = None
    newest = ""
    for number, delivery in enumerate(files):
        # Whatever comes in before it makes a later state of this file too.
        newest = max(newest, delivery.order)
        request = dict(delivery.request) | {"alone": delivery.version}
        version = delivery.version
        if before and "repeats" not in request:
            request |= {"before": before.slot, "before_mark": before.request["mark"]}
            version = hashlib.sha256(f"{before.version} {version}".encode()).hexdigest()[:16]
        yield replace(delivery, version=version, order=f"{newest} {number:09d}", request=request)
        before = before if "repeats" in request else delivery


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found, and the one before it, if that is needed."""
    if "repeats" in delivery.request:
        fetch_file(source, delivery, folder / REPEATS)
        return delivery
    copy = fetch_file(source, delivery, folder)
    name = f"{source.name}: {delivery.slot}"
    if copy.suffix == ".parquet":
        check_complete(copy, name)
    else:
        check_text(copy, name, ends_its_lines=False)
    before = delivery.request.get("before")
    if before and copy.suffix != ".parquet" and has_metrics(copy):
        request = {"mark": delivery.request["before_mark"]}
        fetch_file(source, replace(delivery, slot=before, request=request), folder / BEFORE)
    return delivery
