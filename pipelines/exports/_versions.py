"""Immutable versions of a period's export: <exports>/<period>/v0001, v0002, …

A version is written under a temporary name and moved when it is whole. `latest` names the newest.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from connectors._lake import sha256
from models.errors import ConfigError
from pipelines.exports._manifest import ExportManifest

_MANIFEST = "manifest.json"


def latest_manifest(period_folder: Path) -> ExportManifest | None:
    """Return the manifest of the newest version; None before the first."""
    number = _last_number(period_folder)
    if not number:
        return None
    file = period_folder / _version(number) / _MANIFEST
    try:
        return ExportManifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{file}: cannot be read ({str(error).splitlines()[0]}); move the version away, and "
            "the next export writes it again"
        ) from None


def next_version(period_folder: Path) -> str:
    """Return the name of the version that would be written next."""
    return _version(_last_number(period_folder) + 1)


def _version(number: int) -> str:
    return f"v{number:04d}"


def _last_number(period_folder: Path) -> int:
    names = (path.name[1:] for path in period_folder.glob("v*") if path.is_dir())
    return max((int(name) for name in names if name.isdecimal()), default=0)


@contextmanager
def incoming(period_folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; what an interrupted export left goes away."""
    for leftover in period_folder.glob(".incoming-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = period_folder / f".incoming-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, manifest: ExportManifest) -> None:
    """Complete a written version and move it to its name, never over another."""
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    sums = [f"{file.sha256}  {file.path}\n" for file in manifest.files]
    sums.append(f"{sha256(folder / _MANIFEST)}  {_MANIFEST}\n")
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        _sync(path)
    folder.rename(folder.with_name(manifest.version))
    _sync(folder.parent)


def point_latest(period_folder: Path, version: str) -> None:
    """Let `latest` name a version: after a new one, and where an interruption left it behind."""
    pointer = period_folder / "latest"
    if pointer.exists() and pointer.read_text(encoding="utf-8").strip() == version:
        return
    temporary = period_folder / ".latest.tmp"
    temporary.write_text(f"{version}\n", encoding="utf-8")
    _sync(temporary)
    os.replace(temporary, pointer)
    _sync(period_folder)


def _sync(path: Path) -> None:
    """Have the disk hold a file, or a folder's names, before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
