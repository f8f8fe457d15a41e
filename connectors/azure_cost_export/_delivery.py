"""A month of one scope: the newest run of each of its datasets.

A run has all days since the month began, so the newest replaces the others. What would count money
twice or lose it is refused for its month: two exports of one dataset, a FOCUS export beside
Microsoft's own datasets, and a run that has fewer days than the one in force.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import field_validator

from connectors._azure._read import csv_header, is_data
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors._complete import check_complete
from connectors._files import ChangedError, Store, StoredFile, open_store
from connectors.azure_cost_export._runs import Run, find_runs, read_manifest, without_manifest
from models.errors import ConfigError, ContractError, FetchError

_TRIES = 3


class ExportOptions(Options):
    """Which exports to read, and how to reach Blob storage (see `connectors._files`)."""

    # Names of the exports that count: needed where several export one dataset of one scope.
    export: tuple[str, ...] = ()
    # The environment variable with a connection string; without one, Azure's own chain of logins.
    connection_string_env: str | None = None
    account_url: str | None = None

    @field_validator("export", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield the runs in force of each month and scope."""
    runs = _chosen(source, find_runs(_store(source)))
    _check_scopes(source, {run.scope: run for run in runs})
    for (period, scope), of_slot in groupby(sorted(runs, key=_place), key=_place):
        if window.covers(period):
            yield _delivery(f"{period} {_short(scope)}".strip(), period, list(of_slot), landed)


def _short(scope: str) -> str:
    """Return a scope without what its last part implies."""
    return re.sub(r"^(providers/microsoft\.billing/)?(.*/(?=billingprofiles/))?", "", scope)


def _place(run: Run) -> tuple[str, str]:
    return run.period, run.scope


def _store(source: Source) -> Store:
    options = source.options
    assert isinstance(options, ExportOptions)
    return open_store(
        source.location,
        connection_string_env=options.connection_string_env,
        account_url=options.account_url,
    )


def _chosen(source: Source, runs: Iterable[Run]) -> list[Run]:
    options = source.options
    assert isinstance(options, ExportOptions)
    found = list(runs)
    names = sorted({run.export for run in found})
    if not found:
        raise ConfigError(
            f"{source.name}: location {source.location} has no cost export; allowed: the folder, "
            "container or prefix that an export writes to"
        )
    unknown = set(options.export) - set(names)
    if unknown:
        raise ConfigError(
            f"{source.name}: export {min(unknown)} is not at {source.location}; "
            f"allowed: {', '.join(names)}"
        )
    return [run for run in found if not options.export or run.export in options.export]


def _delivery(slot: str, period: str, runs: list[Run], landed: Landed) -> Delivery:
    newest = [
        max(of_export, key=lambda run: (run.submitted, run.fingerprint))
        for of_export in _by_export(runs)
    ]
    problem = _overlap(newest) or _spans(newest) or _shrinks(newest, runs, landed.get(slot, ()))
    prints = "\n".join(sorted(f"{run.dataset} {run.fingerprint}" for run in newest))
    request: dict[str, Any] = {
        "runs": {run.dataset: _said(run) for run in sorted(newest, key=lambda run: run.dataset)}
    }
    return Delivery(
        slot=slot,
        version=hashlib.sha256(prints.encode()).hexdigest()[:32],
        # Of two deliveries that share their newest run, the one whose other run is newer.
        order=" ".join(sorted((run.submitted for run in newest), reverse=True)),
        billing_period=period,
        request=request | ({"problem": problem} if problem else {}),
    )


def _by_export(runs: list[Run]) -> Iterator[list[Run]]:
    def export(run: Run) -> tuple[str, str]:
        return run.dataset, run.export

    for _, of_export in groupby(sorted(runs, key=export), key=export):
        yield list(of_export)


def _said(run: Run) -> dict[str, Any]:
    return {
        "export": run.export,
        "days": [str(run.first), str(run.last)],
        "submitted": run.submitted,
        "manifest": run.manifest.path if run.manifest else None,
        "files": [path for path, _, _ in run.blobs],
    }


# --- what is refused ------------------------------------------------------------------------------


def _overlap(newest: list[Run]) -> str | None:
    """Name two exports that have the same costs."""
    for run in newest:
        for other in newest:
            same = run.dataset == other.dataset and run.export < other.export
            if same or (run.dataset == "focus" and other.dataset != "focus"):
                return (
                    f"exports {run.export} ({run.days}) and {other.export} ({other.days}) have "
                    "the same costs, which would count twice; allowed: one export of a dataset "
                    f"and month: choose by the option export, such as export: {other.export}"
                )
    return None


def _check_scopes(source: Source, runs: Mapping[str, Run]) -> None:
    """Refuse a scope beside another that contains it: a subscription in its billing account."""
    for outer, run in runs.items():
        for inner, other in runs.items():
            is_account = "billingaccounts/" in outer and "billingaccounts/" not in inner
            if outer and inner != outer and inner and (inner.startswith(f"{outer}/") or is_account):
                raise ConfigError(
                    f"{source.name}: export {run.export} of {outer} has the costs of export "
                    f"{other.export} of {inner} too; allowed: one of them: choose by the option "
                    "export, or make two sources"
                )


def _spans(newest: list[Run]) -> str | None:
    for run in newest:
        if (run.first.year, run.first.month) != (run.last.year, run.last.month):
            return (
                f"{run.name} spans several months; allowed: one month a run, since a month is "
                "replaced as a whole"
            )
    return None


def _shrinks(newest: list[Run], runs: list[Run], landed: Iterable[Any]) -> str | None:
    """Name a newer run that has fewer days than one before it: what it lacks would be lost."""
    for run in newest:
        before = [(other.first, other.last, other.name) for other in runs if _same(run, other)]
        before += [known for manifest in landed for known in _landed_days(run, manifest.request)]
        for first, last, name in before:
            if run.first > first or run.last < last:
                return (
                    f"{run.name} has fewer days than {name}, which it would replace; allowed: a "
                    "run of at least the same days"
                )
    return None


def _same(run: Run, other: Run) -> bool:
    return (run.dataset, run.export) == (other.dataset, other.export)


def _landed_days(run: Run, request: Mapping[str, Any]) -> Iterator[tuple[date, date, str]]:
    known = request.get("runs", {}).get(run.dataset)
    if known and known["export"] == run.export and known["submitted"] < run.submitted:
        first, last = (date.fromisoformat(day) for day in known["days"])
        yield first, last, f"{run.export} ({first} to {last}, run of {known['submitted']})"


# --- fetching -------------------------------------------------------------------------------------


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the manifests and files of the runs, each dataset into a folder of its own."""
    if "problem" in delivery.request:
        raise ContractError(f"{source.name} {delivery.slot}: {delivery.request['problem']}")
    store = _store(source)
    change: ChangedError | None = None
    for _ in range(_TRIES):
        try:
            return _fetch_once(store, delivery, folder)
        except ChangedError as error:
            change = error
    raise FetchError(
        f"{source.name} {delivery.slot}: {change}, in each of {_TRIES} downloads; Azure is writing "
        "the export, try again later"
    ) from change


def _fetch_once(store: Store, delivery: Delivery, folder: Path) -> Delivery:
    files = {file.path: file for file in store.files()}
    runs = [_again(store, said, files) for said in delivery.request["runs"].values()]
    for run in runs:
        _fetch_run(store, run, folder / run.period / run.dataset)
    fetched = _delivery(delivery.slot, str(delivery.billing_period), runs, {})
    return replace(fetched, order=delivery.order)


def _again(store: Store, said: dict[str, Any], files: dict[str, StoredFile]) -> Run:
    """Return a run as it is now: an export that overwrites may just have begun the next."""
    path = said["manifest"] or said["files"][0]
    if path not in files:
        raise ChangedError(f"{path} disappeared")
    run = read_manifest(store, files[path], files) if said["manifest"] else None
    run = run or next(without_manifest(store, files[path]))
    if run.submitted != said["submitted"]:
        raise ChangedError(f"{path} changed")
    return run


def _fetch_run(store: Store, run: Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if run.manifest:
        store.copy(run.manifest, folder / "manifest.json")
    names = [path.rpartition("/")[2] for path, _, _ in run.blobs]
    if len(set(names)) < len(names):
        raise ContractError(f"{run.name}: its manifest lists two files of the same name")
    for (path, size, rows), name in zip(run.blobs, names, strict=True):
        file = _listed(store, run, path)
        store.copy(file, folder / name)
        _check(folder / name, file, size, rows)
    if run.manifest and store.find(run.manifest.path) != run.manifest:
        raise ChangedError(f"{run.manifest.path} changed while its files were fetched")


def _listed(store: Store, run: Run, path: str) -> StoredFile:
    file = store.find(path)
    if file is None:
        if run.manifest and store.find(run.manifest.path) != run.manifest:
            raise ChangedError(f"{run.manifest.path} changed while its files were fetched")
        raise ContractError(f"{run.name}: its manifest lists {path}, which does not exist")
    if not is_data(path):
        raise ContractError(f"{path} is no .csv, .csv.gz or .parquet file; allowed: those")
    return file


def _check(copy: Path, file: StoredFile, size: int | None, rows: int | None) -> None:
    """Refuse a file that is not all of what its manifest says."""
    check_complete(copy, file.path)
    # Of a compressed file, some manifests say the size before compression.
    if size is not None and copy.suffix == ".csv" and file.size != size:
        raise ContractError(f"{file.path} has {file.size} bytes; its manifest says {size}")
    if copy.suffix != ".parquet" and not csv_header(copy) and (rows or size):
        raise ContractError(f"{file.path} is empty; its manifest says {rows or 'some'} rows")
