"""Which runs of which exports lie at a location.

A run's manifest says its export, dataset, days and files, and is the truth about all of them: paths
are not read where one speaks. Manifests before 2023 say only the files; then export and days are
in the path. An export without partitions has no manifest: its files are runs, by their paths.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors._azure._read import is_data
from connectors._files import Store, StoredFile
from models.errors import ContractError

DATASETS = {
    "ActualCost": "actual",
    "AmortizedCost": "amortized",
    "FocusCost": "focus",
    "Usage": "actual",
}
_OTHER_DATASETS = (
    "PriceSheet",
    "ReservationDetails",
    "ReservationTransactions",
    "ReservationRecommendations",
    "CarbonEmissions",
)
_RANGE = re.compile(r"(?:^|/)(\d{8})-(\d{8})/")


@dataclass(frozen=True)
class Run:
    """One run of an export: its days (both included), and its files by path at the location.

    `submitted` sorts runs; `blobs` are (path, bytes, rows), the numbers None where nobody says.
    """

    export: str
    scope: str
    dataset: str
    first: date
    last: date
    submitted: str
    manifest: StoredFile | None
    blobs: tuple[tuple[str, int | None, int | None], ...]
    fingerprint: str

    @property
    def period(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def days(self) -> str:
        return f"{self.first} to {self.last}"

    @property
    def name(self) -> str:
        """Return what to call the run: its export, and when it ran."""
        return f"{self.export} ({self.days}, run of {self.submitted})"


def find_runs(store: Store) -> Iterator[Run]:
    """Yield every run of a cost export, in no order."""
    files = {file.path: file for file in store.files()}
    manifests = [file for path, file in files.items() if _is_manifest(path)]
    spoken_for = set()
    for manifest in manifests:
        run = read_manifest(store, manifest, files)
        spoken_for.add(_range_folder(manifest.path))
        if run:
            yield run
    for file in files.values():
        if is_data(file.path) and _range_folder(file.path) not in spoken_for:
            yield from without_manifest(store, file)


def _is_manifest(path: str) -> bool:
    return path.rpartition("/")[2].lower() in ("manifest.json", "_manifest.json")


def _range_folder(path: str) -> str:
    """Return the folder of the days; that of the file where none is named so."""
    match = _RANGE.search(path)
    return path[: match.end()] if match else path.rpartition("/")[0]


# --- with a manifest ------------------------------------------------------------------------------


def read_manifest(store: Store, file: StoredFile, files: dict[str, StoredFile]) -> Run | None:
    """Return the run of a manifest; None where it is no costs, or not written yet."""
    if not file.size:
        return None
    body = store.read(file)
    try:
        manifest = json.loads(body)
        blobs = manifest["blobs"]
        config, run = manifest.get("exportConfig") or {}, manifest.get("runInfo") or {}
        listed = tuple(_blob(blob, file, files) for blob in blobs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(
            f"{file.path} is not a manifest with a list of blobs; allowed: the manifest.json that "
            "Cost Management writes beside the files of an export"
        ) from error
    kind = config.get("type")
    if kind in _OTHER_DATASETS:
        return None
    if kind and kind not in DATASETS:
        raise ContractError(
            f"{file.path}: exportConfig.type is {kind!r}; allowed: {', '.join(DATASETS)}"
        )
    first, last = _days(file, run)
    resource = str(config.get("resourceId") or "")
    export = str(config.get("exportName") or _export_of(file.path))
    return Run(
        export=export,
        scope=_scope_of(resource),
        dataset=DATASETS[kind] if kind else _dataset_of(export),
        first=first,
        last=last,
        submitted=_moment(run.get("submittedTime")) or file.modified,
        manifest=file,
        blobs=listed,
        fingerprint=hashlib.sha256(body).hexdigest(),
    )


def _blob(
    blob: dict[str, Any], manifest: StoredFile, files: dict[str, StoredFile]
) -> tuple[str, int | None, int | None]:
    """Return a blob's path here: a synced copy's manifest still names all of the container's."""
    name = str(blob["blobName"]).strip("/")
    folder, slash, _ = manifest.path.rpartition("/")
    beside = folder + slash + name.split("/")[-1]
    candidates = [beside, *(name.split("/", skipped)[-1] for skipped in range(name.count("/") + 1))]
    path = next((path for path in candidates if path in files), beside)
    return path, _number(blob.get("byteCount")), _number(blob.get("dataRowCount"))


def _number(value: Any) -> int | None:
    return int(value) if value is not None and str(value).isdigit() else None


def _days(file: StoredFile, run: dict[str, Any]) -> tuple[date, date]:
    stated = [str(run.get(name) or "")[:10] for name in ("startDate", "endDate")]
    try:
        if all(stated):
            return date.fromisoformat(stated[0]), date.fromisoformat(stated[1])
        return _days_of(file.path)
    except ValueError as error:
        raise ContractError(
            f"{file.path}: neither runInfo.startDate and endDate nor the path say which days it "
            "has; allowed: a manifest with runInfo, or a folder like 20261001-20261031"
        ) from error


def _moment(text: Any) -> str:
    """Return a time as text that sorts: UTC, with nine decimals."""
    if not isinstance(text, str) or not text:
        return ""
    # Azure writes seven decimals; Python reads six.
    seconds, _, rest = text.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(seconds)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    decimals = re.match(r"\d*", rest)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{(decimals[0] if decimals else '')[:9]:0<9}Z"


def _scope_of(resource_id: str) -> str:
    scope = re.split(r"/providers/microsoft\.costmanagement/", resource_id, flags=re.IGNORECASE)[0]
    return scope.strip("/").lower()


# --- by path --------------------------------------------------------------------------------------


def without_manifest(store: Store, file: StoredFile) -> Iterator[Run]:
    """A file beside no manifest is a whole run, if its folder is that of the days.

    Deeper down it is a part of a run whose manifest is not written yet.
    """
    match = _RANGE.search(file.path)
    if not match or "/" in file.path[match.end() :]:
        return
    first, last = _days_of(file.path)
    export = _export_of(file.path)
    yield Run(
        export=export,
        scope="",
        dataset=_dataset_of(export),
        first=first,
        last=last,
        submitted=file.modified,
        manifest=None,
        blobs=((file.path, file.size, None),),
        fingerprint=store.fingerprint(file),
    )


def _days_of(path: str) -> tuple[date, date]:
    match = _RANGE.search(path)
    if not match:
        raise ValueError(path)
    first, last = (datetime.strptime(day, "%Y%m%d").date() for day in match.groups())
    return first, last


def _export_of(path: str) -> str:
    """The folder above or below that of the days: both orders are in use."""
    match = _RANGE.search(path)
    if not match:
        return path.rpartition("/")[0]
    above = path[: match.start()].strip("/")
    below = path[match.end() :].split("/")
    return above or (below[0] if len(below) > 1 else "export")


def _dataset_of(export: str) -> str:
    """Without a manifest, an export's name is all that says what it exports."""
    lowered = export.lower()
    if "amorti" in lowered:
        return "amortized"
    return "focus" if "focus" in lowered else "actual"
