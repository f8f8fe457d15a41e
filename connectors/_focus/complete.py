"""Is a file whole? What DuckDB can read of one that was cut off would be taken for all of it."""

import gzip
import zlib
from pathlib import Path

from models.errors import ContractError

_CHUNK = 1 << 20


def is_empty(file: Path) -> bool:
    """Tell whether a file holds nothing at all, as AWS leaves those that it no longer needs."""
    if not file.stat().st_size:
        return True
    if file.suffix != ".gz":
        return False
    try:
        with gzip.open(file) as stream:
            return not stream.read(1)
    except (EOFError, OSError, zlib.error):
        return False


def check_complete(copy: Path, name: str) -> None:
    """Refuse a file that was cut off: what DuckDB can read of it would be taken for the whole."""
    if name.endswith(".gz"):
        is_complete = _is_complete_gzip(copy)
    elif name.endswith(".parquet"):
        is_complete = _begins_and_ends(copy, b"PAR1", b"PAR1")
    else:
        is_complete = _begins_and_ends(copy, b"", b"\n")
    if not is_complete:
        raise ContractError(
            f"{name} is empty or cut off: "
            + (
                "a CSV file must end with a line end"
                if name.endswith(".csv")
                else "it does not end as its format does"
            )
        )


def _is_complete_gzip(copy: Path) -> bool:
    last = b""
    try:
        with gzip.open(copy) as stream:
            while chunk := stream.read(_CHUNK):
                last = chunk[-1:]
    except (EOFError, OSError, zlib.error):
        return False
    return last == b"\n"


def _begins_and_ends(copy: Path, begin: bytes, end: bytes) -> bool:
    with copy.open("rb") as stream:
        starts = stream.read(len(begin))
        stream.seek(max(copy.stat().st_size - len(end), 0))
        return starts == begin and stream.read(len(end)) == end
