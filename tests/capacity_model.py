"""The model that shares capacity, as dbt compiles it, on tables of a test's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
from dbt_project import DbtProject

from models.tables import TABLES

DAY = "2026-10-01"
_LAKE = ("attempts", "resource_states", "counter_deltas", "gauge_samples", "split_costs")
_CHARGE_GROUPS = {
    "charge_group_id": "varchar",
    "treatment": "varchar",
    "resource_id": "varchar",
    "service_provider_name": "varchar",
    "model": "varchar",
    "charge_date": "date",
    "charge_period_start": "timestamp",
    "charge_period_end": "timestamp",
    "effective_cost": "decimal(38, 12)",
    "billed_milliseconds": "bigint",
    "gpu_count": "bigint",
    "rule": "struct(pool varchar)",
}
_OTHERS = {
    "stg_lake__model_aliases": "name varchar, model varchar, valid_from date, valid_to date",
    "stg_lake__token_weights": "priority bigint, model varchar, token_type varchar, weight bigint,"
    " valid_from date, valid_to date",
    "provider_names": "provider_name varchar, service_provider_name varchar",
}
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Capacity:
    """A database with the model's inputs, all of them empty at first."""

    connection: duckdb.DuckDBPyConnection

    def add(self, relation: str, rows: Rows) -> None:
        """Insert rows; a column that they do not name is NULL."""
        for row in rows:
            names, holes = ", ".join(row), ", ".join("?" * len(row))
            self.connection.execute(
                f"insert into {relation} ({names}) values ({holes})", list(row.values())
            )

    def shares(self) -> list[dict[str, Any]]:
        """Run the model for the day."""
        result = self.connection.execute(f"from ({_compiled()}) order by all")
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def capacity() -> Capacity:
    """Return empty inputs in the schemas where dbt has them."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
    connection.execute(f"set variable charge_date = date '{DAY}'")
    connection.execute("create schema staging; create schema intermediate")
    for name in _LAKE:
        columns = ", ".join(f"{column.name} {column.type}" for column in TABLES[name].columns)
        connection.execute(f"create table staging.stg_lake__{name} ({columns})")
        connection.execute(f"alter table staging.stg_lake__{name} rename x_source to source")
    columns = ", ".join(f"{name} {type_}" for name, type_ in _CHARGE_GROUPS.items())
    connection.execute(f"create table intermediate.int_charge_groups ({columns})")
    for name, columns in _OTHERS.items():
        schema = "staging" if name.startswith("stg_") else "intermediate"
        connection.execute(f"create table {schema}.{name} ({columns})")
    connection.execute("set search_path = 'warehouse.staging,warehouse.intermediate'")
    return Capacity(connection)


@cache
def _compiled() -> str:
    return DbtProject.of_session().compiled("int_capacity_shares")
