"""Invoices by map: CSV, Parquet or JSON, and a YAML file that says what their columns mean.

A map in `connectors/maps/` is a connector of that name; a user's own is `connector:
invoice_mapping` with `map: ./my_map.yml`. docs/mapping-an-invoice.md explains every key.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import create_model

from connectors._base import (
    NO_AMOUNTS,
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Options,
    Source,
    Window,
)
from connectors._http import is_url
from connectors._maps.own import MapOption, load_own, no_map
from connectors._maps.yaml_file import load_map
from connectors.invoice_mapping import _deliveries, _live
from connectors.invoice_mapping._api import Api
from connectors.invoice_mapping._check import check_map
from connectors.invoice_mapping._map import KINDS, Map
from connectors.invoice_mapping._normalize import amounts, normalize
from connectors.invoice_mapping._read import read
from models.errors import ConfigError
from models.tables import CHARGES

MAPS = Path(__file__).parents[1] / "maps"


class MappedOptions(Options):
    """`billing_account_id` names the account; by default it is the source's name."""

    billing_account_id: str | None = None


class OwnMapOptions(MappedOptions, MapOption):
    """What a source tells beside its map."""


def connector_of(name: str, map_: Map, base: type[Options] = MappedOptions) -> Connector:
    """Return the connector that a map describes."""
    has_charges = map_.charges is not None
    return Connector(
        name=name,
        title=map_.title,
        produces=(map_.table,),
        inputs={"raw": (InputColumn("charge_kind", allowed=KINDS),) if has_charges else ()},
        discover=partial(_discover, map_),
        fetch=partial(_fetch, map_),
        read=partial(read, map_),
        normalize=partial(normalize, map_),
        amounts=amounts(map_),
        about=map_.about_.about(),
        options=_options_of(map_.api, base) if map_.api else base,
    )


def _options_of(api: Api, base: type[Options]) -> type[Options]:
    """What the API has to be told beside: the variable with its key, and the map's own options."""
    named: dict[str, Any] = dict.fromkeys(api.options, (str | None, None))
    return create_model(
        base.__name__,
        __base__=base,
        __doc__=base.__doc__,
        api_key_env=(str, api.secret.env),
        **named,
    )


def _discover(map_: Map, source: Source, window: Window, landed: Landed) -> Iterable[Delivery]:
    if not is_url(source.location):
        return _deliveries.discover(map_, source, window, landed)
    if map_.api is None:
        raise ConfigError(
            f"{source.name}: location {source.location}: {map_.about_.vendor} is read from files; "
            "allowed: a folder or s3://bucket/prefix"
        )
    return _live.discover(map_.api, source, window, landed)


def _fetch(map_: Map, source: Source, delivery: Delivery, folder: Path) -> Delivery:
    if map_.api and is_url(source.location):
        return _live.fetch(map_.api, source, delivery, folder)
    return _deliveries.fetch(source, delivery, folder)


def shipped_maps() -> dict[str, Connector]:
    """Return the connectors that the maps of this project are, by name."""
    return {
        file.stem: connector_of(file.stem, load_map(file, Map))
        for file in sorted(MAPS.glob("*.yml"))
    }


def own_map(options: Options) -> Connector:
    """Return the connector of a user's own map, after checking it."""
    assert isinstance(options, OwnMapOptions)
    return connector_of("invoice_mapping", load_own(options.map, Map, check_map), OwnMapOptions)


CONNECTOR = Connector(
    name="invoice_mapping",
    title="Invoice by your own map",
    produces=(CHARGES,),
    inputs={"raw": (InputColumn("charge_kind", allowed=KINDS),)},
    discover=no_map,
    fetch=no_map,
    read=no_map,
    normalize=no_map,
    amounts=NO_AMOUNTS,
    about=About(
        vendor="any",
        kind="generic",
        interface="CSV, TSV, Parquet, JSON or NDJSON files and a YAML map",
        granularity="a line of the invoice",
        restated="a file that is replaced; the newest folder of a billing period",
        cannot_tell="what the invoice does not say",
        tested_with="every shipped map; invented invoices",
    ),
    options=OwnMapOptions,
    configured=own_map,
)
