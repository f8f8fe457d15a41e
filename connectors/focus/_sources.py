"""Where FOCUS comes from: saved files, AWS's exports, and APIs that export it."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import field_validator

from connectors import _http
from connectors._aws.data_exports import DATA_EXPORTS
from connectors._aws.exports import ExportOptions
from connectors._base import Delivery, Landed, Source, Window
from connectors._files import is_blob_location
from connectors._focus import folders, requests
from connectors._focus.charges import charges
from models.errors import ConfigError

_EXPORTS = Path(__file__).parent / "exports"


class FocusOptions(ExportOptions):
    """How to reach a bucket; an HTTP export; what files leave out: provider and account."""

    # Of Blob storage: the variable that holds a connection string, or the account's address.
    connection_string_env: str | None = None
    account_url: str | None = None
    export: requests.Export | None = None
    provider_name: str | None = None
    billing_account_id: str | None = None

    @field_validator("export", mode="before")
    @classmethod
    def _named(cls, export: object) -> object:
        """Read the file of a vendor's name."""
        if not isinstance(export, str):
            return export
        known = sorted(file.stem for file in _EXPORTS.glob("*.yml"))
        if export not in known:
            raise ValueError(f"{export} is no known export; allowed: {', '.join(known)}, or keys")
        content = yaml.safe_load((_EXPORTS / f"{export}.yml").read_text())
        return {key: value for key, value in content.items() if key != "url"}


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer what the location has: months of an API, billing periods of AWS, saved files."""
    if _is_api(source):
        _export(source)
        yield from _http.discover(source, window, landed)
    elif _is_aws_export(source):
        yield from DATA_EXPORTS.discover(source, window, landed)
    else:
        yield from folders.discover(source, window, landed)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Bring a delivery into `folder`."""
    if _is_api(source):
        return requests.fetch(source.location, _export(source), delivery, folder)
    if "manifest" in delivery.request:
        return DATA_EXPORTS.fetch(source, delivery, folder)
    return folders.fetch(source, delivery, folder)


def normalize(source: Source) -> dict[str, str]:
    """Return the query of charges."""
    options = source.options
    assert isinstance(options, FocusOptions)
    account = options.billing_account_id or source.name
    return {"charges": charges(account, options.provider_name)}


def _is_api(source: Source) -> bool:
    return _http.is_url(source.location) and not is_blob_location(source.location)


def _is_aws_export(source: Source) -> bool:
    store, only = folders.open_location(source)
    return not only and any(
        DATA_EXPORTS.layout.manifest.fullmatch(file.path) for file in store.files("metadata/")
    )


def _export(source: Source) -> requests.Export:
    assert isinstance(source.options, FocusOptions)
    if source.options.export is None:
        raise ConfigError(
            f"{source.name}: location {source.location} is a URL; the option export must say what "
            "to ask there: the name of a known one, or its keys"
        )
    return source.options.export
