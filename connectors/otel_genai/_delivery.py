"""Finding and fetching span files: a file is a slot, and its bytes decide its version."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from connectors._base import Delivery, Landed, Options, Source, Window
from connectors._files import ChangedError, open_store
from models.errors import ContractError

_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
_CHUNK = 1 << 20


class OtelOptions(Options):
    """`cache_write` is the lifetime of what the account writes to the prompt cache."""

    cache_write: Literal["5m", "1h"] = "5m"


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield every span file; a file whose size and time are known is not read to be hashed again.

    The day of a file is not known before it is read, so the window leaves none out.
    """
    del window
    store = open_store(source.location)
    for file in store.files():
        is_hidden = any(part.startswith(".") for part in Path(file.path).parts)
        if file.path.endswith(_SUFFIXES) and not is_hidden:
            known = [m for m in landed.get(file.path, ()) if m.request.get("mark") == file.mark]
            version = known[-1].version if known else store.fingerprint(file).strip('"')[:16]
            yield Delivery(file.path, version, file.modified, request={"mark": file.mark})


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found."""
    store = open_store(source.location)
    file = store.find(delivery.slot)
    if file is None or file.mark != delivery.request["mark"]:
        raise ChangedError(f"{source.name}: {delivery.slot} changed while it was fetched")
    copy = folder / delivery.slot
    copy.parent.mkdir(parents=True, exist_ok=True)
    store.copy(file, copy)
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
