"""Finding and fetching span files: a file is a slot, and its bytes decide its version."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from connectors._base import Delivery, Landed, Source, Window
from connectors._files import discover_files, fetch_file
from models.errors import ContractError

_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")
_CHUNK = 1 << 20


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield every span file."""
    del window
    return discover_files(source, landed, _SUFFIXES)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found."""
    copy = fetch_file(source, delivery, folder)
    if not _content_bytes(source.name, delivery.slot, copy):
        raise ContractError(f"{source.name}: {delivery.slot} is empty; a span file has a record")
    return delivery


def _content_bytes(source: str, slot: str, file: Path) -> int:
    """Count the bytes; a gzip file that is cut off reads well up to the cut: only its end tells."""
    if file.suffix != ".gz":
        return file.stat().st_size
    try:
        with gzip.open(file) as stream:
            return sum(len(chunk) for chunk in iter(lambda: stream.read(_CHUNK), b""))
    except (EOFError, OSError, zlib.error) as error:
        raise ContractError(f"{source}: {slot} is cut off or no gzip file: {error}") from error
