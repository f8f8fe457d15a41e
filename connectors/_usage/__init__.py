"""Logs of requests by map: CSV, Parquet or JSON, and a YAML file that says what their fields mean.

Gateways and observability stores are connectors with a map beside them; a user's own is `connector:
usage_mapping` with `map: ./my_map.yml`. docs/usage-maps.md explains every key.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from connectors._base import NO_AMOUNTS, Connector, Options
from connectors._maps.yaml_file import load_map
from connectors._usage.deliveries import discover, fetch
from connectors._usage.fields import check_names
from connectors._usage.map import UsageMap, check_entities
from connectors._usage.normalize import normalize
from connectors._usage.read import read
from models.tables import ATTEMPTS, QUARANTINE

__all__ = ["UsageMap", "UsageOptions", "connector_of", "shipped"]


class UsageOptions(Options):
    """`entities` names the fields that tell an entity, in order of precedence, in the place of
    those that the map names; `cache_write` is how long cache writes live where no field says it.
    """

    entities: Mapping[str, tuple[str, ...]] = {}
    cache_write: Literal["5m", "1h"] = "5m"

    @field_validator("entities")
    @classmethod
    def _check(cls, value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        return check_entities(value)


def connector_of(
    name: str, map_: UsageMap, options: UsageOptions | None = None, base: type = UsageOptions
) -> Connector:
    """Return the connector that a map describes, with the fields that a source configures."""
    if options and options.entities:
        map_ = map_.with_entities(options.entities)
        check_names(map_.fields())
    return Connector(
        name=name,
        title=map_.title,
        produces=(ATTEMPTS, QUARANTINE),
        # Every record that was delivered, and the requests among them, each once.
        inputs={"raw": (), "judged": ()},
        discover=partial(discover, map_),
        fetch=fetch,
        read=partial(read, map_),
        normalize=partial(normalize, map_),
        amounts=NO_AMOUNTS,
        about=map_.about_.about(),
        options=base,
        configured=partial(_configured, name, map_),
    )


def _configured(name: str, map_: UsageMap, options: Options) -> Connector:
    assert isinstance(options, UsageOptions)
    return connector_of(name, map_, options)


def shipped(module: str) -> Connector:
    """Return the connector of a package with a `map.yml` in it."""
    file = Path(module).with_name("map.yml")
    return connector_of(file.parent.name, load_map(file, UsageMap))
