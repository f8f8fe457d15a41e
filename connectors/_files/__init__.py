"""Files at a location: a folder, `s3://bucket/prefix` or `az://account/container/prefix`.

They are listed, read and copied unchanged. Paths are relative to the location, with `/`. Errors:
ConfigError where a person must act (no such folder or bucket, no access), FetchError where trying
again may help, ChangedError where a file is no longer what it was when it was listed.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from connectors._base import Delivery, Landed, Source
from connectors._files._repeats import without_repeats
from connectors._files._stored import ChangedError, StoredFile
from models.errors import ConfigError

__all__ = [
    "ChangedError",
    "Store",
    "StoredFile",
    "content_hash",
    "copy_unchanged",
    "discover_files",
    "fetch_file",
    "is_hidden",
    "open_store",
    "without_repeats",
]


class Store(Protocol):
    """What a folder and a bucket have in common."""

    def files(self, under: str = "") -> Iterator[StoredFile]:
        """Yield the files below `under`, by path."""

    def find(self, path: str) -> StoredFile | None:
        """Return one file, None where there is none."""

    def read(self, file: StoredFile) -> bytes:
        """Return a small file's bytes."""

    def copy(self, file: StoredFile, target: Path) -> None:
        """Copy a file as a stream; ChangedError if it is not the one that was found."""

    def fingerprint(self, file: StoredFile) -> str:
        """Return what stands for the file's content wherever a copy of it lies."""


def open_store(location: str, **connection: Any) -> Store:
    """Return the store of a location; of `connection`, each kind of store takes what is its own.

    S3: endpoint_url, region, profile. Blob storage: connection_string_env, account_url.
    """
    # Each SDK takes a tenth of a second to load: only who uses it waits for it.
    if location.startswith("s3://"):
        from connectors._files._s3 import Bucket

        return Bucket(location, **_own(connection, "endpoint_url", "region", "profile"))
    if is_blob_location(location):
        from connectors._files._blob import Container

        return Container(location, **_own(connection, "connection_string_env", "account_url"))
    return _Folder(location)


def is_blob_location(location: str) -> bool:
    """Tell a place in Blob storage: az://… or https://account.blob.core.windows.net/…."""
    return location.startswith("az://") or bool(
        re.match(r"https://[a-z0-9]+\.(blob|dfs)\.[a-z.]+(/|$)", location)
    )


def _own(connection: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in connection.items() if name in names}


def discover_files(source: Source, landed: Landed, suffixes: tuple[str, ...]) -> Iterator[Delivery]:
    """Yield every file, each a slot; one whose size and time are known is not read to be hashed.

    The day of a file is not known before it is read, so a window leaves none out.
    """
    store = open_store(source.location)
    for file in store.files():
        if file.path.endswith(suffixes) and not is_hidden(file.path):
            known = [m for m in landed.get(file.path, ()) if m.request.get("mark") == file.mark]
            version = known[-1].version if known else store.fingerprint(file).strip('"')[:16]
            yield Delivery(file.path, version, file.modified, request={"mark": file.mark})


def fetch_file(source: Source, delivery: Delivery, folder: Path) -> Path:
    """Copy a slot's file as it was when it was found; return the copy."""
    store, copy = open_store(source.location), folder / delivery.slot
    copy_unchanged(store, source, delivery.slot, delivery.request["mark"], copy)
    return copy


def copy_unchanged(store: Store, source: Source, path: str, mark: str, copy: Path) -> None:
    """Copy a file to `copy`; a ChangedError if its mark is not the one that it had when found."""
    file = store.find(path)
    if file is None or file.mark != mark:
        raise ChangedError(f"{source.name}: {path} changed while it was fetched")
    copy.parent.mkdir(parents=True, exist_ok=True)
    store.copy(file, copy)


def is_hidden(path: str, marks: tuple[str, ...] = (".",)) -> bool:
    """Tell whether a part of a path begins with one of the marks."""
    return any(part.startswith(marks) for part in path.split("/"))


def content_hash(store: Store, files: Iterable[StoredFile]) -> str:
    """Return a hash of the files' paths and content, the same wherever they lie."""
    prints = "\n".join(f"{file.path} {store.fingerprint(file)}" for file in files)
    return hashlib.sha256(prints.encode()).hexdigest()[:16]


class _Folder:
    def __init__(self, location: str) -> None:
        self.root = Path(location).expanduser()
        if not self.root.is_dir():
            raise ConfigError(f"location {location} is not a folder; allowed: a folder that exists")

    def files(self, under: str = "") -> Iterator[StoredFile]:
        for path in sorted((self.root / under).rglob("*")):
            if path.is_file():
                yield self._stored(path)

    def find(self, path: str) -> StoredFile | None:
        file = self.root / path
        return self._stored(file) if file.is_file() else None

    def _stored(self, path: Path) -> StoredFile:
        stat = path.stat()
        seconds, rest = divmod(stat.st_mtime_ns, 1_000_000_000)
        moment = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
        name = path.relative_to(self.root).as_posix()
        return StoredFile(name, stat.st_size, moment, f"{stat.st_size}-{stat.st_mtime_ns}")

    def read(self, file: StoredFile) -> bytes:
        return (self.root / file.path).read_bytes()

    def copy(self, file: StoredFile, target: Path) -> None:
        try:
            shutil.copyfile(self.root / file.path, target)
        except FileNotFoundError as error:
            raise ChangedError(f"{file.path} disappeared while it was copied") from error
        if self.find(file.path) != file or target.stat().st_size != file.size:
            raise ChangedError(f"{file.path} changed while it was copied")

    def fingerprint(self, file: StoredFile) -> str:
        with (self.root / file.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
