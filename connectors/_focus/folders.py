"""How saved FOCUS files lie at a location, and what of them the vendor replaces as a whole.

- `2026-10/…` or `billing_period=2026-10/…`: a billing period; with `2026-10/20261103T060000Z/…`
  beside others, each fetch is a state of the period, and the newest is in force
- any other file, such as `FOCUS Reports/2026/10/03/….csv.gz` of OCI: the file itself, whose rows
  tell their billing periods
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._files import (
    Store,
    StoredFile,
    content_hash,
    copy_unchanged,
    is_hidden,
    open_store,
)
from connectors._focus.rows import SUFFIXES
from models.errors import ConfigError

_PERIOD = re.compile(r"(?:billing_?period=)?(\d{4}-\d{2})", re.IGNORECASE)
_FETCHED_AT = re.compile(r"\d{8}T\d{6}Z")


_CONNECTION = {"endpoint_url", "region", "profile", "connection_string_env", "account_url"}


@dataclass(frozen=True, order=True)
class _State:
    """What is replaced as a whole, and of it one state."""

    slot: str
    fetched_at: str
    period: str | None


def discover(
    source: Source, window: Window, landed: Landed, suffixes: tuple[str, ...] = SUFFIXES
) -> Iterator[Delivery]:
    """Yield every state of every period and every other file, the oldest first."""
    store, only = open_location(source)
    states: dict[_State, list[StoredFile]] = {}
    for file in store.files():
        if file.path.endswith(suffixes) and only in ("", file.path) and not is_hidden(file.path):
            states.setdefault(_state(file.path), []).append(file)
    if not states:
        raise ConfigError(
            f"{source.name}: location {source.location} has no file that ends with one of "
            f"{', '.join(suffixes)}"
        )
    for state, files in sorted(states.items(), key=lambda item: item[0].slot + item[0].fetched_at):
        if state.period is None or window.covers(state.period):
            yield _delivery(store, state, files, landed)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the files of a delivery as they were when they were found."""
    store, _ = open_location(source)
    marks: Mapping[str, str] = delivery.request["files"]
    for path, mark in marks.items():
        copy_unchanged(store, source, path, mark, folder / path)
    return delivery


def open_location(source: Source) -> tuple[Store, str]:
    """Return the store of a location, and a file's path where the location is one file alone."""
    options = source.options.model_dump(include=_CONNECTION)
    path = Path(source.location).expanduser()
    if path.is_file():
        return open_store(str(path.parent)), path.name
    return open_store(source.location, **options), ""


def _state(path: str) -> _State:
    parts = path.split("/")[:-1]
    for place, part in enumerate(parts):
        if match := _PERIOD.fullmatch(part):
            slot = "/".join([*parts[:place], match[1]])
            below = [*parts[place + 1 :], ""][0]
            return _State(slot, below if _FETCHED_AT.fullmatch(below) else "", match[1])
    return _State(path, "", None)


def _delivery(store: Store, state: _State, files: list[StoredFile], landed: Landed) -> Delivery:
    marks = {file.path: file.mark for file in files}
    known = [m for m in landed.get(state.slot, ()) if m.request.get("files") == marks]
    version = known[-1].version if known else state.fetched_at + content_hash(store, files)
    order = f"{state.fetched_at} {max(file.modified for file in files)}"
    return Delivery(state.slot, version, order, state.period, {"files": marks})
