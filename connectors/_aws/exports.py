"""Finding and fetching a billing period: the manifest is the truth about which files belong to it.

AWS writes the manifest last, and overwrites data files before it: a period is read safely only if
its manifest is the same before and after every listed file was copied at the state first seen.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from connectors._aws.rows import is_empty
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors._complete import check_complete
from connectors._files import ChangedError, Store, StoredFile, open_store
from models.errors import ConfigError, ContractError, FetchError

_TRIES = 3
_FORMATS = (".gz", ".parquet", ".zip")


class ExportOptions(Options):
    """How to reach S3. Credentials come from boto3's own chain: environment, profile, role."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class Layout:
    """Where an export format keeps its manifests, and what they say.

    - under: the folder below which manifests are looked for
    - manifest: matches a manifest's path, with the groups `period` and, of one that is not the
      period's own and latest, `older`
    - billing_period: 'YYYY-MM' of the text in `period`
    - parse: a manifest's bytes as the id of this state, and its data files by path; raises
      ValueError, KeyError or TypeError where it is none
    - files_key: where a manifest lists its data files, for a person
    - lasting: matches a data file that is never overwritten; a group `stamp` sorts its states
    - expected: what a location must hold, for a person
    - partition: matches a data file, with the groups `year` and `month`, that belongs to that
      billing period even where no manifest says so
    """

    under: str
    manifest: re.Pattern[str]
    billing_period: Callable[[str], str]
    parse: Callable[[bytes], tuple[str | None, tuple[str, ...]]]
    files_key: str
    lasting: re.Pattern[str]
    expected: str
    partition: re.Pattern[str] | None = None


@dataclass(frozen=True)
class _Export:
    """A manifest as read: the state of its file, the id it gives, its data files by path."""

    file: StoredFile
    version: str | None
    data_files: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Exports:
    """The exports of one layout: `discover` and `fetch` of a connector."""

    layout: Layout

    def discover(self, source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
        """Yield the latest delivery of each billing period, from the manifests."""
        del landed
        store = _store(source)
        manifests, partitions = self._periods(store)
        if not manifests and not partitions:
            raise ConfigError(
                f"{source.name}: location {source.location} has no {self.layout.expected}; "
                "allowed: the folder or prefix of one export"
            )
        for period in sorted(manifests.keys() | partitions.keys()):
            if not window.covers(period):
                continue
            if period in manifests:
                # The period's own manifest is the latest; the others lie in a folder a state.
                *_, latest = max(manifests[period], key=lambda ranked: ranked[:2])
                yield self._delivery(store, period, self._parse(store, latest))
            else:
                yield _partition(store, period, partitions[period])

    def _periods(
        self, store: Store
    ) -> tuple[dict[str, list[tuple[bool, str, StoredFile]]], dict[str, list[StoredFile]]]:
        """Return the manifests and the partitions by billing period."""
        manifests: dict[str, list[tuple[bool, str, StoredFile]]] = {}
        partitions: dict[str, list[StoredFile]] = {}
        for file in store.files(self.layout.under):
            if match := self.layout.manifest.fullmatch(file.path):
                period = self.layout.billing_period(match["period"])
                rank = (match["older"] is None, file.path, file)
                manifests.setdefault(period, []).append(rank)
            elif self.layout.partition and (match := self.layout.partition.fullmatch(file.path)):
                period = f"{match['year']}-{int(match['month']):02d}"
                partitions.setdefault(period, []).append(file)
        return manifests, partitions

    def fetch(self, source: Source, delivery: Delivery, folder: Path) -> Delivery:
        """Copy the files that the manifest lists into `folder`, as they are."""
        store = _store(source)
        change: ChangedError | None = None
        for _ in range(_TRIES):
            for leftover in folder.iterdir():
                leftover.unlink()
            try:
                if "manifest" not in delivery.request:
                    return _fetch_partition(store, delivery, folder)
                return self._fetch_once(source, store, delivery, folder)
            except ChangedError as error:
                change = error
        raise FetchError(
            f"{source.name} {delivery.slot}: {change}, in each of {_TRIES} downloads; AWS is "
            "writing the export, try again later"
        ) from change

    def _fetch_once(
        self, source: Source, store: Store, delivery: Delivery, folder: Path
    ) -> Delivery:
        path = delivery.request["manifest"]
        export = self._parse(store, _found(store, path))
        if export.problem:
            raise ContractError(f"{path}: {export.problem}")
        files = [_listed(store, export, data_file) for data_file in export.data_files]
        if source.location.startswith("s3://"):
            self._check_written_before(export, files)
        copies = {folder / file.path.rpartition("/")[2]: file for file in files}
        for copy, file in copies.items():
            store.copy(file, copy)
        _check_unchanged(store, export)
        _check_complete(copies, f"{path}: every data file that it lists is empty")
        fetched = self._delivery(store, delivery.slot, export)
        return replace(fetched, request={**fetched.request, "data_files": list(export.data_files)})

    def _check_written_before(self, export: _Export, files: list[StoredFile]) -> None:
        """In overwrite mode a data file newer than the manifest belongs to the next state."""
        for file in files:
            if not self.layout.lasting.search(file.path) and file.modified > export.file.modified:
                raise ChangedError(f"{file.path} is newer than the manifest")

    def _parse(self, store: Store, file: StoredFile) -> _Export:
        """Read a manifest leniently; what makes it useless is reported when it is fetched."""
        try:
            version, paths = self.layout.parse(store.read(file))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _Export(
                file, None, (), f"is not a manifest with a list of {self.layout.files_key}"
            )
        names = {path.rpartition("/")[2] for path in paths}
        problem: str | None = None
        if not paths:
            problem = "lists no data files"
        elif len(names) < len(paths):
            problem = "lists two data files of the same name"
        return _Export(file, version, paths, problem)

    def _delivery(self, store: Store, period: str, export: _Export) -> Delivery:
        found = [self.layout.lasting.search(path) for path in export.data_files]
        stamps = [match.groupdict().get("stamp") for match in found if match]
        return Delivery(
            slot=period,
            version=export.version or _fingerprint(store, _with_data(store, export)),
            order=max(filter(None, stamps), default=export.file.modified),
            billing_period=period,
            request={"manifest": export.file.path},
        )


def _store(source: Source) -> Store:
    reached_by = set(ExportOptions.model_fields) - set(Options.model_fields)
    return open_store(source.location, **source.options.model_dump(include=reached_by))


def _partition(store: Store, period: str, files: list[StoredFile]) -> Delivery:
    return Delivery(
        slot=period,
        version=_fingerprint(store, files),
        order=max(file.modified for file in files),
        billing_period=period,
        request={"data_files": [file.path for file in files]},
    )


def _fetch_partition(store: Store, delivery: Delivery, folder: Path) -> Delivery:
    """Copy a folder's files, if they are what they were when they were found, before and after."""
    files = [_found(store, path) for path in delivery.request["data_files"]]
    copies = {folder / file.path.rpartition("/")[2]: file for file in files}
    for copy, file in copies.items():
        store.copy(file, copy)
    fetched = _partition(store, delivery.slot, files)
    if [_found(store, file.path) for file in files] != files:
        raise ChangedError(f"{files[0].path} changed")
    _check_complete(copies, f"{files[0].path}: this data file and those beside it are empty")
    return fetched


def _found(store: Store, path: str) -> StoredFile:
    file = store.find(path)
    if file is None:
        raise ChangedError(f"{path} disappeared")
    return file


def _listed(store: Store, export: _Export, path: str) -> StoredFile:
    file = store.find(path)
    if file is None:
        # A newer state may just have replaced both.
        _check_unchanged(store, export)
        raise ContractError(f"{export.file.path}: lists {path}, which does not exist")
    return file


def _check_unchanged(store: Store, export: _Export) -> None:
    if store.find(export.file.path) != export.file:
        raise ChangedError(f"{export.file.path} changed")


def _check_complete(copies: Mapping[Path, StoredFile], if_empty: str) -> None:
    """Refuse cut-off files: DuckDB reads the rows of a truncated gzip up to where it ends.

    A chunk without any byte is legal: AWS empties those that a refresh no longer needs.
    """
    for copy, file in copies.items():
        if copy.suffix not in _FORMATS:
            allowed = ", ".join(_FORMATS)
            raise ContractError(f"{file.path}: ends with {copy.suffix!r}; allowed: {allowed}")
        if file.size:
            check_complete(copy, file.path)
    if all(is_empty(copy) for copy in copies):
        raise ContractError(if_empty)


def _with_data(store: Store, export: _Export) -> list[StoredFile]:
    """Return the files that are a state: the manifest alone may not change with the data."""
    return [export.file, *filter(None, (store.find(path) for path in export.data_files))]


def _fingerprint(store: Store, files: list[StoredFile]) -> str:
    """Return a version where AWS names none."""
    prints = "\n".join(store.fingerprint(file) for file in files)
    return hashlib.sha256(prints.encode()).hexdigest()[:32]
