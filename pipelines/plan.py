"""`unitledger plan`: what a changed configuration would move, before it is applied.

The ledger is built aside, from exactly the deliveries of the published one, with the rules of the
configuration as it is now. Days that no rule changes are not built again. Only whose a cost is can
change, never how much it is: the changes of each period and currency add up to 0.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from models.errors import ConfigError, ContractError
from pipelines.config_drivers import DRIVER_SCHEMAS
from pipelines.config_economics import ECONOMICS_SCHEMAS
from pipelines.config_guardrails import GUARDRAIL_SCHEMAS
from pipelines.config_rules import RULE_SCHEMAS
from pipelines.config_tables import config_tables
from pipelines.lock import DEFAULT_WAIT_SECONDS, lake_lock
from pipelines.money import shown
from pipelines.reports import Report
from pipelines.settings import Settings
from pipelines.transform import NodeOutcome, run_ledger, target_folder
from pipelines.warehouse import build_file, is_current, list_fact_files, read_published

ENTITIES = ("customer", "feature", "workflow", "team", "model", "environment")
# What a plan shows. Other tables of the configuration change what is charged.
_PLANNED = (
    *(*RULE_SCHEMAS, *DRIVER_SCHEMAS, *ECONOMICS_SCHEMAS, *GUARDRAIL_SCHEMAS),
    "model_aliases",
)
_SHOWN = 20
_Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Plan:
    """What would change: the rules, the costs that would move, and what no plan can show."""

    rules: Report
    moves: Report
    moved: Report
    days: int
    days_rebuilt: int
    unplanned: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What the tables do not say."""
        days = f"{self.days_rebuilt} of {self.days} days would be shared again"
        told = [days if self.moves.rows else f"{days}; nothing would move"]
        if self.unplanned:
            names = ", ".join(self.unplanned)
            told.append(f"Also changed, but not planned, for it changes what is charged: {names}")
        return told


def make_plan(
    settings: Settings,
    by: str = "customer",
    period: str | None = None,
    everything: bool = False,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
) -> Plan:
    """Build the ledger aside with the configured rules, and compare it with the published one."""
    if by not in ENTITIES:
        raise ConfigError(f"--by {by}: unknown; allowed: {', '.join(ENTITIES)}")
    tables = config_tables(settings)
    with lake_lock(settings.lake.root, wait_seconds):
        with read_published(settings) as connection:
            before = _Ledger.read(connection, by, period)
            changed = _changed_tables(connection, tables)
            rules = _changed_rules(connection, tables["rules"])
        if not is_current(settings):
            raise ConfigError(
                f"{settings.warehouse}: is not what the lake and this program give now; "
                "`unitledger run` with the configuration in force first"
            )
        with _built_aside(settings, tables) as file, duckdb.connect(str(file)) as connection:
            after = _Ledger.read(connection, by, period)
    _check_sums(before, after)
    return Plan(
        rules=rules,
        moves=_moves(before, after, by, None if everything else _SHOWN),
        moved=_moved(before, after),
        days=len(after.days),
        days_rebuilt=len(set(after.days) - set(before.days)),
        unplanned=tuple(name for name in changed if name not in _PLANNED),
    )


@dataclass(frozen=True)
class _Ledger:
    """Costs by (period, currency, entity's value, component); sums by source; days by hash."""

    costs: Mapping[_Key, Decimal]
    sums: Mapping[tuple[str, str, str], Decimal]
    days: Sequence[tuple[Any, ...]]

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, by: str, period: str | None) -> "_Ledger":
        """Read what a warehouse's ledger says, of one billing period or of all."""
        column = "customer_id" if by == "customer" else by
        ledger = "from marts.allocated_costs where $period is null or billing_period = $period"
        costs = connection.execute(
            f"select billing_period, billing_currency, {column}, component, sum(effective_cost) "
            f"{ledger} group by all",
            {"period": period},
        ).fetchall()
        if period and not costs:
            raise ConfigError(f"--period {period}: the ledger has no cost of this billing period")
        sums = connection.execute(
            f"select source, billing_period, billing_currency, sum(effective_cost) {ledger} "
            "group by all",
            {"period": period},
        ).fetchall()
        days = connection.execute(
            "select charge_date, ledger_hash from intermediate.int_day_inputs"
        ).fetchall()
        return cls(
            {(row[0], row[1], row[2], row[3]): row[4] for row in costs},
            {(row[0], row[1], row[2]): row[3] for row in sums},
            days,
        )


@contextmanager
def _built_aside(settings: Settings, tables: Mapping[str, pl.DataFrame]) -> Iterator[Path]:
    """Copy the published warehouse, put the rules into it and have dbt build its ledger."""
    folder = settings.warehouse.with_name(f"{settings.warehouse.name}.plan")
    aside = replace(settings, warehouse=folder / settings.warehouse.name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        file = build_file(aside)
        file.parent.mkdir(parents=True)
        shutil.copyfile(settings.warehouse, file)
        _spare_parsing(settings, aside)
        with duckdb.connect(str(file)) as connection:
            for name in _PLANNED:
                connection.register("planned", tables[name].to_arrow())
                connection.execute(f"create or replace table lake.{name} as from planned")
                connection.unregister("planned")
            list_fact_files(connection, aside)
        _check_built(run_ledger(aside))
        yield file
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_built(outcomes: Sequence[NodeOutcome]) -> None:
    for outcome in outcomes:
        if not outcome.passed:
            raise ContractError(
                f"plan: dbt {outcome.resource_type} {outcome.name} failed: {outcome.message}; "
                "nothing was changed"
            )


def _spare_parsing(settings: Settings, aside: Settings) -> None:
    """Let dbt know what it has parsed for the published warehouse."""
    parsed = target_folder(settings) / "partial_parse.msgpack"
    if parsed.exists():
        target_folder(aside).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(parsed, target_folder(aside) / parsed.name)


def _check_sums(before: _Ledger, after: _Ledger) -> None:
    """Have every source, period and currency cost what it did, to the last digit."""
    for key in sorted(before.sums.keys() | after.sums.keys()):
        was, would_be = before.sums.get(key, Decimal(0)), after.sums.get(key, Decimal(0))
        if was != would_be:
            raise ContractError(
                f"plan: {' '.join(key)} costs {shown(was)} and would cost {shown(would_be)}: "
                "rules may move costs, but never make or lose any"
            )


def _changes(before: _Ledger, after: _Ledger) -> dict[_Key, tuple[Decimal, Decimal]]:
    none = Decimal("0.00")
    both = {
        key: (before.costs.get(key, none), after.costs.get(key, none))
        for key in before.costs.keys() | after.costs.keys()
    }
    return {key: costs for key, costs in both.items() if costs[0] != costs[1]}


def _moves(before: _Ledger, after: _Ledger, by: str, limit: int | None) -> Report:
    """Return what each entity's value would gain or lose, by component, and their sum: 0."""
    changes = _changes(before, after)
    rows: list[tuple[object, ...]] = []
    for period, currency in sorted({key[:2] for key in changes}):
        mine = [
            (*key, was, would_be, would_be - was)
            for key, (was, would_be) in changes.items()
            if key[:2] == (period, currency)
        ]
        mine.sort(key=lambda row: (-abs(row[-1]), row[2:4]))
        rows += mine[:limit]
        if limit and len(mine) > limit:
            rest = f"{len(mine) - limit} others"
            rows.append((period, currency, rest, "", *_column_sums(mine[limit:])))
        rows.append((period, currency, "sum", "", *_column_sums(mine)))
    columns = ("period", "currency", by, "component", "cost", "planned", "change")
    return Report(f"What would move, by {by}", columns, rows)


def _column_sums(rows: Sequence[tuple[Any, ...]]) -> list[Decimal]:
    return [sum((row[number] for row in rows), Decimal(0)) for number in (-3, -2, -1)]


def _moved(before: _Ledger, after: _Ledger) -> Report:
    """Return how much changes hands in each period and currency: the sum of all that is gained."""
    gained: dict[tuple[str, str], Decimal] = {}
    for key, (was, would_be) in _changes(before, after).items():
        gain = max(would_be - was, Decimal(0))
        gained[key[:2]] = gained.get(key[:2], Decimal(0)) + gain
    rows = [(*key, gain) for key, gain in sorted(gained.items())]
    return Report("Changes hands, in all", ("period", "currency", "cost"), rows)


def _changed_tables(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pl.DataFrame]
) -> list[str]:
    """Return the tables of the configuration that differ from what was published."""
    return [name for name, table in tables.items() if _difference(connection, name, table)]


def _difference(connection: duckdb.DuckDBPyConnection, name: str, table: pl.DataFrame) -> bool:
    connection.register("configured", table.to_arrow())
    try:
        row = connection.execute(
            f"select exists (from ((from lake.{name} except all from configured) union all "
            f"(from configured except all from lake.{name})))"
        ).fetchone()
    except duckdb.Error:
        # Published by a program that had other columns.
        return True
    finally:
        connection.unregister("configured")
    return bool(row and row[0])


def _changed_rules(connection: duckdb.DuckDBPyConnection, rules: pl.DataFrame) -> Report:
    """Return the rules that are new, gone, changed, or tried in another order."""
    was = _by_key(connection.execute("from lake.rules order by priority").pl())
    now = _by_key(rules)
    kept = [[key for key in one if key in other] for one, other in ((was, now), (now, was))]
    moved = {after for before, after in zip(*kept, strict=True) if before != after}
    rows = []
    for key in sorted(was.keys() | now.keys()):
        what = _what_changed(was.get(key), now.get(key)) or ("other order" if key in moved else "")
        if what:
            rows.append((*key, what))
    return Report("Rules", ("rule", "version", "change"), rows)


def _by_key(rules: pl.DataFrame) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["rule_id"], row["rule_version"]): row for row in rules.to_dicts()}


def _what_changed(was: dict[str, Any] | None, now: dict[str, Any] | None) -> str:
    """Say what became of a rule, naming the keys that differ; nothing where none does."""
    if was is None or now is None:
        return "new" if was is None else "gone"
    hidden = ("rule_hash", "priority")
    keys = [name for name in now if name not in hidden and was.get(name) != now[name]]
    if keys:
        return f"other {', '.join(keys)}"
    return "" if was["rule_hash"] == now["rule_hash"] else "its driver means something else"
