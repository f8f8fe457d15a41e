"""Is a file whole? What DuckDB can read of one that was cut off would be taken for all of it."""

import gzip
import zlib
from pathlib import Path

from connectors._complete import begins_and_ends, is_complete, last_bytes
from models.errors import ContractError

_ENDS = {".parquet": b"PAR1"}


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
        is_whole = (last_bytes(copy) or b"").endswith(b"\n")
    else:
        is_whole = is_complete(copy) and begins_and_ends(copy, b"", _ENDS.get(copy.suffix, b"\n"))
    if not is_whole:
        raise ContractError(
            f"{name} is empty or cut off: "
            + (
                "a CSV file must end with a line end"
                if name.endswith(".csv")
                else "it does not end as its format does"
            )
        )
