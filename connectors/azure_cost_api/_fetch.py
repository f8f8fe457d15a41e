"""Bring a month of one scope here: reports of both datasets, else a query; live or saved.

A saved fetch is `<billing period>/<fetched at>/` with `actual-0001.csv`, `amortized-0001.csv` and
further parts, or `query-0001.json`: the files and pages that Azure sent.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from connectors import _http
from connectors._base import Delivery, Landed, Source, Window
from connectors._complete import check_complete
from connectors.azure_cost_api._options import ApiOptions
from models.errors import ContractError

_SAVED = re.compile(r"(actual|amortized|query)-(\d+)\.(csv|csv\.gz|json)")


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer one delivery a month; live, each knows how the one before it was asked for."""
    for delivery in _http.discover(source, window, landed):
        known = landed.get(delivery.slot, ())
        before = {"interface": known[-1].request.get("interface")} if known else {}
        yield replace(delivery, request={**delivery.request, **before})


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the files of one month into `<month>/<dataset>/`, as they were sent."""
    if not _http.is_url(source.location):
        return _copy_saved(source, delivery, folder)
    # Azure's SDKs take a third of a second to load: only who asks the API waits for them.
    from connectors.azure_cost_api._live import ask

    assert isinstance(source.options, ApiOptions)
    asked = ask(source.location, source.options, delivery, folder)
    if delivery.request.get("replaces") and not any(folder.rglob("*.*")):
        raise ContractError(
            f"{source.name} {delivery.slot}: {source.location} has no costs any more, where it had "
            f"some at {delivery.request['replaces']}; allowed: at least one row"
        )
    return replace(delivery, request={"url": source.location, **asked})


def _copy_saved(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    saved = Path(source.location) / delivery.slot / delivery.version
    files = sorted(path for path in saved.iterdir() if path.is_file())
    for file in files:
        match = _SAVED.fullmatch(file.name)
        if not match:
            raise ContractError(
                f"{file.name} is no saved answer; allowed: names like actual-0001.csv, "
                "amortized-0001.csv.gz or query-0001.json"
            )
        target = folder / delivery.slot / match[1] / f"{match[2]}.{match[3]}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        check_complete(target, file.name)
    if not files:
        raise ContractError(f"{saved} has no file: nothing was saved, or not all of it")
    return replace(delivery, request={"saved": f"{delivery.slot}/{delivery.version}"})
