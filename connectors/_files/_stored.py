"""Errors and values of every store: what a listing says, and what may go wrong."""

from dataclasses import dataclass

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
