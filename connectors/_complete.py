"""Is a file whole? DuckDB reads the rows of a cut gzip up to where it ends, as if they were all."""

import gzip
import zipfile
import zlib
from pathlib import Path

from models.errors import ContractError

_CHUNK = 1 << 20
_LINE_ENDS = (b"\n", b"\n\0")  # in UTF-16, the end of a line has two bytes
_NAMES = {".gz": "gzip", ".parquet": "Parquet", ".zip": "zip"}


def is_complete(file: Path) -> bool:
    """Tell whether a .gz, .parquet or .zip file ends as its format does; others always do."""
    match file.suffix:
        case ".gz":
            return _is_complete_gzip(file)
        case ".parquet":
            return _begins_and_ends(file, b"PAR1")
        case ".zip":
            return _is_complete_zip(file)
    return True


def check_complete(file: Path, name: str) -> None:
    """Raise a ContractError that names the file where it is cut off; an empty .gz is not."""
    if file.suffix == ".gz" and not file.stat().st_size:
        return
    if not is_complete(file):
        raise ContractError(f"{name}: the {_NAMES[file.suffix]} file is truncated or damaged")


def check_text(file: Path, name: str, ends_its_lines: bool = True) -> None:
    """Raise a ContractError where a text, plain or .gz, is empty or cut off.

    Of a text that `ends_its_lines`, the end of the last line tells that it is whole.
    """
    try:
        last = _last_bytes(file)
    except (EOFError, OSError, zlib.error) as error:
        raise ContractError(f"{name} is cut off or damaged: {error}") from error
    if not last.strip(b"\0 \t\r\n"):
        raise ContractError(f"{name} is empty")
    if ends_its_lines and not last.endswith(_LINE_ENDS):
        raise ContractError(f"{name} is cut off: its last line does not end")


def is_empty(file: Path) -> bool:
    """Tell whether a file, plain or .gz, holds nothing at all; one that is cut off does."""
    if not file.stat().st_size:
        return True
    if file.suffix != ".gz":
        return False
    try:
        with gzip.open(file) as stream:
            return not stream.read(1)
    except (EOFError, OSError, zlib.error):
        return False


def _last_bytes(file: Path) -> bytes:
    """Return the last MiB; a .gz is read through, for only its end tells that it is whole."""
    last = b""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        if file.suffix != ".gz":
            stream.seek(max(file.stat().st_size - _CHUNK, 0))
        while chunk := stream.read(_CHUNK):
            last = (last + chunk)[-_CHUNK:]
    return last


def _begins_and_ends(file: Path, mark: bytes) -> bool:
    with file.open("rb") as stream:
        starts = stream.read(len(mark))
        stream.seek(max(file.stat().st_size - len(mark), 0))
        return starts == mark and stream.read(len(mark)) == mark


def _is_complete_gzip(file: Path) -> bool:
    try:
        _last_bytes(file)
    except (EOFError, OSError, zlib.error):
        return False
    return True


def _is_complete_zip(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error):
        return False
