"""What vendors send in an archive, taken out as it is."""

import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from models.errors import ContractError

_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path) -> list[str]:
    """Write the files of an archive into `folder` and remove it; return their names."""
    try:
        if zipfile.is_zipfile(archive):
            names = _unpack_zip(archive, folder)
        elif tarfile.is_tarfile(archive):
            names = _unpack_tar(archive, folder)
        else:
            raise ContractError(f"{archive.name} is no archive; allowed: .zip, .tar.gz")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ContractError(f"{archive.name} is cut off or damaged: {error}") from error
    archive.unlink()
    if not names:
        raise ContractError(f"{archive.name} is an archive without a file")
    return sorted(names)


def _unpack_zip(archive: Path, folder: Path) -> list[str]:
    names: list[str] = []
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if not member.is_dir():
                target = _target(folder, member.filename, names)
                with opened.open(member) as content, target.open("wb") as output:
                    while chunk := content.read(_CHUNK):
                        output.write(chunk)
    return names


def _unpack_tar(archive: Path, folder: Path) -> list[str]:
    names: list[str] = []
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member) if member.isfile() else None
            if content is not None:
                with _target(folder, member.name, names).open("wb") as output:
                    while chunk := content.read(_CHUNK):
                        output.write(chunk)
    return names


def _target(folder: Path, name: str, names: list[str]) -> Path:
    """A member's place: its own name alone, so that no archive writes anywhere else."""
    own_name = PurePosixPath(name.replace("\\", "/")).name
    if own_name in names:
        raise ContractError(f"the archive has two files of the name {own_name}")
    names.append(own_name)
    return folder / own_name
