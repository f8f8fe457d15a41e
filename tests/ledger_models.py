"""The models from charges to the ledger, as dbt compiled them, on tables of a test's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from company import Company

Rows = Sequence[Mapping[str, Any]]
_ONCE = (
    "int_charges",
    "int_rule_tuples",
    "int_dimensions_matched",
    "int_rules_matched",
    "int_charges_grouped",
    "int_charge_groups",
    "int_corrections_matched",
    "int_charges_spread_daily",
    "int_exchange_rates",
    "int_weight_rates",
    "int_token_lines",
)
_DAILY = ("int_costs_attributed", "int_costs_allocated")


@dataclass(frozen=True)
class LedgerModels:
    """A database in which every relation of the warehouse is empty, and the models' SQL."""

    connection: duckdb.DuckDBPyConnection
    sql: Mapping[str, str]

    @classmethod
    def of(cls, company: Company) -> "LedgerModels":
        """Take the columns of a finished warehouse, and what dbt compiled for it."""
        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'; set threads = 1")
        connection.execute("attach ':memory:' as warehouse; use warehouse")
        connection.execute(
            "create schema lake; create schema staging; create schema intermediate; "
            "create schema marts"
        )
        with company.connect() as warehouse:
            columns = warehouse.execute(
                "select schema_name, table_name, "
                "string_agg('\"' || column_name || '\" ' || data_type, ', ' order by column_index) "
                "from duckdb_columns() where schema_name in "
                "('lake', 'staging', 'intermediate', 'marts') and database_name = 'warehouse' "
                "group by all"
            ).fetchall()
        for schema, table, definition in columns:
            connection.execute(f'create table {schema}."{table}" ({definition})')
        connection.execute(
            "set search_path = 'warehouse.staging,warehouse.intermediate,warehouse.marts'"
        )
        folder = Path(f"{company.folder / 'warehouse.duckdb'}.dbt") / "compiled"
        sql = {name: next(folder.rglob(f"{name}.sql")).read_text() for name in (*_ONCE, *_DAILY)}
        return cls(connection, sql)

    def fill(self, relation: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put these rows, and no others, into a relation; a column without a value is NULL."""
        self.connection.execute(f"delete from {relation}")
        for row in rows:
            names, holes = ", ".join(row), ", ".join("?" * len(row))
            self.connection.execute(
                f"insert into {relation} ({names}) values ({holes})", list(row.values())
            )

    def run(self, telemetry: str = "") -> list[dict[str, Any]]:
        """Run all models for all days on which something costs; return the ledger, sorted.

        `telemetry` is SQL that says what attempts and states explain, once charge groups are there.
        """
        for name in _ONCE:
            self._replace(name, self.sql[name])
        self.connection.execute(telemetry or "select 1")
        days = self.select("select distinct charge_date from int_charges_spread_daily order by 1")
        for name in _DAILY:
            self.connection.execute(f"delete from {name}")
            for row in days:
                self.connection.execute(f"set variable charge_date = date '{row['charge_date']}'")
                self.connection.execute(f"insert into {name} by name ({self.sql[name]})")
        return self.select("from int_costs_allocated order by all")

    def _replace(self, name: str, sql: str) -> None:
        self.connection.execute(f"create or replace table intermediate.{name} as {sql}")

    def select(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query by column name."""
        result = self.connection.execute(sql)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def total(self, sql: str) -> Decimal:
        """Return one amount."""
        row = self.connection.execute(sql).fetchone()
        return Decimal(0) if row is None or row[0] is None else Decimal(row[0])
