"""Requests by a user's own map: CSV, Parquet or JSON, and a YAML file that says what they mean.

`connector: usage_mapping` with `map: ./my_map.yml`; docs/usage-maps.md explains every key.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationInfo, field_validator

from connectors._base import NO_AMOUNTS, About, Connector, Options
from connectors._maps.yaml_file import load_map
from connectors._usage import UsageMap, UsageOptions, connector_of
from connectors._usage.check import check_map
from models.errors import ConfigError
from models.tables import ATTEMPTS, QUARANTINE

_MISSING = "map: is missing; allowed: a file such as ./my_map.yml"


class OwnMapOptions(UsageOptions):
    """`map` is a file, relative to the configuration."""

    map: Path | None = None

    @field_validator("map")
    @classmethod
    def _below_configuration(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        folder = Path((info.context or {}).get("folder", ""))
        return folder / value.expanduser() if value else None


def own_map(options: Options) -> Connector:
    """Return the connector of a user's own map, after checking it."""
    assert isinstance(options, OwnMapOptions)
    if options.map is None:
        raise ConfigError(_MISSING)
    map_ = load_map(options.map, UsageMap)
    try:
        check_map(map_)
    except ConfigError as error:
        raise ConfigError(f"{options.map.name}: {error}") from None
    return connector_of("usage_mapping", map_, options, OwnMapOptions)


def _no_map(*_: Any) -> Any:
    raise ConfigError(_MISSING)


CONNECTOR = Connector(
    name="usage_mapping",
    title="Requests by your own map",
    produces=(ATTEMPTS, QUARANTINE),
    inputs={"raw": (), "judged": ()},
    discover=_no_map,
    fetch=_no_map,
    read=_no_map,
    normalize=_no_map,
    amounts=NO_AMOUNTS,
    about=About(
        vendor="any",
        kind="telemetry",
        interface="CSV, TSV, Parquet, JSON or JSON lines of requests and a YAML map",
        granularity="attempt",
        restated="a file that changed is read again",
        cannot_tell="what the log does not say",
        tested_with="the shipped maps; invented logs",
    ),
    options=OwnMapOptions,
    configured=own_map,
)
