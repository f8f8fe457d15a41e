"""What lies at a location, by billing period: files whose paths or rows say which."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._files import Store, StoredFile, copy_unchanged, is_hidden, open_store
from connectors._maps.expressions import columns_of, create_macros
from connectors._sql import session
from connectors.invoice_mapping._files import Invoice
from connectors.invoice_mapping._map import Map
from models.errors import ConfigError, ContractError

Slot = tuple[str, str, str]  # period, rest of the slot, version


def discover(map_: Map, source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield a delivery for each version of each billing period, the newest last."""
    store = open_store(source.location)
    groups: dict[Slot, list[StoredFile]] = {}
    for file in store.files():
        found = re.search(map_.files.path, file.path)
        if found and not is_hidden(file.path):
            groups.setdefault(_slot(map_, store, file, found, landed), []).append(file)
    if not groups:
        raise ConfigError(
            f"{source.name}: {source.location} has no file whose path matches {map_.files.path}"
        )
    _check_one_version(source, groups)
    for (period, rest, version), files in sorted(groups.items()):
        if window.covers(period):
            marks = {file.path: file.mark for file in files}
            slot = f"{period}/{rest}" if rest else period
            yield Delivery(
                slot,
                version or _version(store, files, landed, slot, marks),
                version or max(file.modified for file in files),
                period,
                {"files": marks},
            )


def _slot(map_: Map, store: Store, file: StoredFile, found: re.Match[str], landed: Landed) -> Slot:
    groups = {name: text for name, text in found.groupdict().items() if text}
    period = groups.get("period") or groups.get("period_of_file")
    if not period and "year" in groups and "month" in groups:
        period = f"{groups['year']}-{groups['month']:0>2}"
    period = period or _period_in_rows(map_, store, file, landed)
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period):
        raise ContractError(f"{file.path}: billing period {period!r}; allowed: such as 2026-10")
    return period, groups.get("slot", ""), groups.get("version", "")


def _period_in_rows(map_: Map, store: Store, file: StoredFile, landed: Landed) -> str:
    """A file that is known is not read to say its period again."""
    for versions in landed.values():
        for manifest in versions:
            if manifest.request.get("files", {}).get(file.path) == file.mark:
                return str(manifest.billing_period)
    expression = map_.files.period
    if expression is None:
        raise ContractError(f"{file.path}: its path does not tell the billing period")
    with tempfile.TemporaryDirectory() as folder, session() as connection:
        copy = Path(folder) / Path(file.path).name
        store.copy(file, copy)
        create_macros(connection)
        columns = columns_of(expression, "files.period")
        invoice = Invoice(connection, Path(folder), [copy.name], map_)
        invoice.load(map_.records, columns, "dated_rows")
        periods = [
            str(row[0])
            for row in connection.execute(
                f"select distinct ({expression}) from dated_rows order by 1"
            ).fetchall()
        ]
    if len(periods) != 1:
        found = ", ".join(periods[:4]) or "none"
        raise ContractError(f"{file.path}: one billing period is allowed in a file; found {found}")
    return periods[0]


def _check_one_version(source: Source, groups: dict[Slot, list[StoredFile]]) -> None:
    """Files of one slot without a version are parts of it only if they lie in one folder of it."""
    for (period, _, version), files in groups.items():
        flat = [file.path for file in files if "/" not in file.path]
        if not version and len(flat) > 1:
            raise ConfigError(
                f"{source.name}: {flat[0]} and {flat[1]} are both of {period}; allowed: one file, "
                f"or folders such as {period}/20261103T060000Z"
            )


def _version(
    store: Store, files: list[StoredFile], landed: Landed, slot: str, marks: dict[str, str]
) -> str:
    """A hash of the content; files that are known by their marks are not read for it."""
    for manifest in landed.get(slot, ()):
        if manifest.request.get("files") == marks:
            return manifest.version
    content = [(file.path, store.fingerprint(file)) for file in files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy a delivery's files as they were when they were found, below their billing period."""
    store = open_store(source.location)
    marks: dict[str, str] = dict(delivery.request["files"])
    for path, target in zip(
        marks, _targets(str(delivery.billing_period), list(marks)), strict=True
    ):
        copy_unchanged(store, source, path, marks[path], folder / target)
    return replace(delivery, request={"files": marks})


def _targets(period: str, paths: Sequence[str]) -> list[str]:
    """Names alone where they differ: the same answers fetched again are the same files."""
    names = [Path(path).name for path in paths]
    inner = names if len(set(names)) == len(names) else list(paths)
    return [f"{period}/{name}" for name in inner]
