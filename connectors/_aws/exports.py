"""Finding and fetching a billing period: the manifest is the truth about which files belong to it.

AWS writes the manifest last, and overwrites data files before it: a period is read safely only if
its manifest is the same before and after every listed file was copied at the state first seen.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from connectors._aws.rows import is_empty
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors._files import ChangedError, Store, StoredFile, open_store
from models.errors import ConfigError, ContractError, FetchError

_TRIES = 3
# The period's own manifest is the latest; the others lie in a folder an execution.
_MANIFEST = re.compile(
    r"metadata/BILLING_PERIOD=(?P<period>\d{4}-\d{2})/(?:[^/]+/)?(?:[^/]*-)?Manifest\.json"
)
_EXECUTION = re.compile(r"/(\d{4}-\d{2}-\d{2}T[\d:.]+Z)-[^/]+/[^/]+$")
_CHUNK = 1 << 20


class CurOptions(Options):
    """How to reach S3. Credentials come from boto3's own chain: environment, profile, role."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class _Export:
    """A manifest as read: the state of its file, its execution id, its data files by path."""

    file: StoredFile
    execution_id: str | None
    data_files: tuple[str, ...]
    problem: str | None = None


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield the latest delivery of each billing period, from the manifests."""
    del landed
    store = _store(source)
    manifests: dict[str, list[StoredFile]] = {}
    for file in store.files("metadata/"):
        if match := _MANIFEST.fullmatch(file.path):
            manifests.setdefault(match["period"], []).append(file)
    if not manifests:
        raise ConfigError(
            f"{source.name}: location {source.location} has no "
            "metadata/BILLING_PERIOD=…/…-Manifest.json; allowed: the folder or prefix of one export"
        )
    for period, files in sorted(manifests.items()):
        if window.covers(period):
            latest = max(files, key=lambda file: (file.path.count("/") == 2, file.path))
            yield _delivery(store, period, _parse(store, latest))


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the files that the manifest lists into `folder`, as they are."""
    store = _store(source)
    change: ChangedError | None = None
    for _ in range(_TRIES):
        for leftover in folder.iterdir():
            leftover.unlink()
        try:
            return _fetch_once(source, store, delivery, folder)
        except ChangedError as error:
            change = error
    raise FetchError(
        f"{source.name} {delivery.slot}: {change}, in each of {_TRIES} downloads; AWS is writing "
        "the export, try again later"
    ) from change


def _store(source: Source) -> Store:
    return open_store(source.location, **source.options.model_dump())


def _fetch_once(source: Source, store: Store, delivery: Delivery, folder: Path) -> Delivery:
    path = delivery.request["manifest"]
    export = _parse(store, _found(store, path))
    if export.problem:
        raise ContractError(f"{path}: {export.problem}")
    files = [_listed(store, export, data_file) for data_file in export.data_files]
    if source.location.startswith("s3://"):
        _check_written_before(export, files)
    copies = {folder / file.path.rpartition("/")[2]: file for file in files}
    for copy, file in copies.items():
        store.copy(file, copy)
    _check_unchanged(store, export)
    for copy, file in copies.items():
        _check_complete(copy, file)
    if all(is_empty(copy) for copy in copies):
        raise ContractError(f"{path}: every data file that it lists is empty")
    fetched = _delivery(store, delivery.slot, export)
    return replace(fetched, request={**fetched.request, "data_files": list(export.data_files)})


def _found(store: Store, path: str) -> StoredFile:
    file = store.find(path)
    if file is None:
        raise ChangedError(f"{path} disappeared")
    return file


def _listed(store: Store, export: _Export, path: str) -> StoredFile:
    file = store.find(path)
    if file is None:
        # A newer execution may just have replaced both.
        _check_unchanged(store, export)
        raise ContractError(f"{export.file.path}: lists {path}, which does not exist")
    return file


def _check_written_before(export: _Export, files: list[StoredFile]) -> None:
    """In overwrite mode a data file newer than the manifest belongs to the next execution."""
    for file in files:
        if not _EXECUTION.search(file.path) and file.modified > export.file.modified:
            raise ChangedError(f"{file.path} is newer than the manifest")


def _check_unchanged(store: Store, export: _Export) -> None:
    if store.find(export.file.path) != export.file:
        raise ChangedError(f"{export.file.path} changed")


def _check_complete(path: Path, file: StoredFile) -> None:
    """Refuse a cut-off file: DuckDB reads the rows of a truncated gzip up to where it ends.

    A chunk without any byte is legal: AWS empties those that a refresh no longer needs.
    """
    if not file.size:
        return
    if path.suffix == ".gz" and not _is_complete_gzip(path):
        raise ContractError(f"{file.path}: the gzip file is truncated or damaged")
    if path.suffix == ".parquet" and not _is_complete_parquet(path):
        raise ContractError(f"{file.path}: the Parquet file is truncated or damaged")


def _is_complete_gzip(path: Path) -> bool:
    try:
        with gzip.open(path) as stream:
            while stream.read(_CHUNK):
                pass
    except (EOFError, OSError, zlib.error):
        return False
    return True


def _is_complete_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        begins = stream.read(4)
        stream.seek(max(path.stat().st_size - 4, 0))
        return begins == stream.read(4) == b"PAR1"


def _parse(store: Store, file: StoredFile) -> _Export:
    """Read a manifest leniently; what makes it useless is reported when it is fetched."""
    try:
        manifest = json.loads(store.read(file))
        listed = manifest["dataFiles"]
        paths = tuple(_relative(url) for url in listed)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Export(file, None, (), "is not a manifest with a list of dataFiles")
    names = {path.rpartition("/")[2] for path in paths}
    problem = None
    if not paths:
        problem = "lists no data files"
    elif len(names) < len(paths):
        problem = "lists two data files of the same name"
    return _Export(file, manifest.get("executionId"), paths, problem)


def _relative(url: str) -> str:
    """Return a data file's path in the export: a synced copy's manifest still names the bucket."""
    before, separator, after = url.rpartition("/data/BILLING_PERIOD=")
    if not separator:
        raise ValueError(f"{before}{after} is not below data/BILLING_PERIOD=")
    return f"data/BILLING_PERIOD={after}"


def _delivery(store: Store, period: str, export: _Export) -> Delivery:
    stamped = [match[1] for path in export.data_files if (match := _EXECUTION.search(path))]
    return Delivery(
        slot=period,
        version=export.execution_id or _fingerprint(store, export),
        order=max(stamped, default=export.file.modified),
        billing_period=period,
        request={"manifest": export.file.path},
    )


def _fingerprint(store: Store, export: _Export) -> str:
    """Return a version where AWS names none: the manifest alone may not change with the data."""
    files = [export.file, *filter(None, (store.find(path) for path in export.data_files))]
    prints = "\n".join(store.fingerprint(file) for file in files)
    return hashlib.sha256(prints.encode()).hexdigest()[:32]
