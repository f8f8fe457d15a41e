"""Errors and values of every store: what a listing says, and what may go wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.errors import FetchError


class ChangedError(FetchError):
    """A file changed between listing and copying it."""


@dataclass(frozen=True)
class StoredFile:
    """A file: size in bytes, `modified` as sortable UTC text, `mark` differs once rewritten."""

    path: str
    size: int
    modified: str
    mark: str


class Streamed:
    """What stores that are read in pieces, over the network, have in common."""

    def pieces(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the bytes of the file that was found; FileNotFoundError where there is none."""
        raise NotImplementedError

    def read(self, file: StoredFile) -> bytes:
        """Return a small file's bytes."""
        return b"".join(self._pieces(file))

    def copy(self, file: StoredFile, target: Path) -> None:
        """Copy a file as a stream; ChangedError if it is not the one that was found."""
        with target.open("wb") as output:
            output.writelines(self._pieces(file))

    def _pieces(self, file: StoredFile) -> Iterator[bytes]:
        try:
            yield from self.pieces(file)
        except FileNotFoundError as error:
            raise ChangedError(f"{file.path} disappeared while it was fetched") from error
