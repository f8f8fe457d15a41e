"""Bring a billing period here: exported anew, or a saved export."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from connectors import _http
from connectors._base import Delivery, Landed, Options, Source, Window
from connectors._focus import folders
from connectors._focus.archives import unpack
from connectors._focus.charges import charges
from connectors._focus.rows import SUFFIXES
from connectors.nebius_focus import _service
from models.errors import ConfigError, FetchError

_TRIES = 3
_EXPIRED = (403, 404, 410)


class NebiusOptions(Options):
    """`iam_token_env` names the environment variable with an IAM access token, never the token.

    The export needs the contract's id; `every` and `at_most` are seconds between and until the
    last question whether it is done.
    """

    contract_id: str | None = None
    iam_token_env: str = "NEBIUS_IAM_TOKEN"
    every: float = 5
    at_most: float = 1800


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer the open and the previous month of the service, or saved exports."""
    if _http.is_url(source.location):
        yield from _http.discover(source, window, landed)
    else:
        yield from folders.discover(source, window, landed, (*SUFFIXES, ".tar.gz"))


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the CSV files of one export into `folder`."""
    if _http.is_url(source.location):
        return _fetch_live(source, delivery, folder)
    delivery = folders.fetch(source, delivery, folder)
    for archive in sorted(folder.rglob("*.tar.gz")):
        unpack(archive, archive.parent)
    return delivery


def normalize(source: Source) -> dict[str, str]:
    """Return the query of charges."""
    return {"charges": charges(source.name, "Nebius")}


def _fetch_live(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    options = source.options
    assert isinstance(options, NebiusOptions)
    if options.contract_id is None:
        raise ConfigError(f"{source.name}: the option contract_id says whose bill to export")
    archive = folder / f"billing-{delivery.slot}.tar.gz"
    credential = _http.Credential(options.iam_token_env)
    with _service.connect(source.location, credential) as exports:
        export_id = exports.create(options.contract_id, delivery.slot)
        _download(source, options, exports, export_id, archive)
    request = {
        "url": source.location,
        "contract_id": options.contract_id,
        "export_id": export_id,
        "archive_sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "files": unpack(archive, folder),
    }
    return replace(delivery, request=request)


def _download(
    source: Source,
    options: NebiusOptions,
    exports: _service.Exports,
    export_id: str,
    archive: Path,
) -> None:
    """Wait and download; a link that expired before it was used is asked for again."""
    with _http.connect(source.location, options.iam_token_env) as api:
        for _ in range(_TRIES):
            link = _http.poll(lambda: exports.link(export_id), options.every, options.at_most)
            try:
                return api.download(link, archive)
            except _http.RejectedError as error:
                if error.status not in _EXPIRED:
                    raise
    raise FetchError(f"export {export_id}: its link had expired before it was used, {_TRIES} times")
