"""Whether a file arrived whole: DuckDB reads the rows of a cut gzip up to where it ends."""

import gzip
import zlib
from pathlib import Path

from models.errors import ContractError

_CHUNK = 1 << 20


def check_complete(file: Path, name: str) -> None:
    """Raise a ContractError where a file is cut off."""
    if file.suffix == ".gz" and not _is_complete_gzip(file):
        raise ContractError(f"{name}: the gzip file is truncated or damaged")
    if file.suffix == ".parquet" and not _is_complete_parquet(file):
        raise ContractError(f"{name}: the Parquet file is truncated or damaged")


def _is_complete_gzip(file: Path) -> bool:
    try:
        with gzip.open(file) as stream:
            while stream.read(_CHUNK):
                pass
    except (EOFError, OSError, zlib.error):
        return False
    return file.stat().st_size > 0


def _is_complete_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        begins = stream.read(4)
        stream.seek(max(file.stat().st_size - 4, 0))
        return begins == stream.read(4) == b"PAR1"
