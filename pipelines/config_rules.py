"""Rules, and what they name, as tables: dimensions, pools, drivers and token weights."""

from collections.abc import Mapping

import polars as pl

from models.attribution import MEASURES, Driver, Entities, Lookup, Match, Rule, Scaling
from models.config import Attribution
from pipelines.config_csv import read_mapping
from pipelines.settings import Settings

Schema = dict[str, pl.DataType | type[pl.DataType]]
Rows = list[dict[str, object]]

_TEXT = pl.String
DATES: Schema = {"valid_from": pl.Date, "valid_to": pl.Date}
_ENTITY_COLUMNS = {
    name: "customer_id" if name == "customer" else name for name in Entities.model_fields
}
_CONDITIONS = tuple(name for name in Match.model_fields if name != "tags")
_PAIRS = pl.List(pl.Struct({"key": _TEXT, "value": _TEXT}))
WHEN: Schema = {**{f"when_{name}": _TEXT for name in _CONDITIONS}, "when_tags": _PAIRS}
_SECONDS = tuple(name for name in Scaling.model_fields if name != "abandonment")
_ABANDONMENT = ("per_second", "low", "high")

RULE_SCHEMAS: dict[str, Schema] = {
    "rules": {
        "priority": pl.Int64,
        "rule_id": _TEXT,
        "rule_version": pl.Int64,
        **DATES,
        **WHEN,
        **{f"set_{column}": _TEXT for column in _ENTITY_COLUMNS.values()},
        "treatment": _TEXT,
        "driver": _TEXT,
        **{f"users_{column}": _TEXT for column in _ENTITY_COLUMNS.values()},
        "scope": _TEXT,
        "pool": _TEXT,
        "rule_hash": _TEXT,
    },
    # Where to look for an entity of a charge, in this order.
    "dimensions": {
        "entity": _TEXT,
        "position": pl.Int64,
        "name": _TEXT,
        "tag": _TEXT,
        "charge_column": _TEXT,
        "fallback": _TEXT,
        "mapping": _TEXT,
        "owners_of": _TEXT,
        **DATES,
    },
    "dimension_mappings": {"mapping": _TEXT, "key": _TEXT, "value": _TEXT, **DATES},
    # A pool that is NULL is the platform: capacity that no pool asked for.
    "pools": {
        "priority": pl.Int64,
        "pool": _TEXT,
        **WHEN,
        "has_condition": pl.Boolean,
        "owner": _TEXT,
        "minimum_replicas": pl.Int64,
        **DATES,
    },
    # What stopping and starting takes, in the order of the pools; where none is, defaults hold.
    "scaling_policies": {
        "priority": pl.Int64,
        "pool": _TEXT,
        "minimum_replicas": pl.Int64,
        **dict.fromkeys(_SECONDS, pl.Int64),
        **dict.fromkeys(_ABANDONMENT, pl.Decimal(38, 12)),
        "grace_s": pl.Int64,
        **DATES,
    },
    # A driver's first choice, and the one for a day on which that has nothing.
    "drivers": {
        "driver": _TEXT,
        "choice": pl.Int64,
        "measure": _TEXT,
        "stream": _TEXT,
        "filters": _PAIRS,
        "within": _TEXT,
    },
    # A configured model has a row for each token type; where none is, defaults hold.
    "token_weights": {
        "priority": pl.Int64,
        "model": _TEXT,
        "token_type": _TEXT,
        "weight": pl.Int64,
        **DATES,
    },
}


def rule_tables(settings: Settings) -> dict[str, Rows]:
    """Return the rows of each table; a bad cell of a mapping is a ConfigError that names it."""
    attribution = settings.config.attribution
    return {
        "rules": [
            _rule(number, rule, attribution.drivers.get(rule.driver or ""))
            for number, rule in enumerate(attribution.rules, start=1)
        ],
        "dimensions": [_lookup(*lookup) for lookup in attribution.dimensions.lookups],
        "dimension_mappings": _mappings(settings),
        "pools": _pools(attribution),
        "scaling_policies": _scaling_policies(attribution),
        "drivers": [*_measures(), *_drivers(attribution.drivers)],
        "token_weights": _token_weights(attribution),
    }


def _rule(priority: int, rule: Rule, driver: Driver | None) -> dict[str, object]:
    return {
        "priority": priority,
        "rule_id": rule.id,
        "rule_version": rule.version,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        **when_columns(rule.when),
        **_entities("set", rule.set),
        "treatment": rule.treatment,
        "driver": rule.shared_driver,
        **_entities("users", rule.users),
        "scope": rule.scope,
        "pool": rule.pool,
        "rule_hash": rule.hash_with(driver),
    }


def when_columns(match: Match | None) -> dict[str, object]:
    """Return what a charge must look like, as columns; None asks for nothing."""
    tags = match.tags if match else {}
    return {f"when_{name}": getattr(match, name, None) for name in _CONDITIONS} | {
        "when_tags": _pairs(tags)
    }


def _pairs(items: Mapping[str, str]) -> Rows:
    return [{"key": key, "value": value} for key, value in items.items()]


def _entities(prefix: str, entities: Entities | None) -> dict[str, object]:
    values = (entities or Entities()).model_dump()
    return {f"{prefix}_{column}": values[name] for name, column in _ENTITY_COLUMNS.items()}


def _lookup(entity: str, position: int, lookup: Lookup) -> dict[str, object]:
    return {
        "entity": _ENTITY_COLUMNS[entity],
        "position": position,
        "name": lookup.shown_name,
        "tag": lookup.tag,
        # The lake's name of it, without our prefix.
        "charge_column": lookup.column and lookup.column.removeprefix("x_"),
        "fallback": lookup.value,
        "mapping": lookup.table,
        "owners_of": lookup.owners,
        "valid_from": lookup.valid_from,
        "valid_to": lookup.valid_to,
    }


def _mappings(settings: Settings) -> Rows:
    lookups = settings.config.attribution.dimensions.lookups
    names = sorted({lookup.table for _, _, lookup in lookups if lookup.table})
    return [
        {"mapping": name} | row
        for name in names
        for row in read_mapping(settings.file.parent / name)
    ]


def _pools(attribution: Attribution) -> Rows:
    pools: Rows = [
        {
            "priority": number,
            "pool": pool.pool,
            **when_columns(pool.when),
            "has_condition": pool.when is not None,
            "owner": pool.owner,
            "minimum_replicas": pool.minimum_replicas,
            "valid_from": pool.valid_from,
            "valid_to": pool.valid_to,
        }
        for number, pool in enumerate(attribution.pools, start=1)
    ]
    if attribution.platform_owner:
        platform = {"priority": 0, "has_condition": False, "owner": attribution.platform_owner}
        pools.append(platform)
    return pools


def _scaling_policies(attribution: Attribution) -> Rows:
    return [
        {
            "priority": number,
            "pool": pool.pool,
            "minimum_replicas": pool.minimum_replicas,
            "valid_from": pool.valid_from,
            "valid_to": pool.valid_to,
            **pool.scaling.model_dump(exclude={"abandonment"}),
            **(pool.scaling.abandonment.model_dump() if pool.scaling.abandonment else {}),
        }
        for number, pool in enumerate(attribution.pools, start=1)
    ]


def _measures() -> Rows:
    return [{"driver": name, "choice": 1, "measure": name} for name in MEASURES]


def _drivers(drivers: Mapping[str, Driver]) -> Rows:
    rows: Rows = []
    for name, driver in drivers.items():
        rows.append(
            {
                "driver": name,
                "choice": 1,
                "measure": driver.measure,
                "stream": driver.stream,
                "filters": _pairs(driver.filter),
                "within": driver.within,
            }
        )
        if driver.fallback:
            rows.append({"driver": name, "choice": 2, "measure": driver.fallback})
    return rows


def _token_weights(attribution: Attribution) -> Rows:
    return [
        {
            "priority": number,
            "model": weights.model,
            "token_type": token_type,
            "weight": weight,
            "valid_from": weights.valid_from,
            "valid_to": weights.valid_to,
        }
        for number, weights in enumerate(attribution.token_weights, start=1)
        for token_type, weight in weights.by_type.items()
    ]
