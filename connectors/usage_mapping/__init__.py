"""Requests by a user's own map: CSV, Parquet or JSON, and a YAML file that says what they mean.

`connector: usage_mapping` with `map: ./my_map.yml`; docs/usage-maps.md explains every key.
"""

from connectors._base import NO_AMOUNTS, About, Connector, Options
from connectors._maps.own import MapOption, load_own, no_map
from connectors._usage import UsageMap, UsageOptions, connector_of
from connectors._usage.check import check_map
from models.tables import ATTEMPTS, QUARANTINE


class OwnMapOptions(UsageOptions, MapOption):
    """What a source tells beside its map."""


def own_map(options: Options) -> Connector:
    """Return the connector of a user's own map, after checking it."""
    assert isinstance(options, OwnMapOptions)
    map_ = load_own(options.map, UsageMap, check_map)
    return connector_of("usage_mapping", map_, options, OwnMapOptions)


CONNECTOR = Connector(
    name="usage_mapping",
    title="Requests by your own map",
    produces=(ATTEMPTS, QUARANTINE),
    inputs={"raw": (), "judged": ()},
    discover=no_map,
    fetch=no_map,
    read=no_map,
    normalize=no_map,
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
