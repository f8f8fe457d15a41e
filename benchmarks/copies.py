"""Queries that copy rows of the sample company to other days, customers, features and workflows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors._sql import quoted_list

CUSTOMERS, FEATURES, WORKFLOWS = 5000, 50, 50
# The first customers are there every day, the last ones two days of five.
LEAST_ACTIVE = 40

_ENTITIES = {
    "customer_id": ("customer", CUSTOMERS),
    "feature": ("feature", FEATURES),
    "workflow": ("workflow", WORKFLOWS),
}
_IDS = ("attempt_id", "inference_id", "workflow_run_id", "conversation_id")
_MONTHS = ("billing_period", "charge_month", "month")
# Rows of single attempts, or of tuples of all entities: copies are drawn, by these columns.
# Some 570 attempts a day become 28,500: some 6 features a customer and day.
_TUPLE = "customer_id, feature, workflow, team, model"
_DRAWN = {
    "attempt_costs": ("attempt_id", 50),
    "int_attempt_sums": (_TUPLE, 50),
    "int_costs_allocated": (_TUPLE, 20),
}


@dataclass(frozen=True)
class Relation:
    """One relation of the sample's warehouse, and the names of which it has copies."""

    name: str
    columns: dict[str, str]
    names: dict[str, list[str]]

    @property
    def day(self) -> str | None:
        """Return the column that says the day of a row; None where there is none."""
        return next((name for name, type in self.columns.items() if _is_time(type)), None)

    @property
    def month(self) -> str | None:
        return next((name for name in _MONTHS if name in self.columns), None)

    def copied(self, rows: str) -> str:
        """Return the query of rows of it with their copies, each later by `shift` days."""
        replaced = self._replaced()
        selected = ", ".join(f'{replaced.get(name, name)} as "{name}"' for name in self.columns)
        return f"""
            select {selected}
            from ({rows}) as template
            cross join range({self._copies()}) as copies(copy)
            where copy = 0 or coalesce({self._is_kept()}, false)
        """

    def _replaced(self) -> dict[str, str]:
        later = "+ to_days(shift)"
        return {
            **{
                name: f"({name} {later})::{type}"
                for name, type in self.columns.items()
                if _is_time(type)
            },
            **(
                {self.month: f"strftime({self.day} {later}, '%Y-%m')"}
                if self.day and self.month
                else {}
            ),
            **{name: f"concat_ws('-', {name}, copy, shift)" for name in _IDS},
            **{
                name: f"({name}::double * (abs(shift) * 31 + copy * 17 + 997) / 997)::{type}"
                for name, type in self.columns.items()
                if type.startswith("DECIMAL(38,")
            },
            **dict(self._copied_values()),
        }

    def _copied_values(self) -> Iterator[tuple[str, str]]:
        for entity, (noun, number) in _ENTITIES.items():
            if self.name in _DRAWN:
                # Few have most: of ten draws, one is of the first hundred customers.
                draw = f"hash({_DRAWN[self.name][0]}, '{entity}', copy) / 18446744073709551616.0"
                rank = f"least(floor({number} * pow({draw}, 1.7)), {number - 1})::bigint"
                yield entity, f"if({entity} = '(none)', {entity}, {_named(noun, rank)})"
            elif entity in self.columns:
                yield entity, f"coalesce({_named(noun, self._rank(entity, entity))}, {entity})"
        if self._has_values:
            cases = " ".join(
                f"when '{entity}' then coalesce({_named(noun, self._rank(entity, 'value'))}, value)"
                for entity, (noun, _) in _ENTITIES.items()
            )
            yield "value", f"case entity {cases} else value end"

    @property
    def _has_values(self) -> bool:
        return {"entity", "value"} <= set(self.columns)

    def _rank(self, entity: str, column: str) -> str:
        names = self.names[entity]
        return f"(copy * {len(names)} + list_position({quoted_list(names)}, {column}) - 1)"

    def _copies(self) -> int:
        if self.name in _DRAWN:
            return _DRAWN[self.name][1]
        copied = _ENTITIES if self._has_values else set(_ENTITIES) & set(self.columns)
        return max((_ENTITIES[name][1] // len(self.names[name]) + 1 for name in copied), default=1)

    def _is_kept(self) -> str:
        """Return the condition of a copy: its entity is of the year, and active on the day."""
        if self.name in _DRAWN:
            return "customer_id <> '(none)'"
        kept = [
            f"(entity = '{entity}' and {self._is_active(entity, 'value')})"
            for entity in (_ENTITIES if self._has_values else ())
        ]
        kept += [self._is_active(entity, entity) for entity in _ENTITIES if entity in self.columns]
        return f"({' or '.join(kept)})" if kept else "false"

    def _is_active(self, entity: str, column: str) -> str:
        rank, number = self._rank(entity, column), _ENTITIES[entity][1]
        active = f"{rank} < {number}"
        if entity != "customer_id":
            return active
        chance = f"100 - {100 - LEAST_ACTIVE} * {rank} / {number}"
        return f"({active} and hash({rank}, shift) % 100 < {chance})"


def _is_time(type: str) -> bool:
    return type in ("DATE", "TIMESTAMP")


def _named(noun: str, rank: str) -> str:
    return f"format('{noun}-{{:04d}}', {rank})"


class Sample:
    """The sample company's published warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.names = {entity: self._names_of(entity) for entity in _ENTITIES}

    def _names_of(self, entity: str) -> list[str]:
        query = f"select distinct {entity} from marts.attempt_costs order by 1"
        found = self.connection.execute(query).fetchall()
        return [name for (name,) in found if name not in (None, "(none)")]

    def relation(self, name: str) -> Relation:
        """Return a relation; its rows are in memory from now on, as temp.<name>."""
        columns = self.connection.execute(
            "select schema_name, column_name, data_type from duckdb_columns() "
            "where table_name = ? and schema_name <> 'main' order by column_index",
            [name],
        ).fetchall()
        assert columns, name
        self.connection.execute(
            f"create or replace temp table {name} as from {columns[0][0]}.{name}"
        )
        return Relation(name, {row[1]: row[2] for row in columns}, self.names)

    def models_of_days(self) -> list[str]:
        """Return the models that have a file a day."""
        query = "select view_name from duckdb_views() where sql like '%facts_of%' order by 1"
        return [str(row[0]) for row in self.connection.execute(query).fetchall()]

    def files_of_days(self, name: str) -> dict[str, Path]:
        """Return the file of each day of a model."""
        query = "select sql from duckdb_views() where view_name = ?"
        ((sql,),) = self.connection.execute(query, [name]).fetchall()
        (stem,) = set(re.findall(rf"'([^']+/facts/{name})-", sql))
        files = """
            select distinct charge_date::varchar, file
            from (
                select charge_date, $stem || '-' || unnest(map_values(files)) || '.parquet' as file
                from intermediate.int_day_inputs
            ) as named
            where file in (select found.file from glob($stem || '-*.parquet') as found)
        """
        found = self.connection.execute(files, {"stem": stem}).fetchall()
        return {day: Path(file) for day, file in found}

    def tables(self, schema: str) -> list[str]:
        query = "select table_name from duckdb_tables() where schema_name = ? order by 1"
        return [str(row[0]) for row in self.connection.execute(query, [schema]).fetchall()]
