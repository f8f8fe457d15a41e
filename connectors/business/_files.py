"""Files whose name is the name of a table."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from connectors._base import Delivery, Landed, Source
from connectors._complete import check_text
from connectors._files import discover_files, fetch_file
from models.business import BUSINESS
from models.errors import ConfigError

_SUFFIXES = (".csv", ".csv.gz", ".parquet")
_NAMES = tuple(table.name for table in BUSINESS)


def table_of(path: str) -> str | None:
    """Return the table that a file's path names."""
    parts = PurePosixPath(path).parts
    name = next(path.removesuffix(end) for end in _SUFFIXES if path.endswith(end))
    if name in _NAMES:
        return name
    return "evaluations" if len(parts) > 1 and parts[0] == "evaluations" else None


def discover(source: Source, landed: Landed) -> Iterator[Delivery]:
    """Yield a delivery a file; a name that is no table's is an error, for it may be misspelt."""
    seen: dict[str, str] = {}
    for delivery in discover_files(source, landed, _SUFFIXES):
        path = delivery.slot
        table = table_of(path)
        if table is None:
            raise ConfigError(
                f"{source.name}: {path} is the file of no table; allowed: {', '.join(_NAMES)}, "
                f"each with {', '.join(_SUFFIXES)}, and files below evaluations/"
            )
        if path.startswith(f"{table}.") and seen.setdefault(table, path) != path:
            raise ConfigError(
                f"{source.name}: {seen[table]} and {path} are both of {table}; keep one of them"
            )
        yield delivery


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found."""
    copy = fetch_file(source, delivery, folder)
    if copy.suffix != ".parquet":
        check_text(copy, f"{source.name}: {delivery.slot}")
    return delivery
