"""A year of facts of 5,000 customers and 50 features, copied from the sample company's own.

Each day has the facts of the same weekday of four weeks of the sample company, with copies of its
customers, features and workflows. The sums are nobody's: what is measured is how long they take.
"""

import os
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.copies import Relation, Sample
from connectors._sql import quoted
from pipelines.settings import Settings, load_settings
from pipelines.transform import _invoke
from pipelines.warehouse import build_file

LAST_DAY = date(2026, 11, 3)
DAYS = [LAST_DAY - timedelta(days=day) for day in range(364, -1, -1)]
TEMPLATE_START, TEMPLATE_DAYS, TEMPLATE_MONTH = date(2026, 10, 5), 28, "2026-10"

# Of these, a file of each day is written; of other models of days, the sample's own stand for all.
_BY_DAY = (
    *("attempt_costs", "int_costs_allocated", "int_attempt_sums"),
    *("customer_costs_daily", "feature_costs_daily", "workflow_costs_daily"),
    *("int_wasted_days", "int_unit_days", "int_margin_costs", "int_fleet_days"),
)
_INPUTS = ("int_period_inputs", "int_change_inputs")
# What dbt makes of the days; the tables of everything else are copied, too.
_OF_DAYS = (
    *("cost_bounds_monthly", "int_recurring_ids", "int_unit_periods", "int_unit_overviews"),
    "unit_cost_trends",
    *("int_ledger_months", "int_team_costs_daily", "int_revenue_months", "margins"),
    *("int_cost_changes", "int_change_overviews", "int_waste_overviews"),
    *("budgets_daily", "budget_breaches", "int_model_days", "model_mix_daily"),
)
# Of each kind of periods that are compared, one of the sample that stands for all of the year.
_PAIRS = {"week": "2026-10-12", "month": "2026-11-01", "30 days": "2026-11-03"}
# As the models order their rows: what is looked for stands together.
_ORDERS = {
    "int_unit_days": "period_kind, period_start, entity, value, billing_currency",
    "int_cost_changes": "entity, value, kind, part, effect",
}


def write_year(company: Path, folder: Path) -> dict[str, Any]:
    """Write a warehouse of a year into `folder`; return of how many rows of facts it is."""
    settings = _settings(company, folder)
    file = build_file(settings)
    file.parent.mkdir(parents=True)
    shutil.copy(company / "warehouse.duckdb", file)
    with duckdb.connect(str(company / "warehouse.duckdb"), read_only=True) as connection:
        sample = Sample(connection)
        facts = settings.lake.root / "facts"
        rows = sum(_write_days(sample, facts, name) for name in _BY_DAY)
        days = [name for name in sample.models_of_days() if name not in _BY_DAY]
        for name in days:
            _link_days(sample, facts, name)
        _write_tables(sample, file)
        # Their files are there: what is made are the views on them.
        _run(settings, (*_BY_DAY, *days, *_INPUTS))
        rows += _write_changes(sample, facts, file)
    _run(settings, _OF_DAYS)
    shutil.move(file, settings.warehouse)
    return {"rows": rows}


def _settings(company: Path, folder: Path) -> Settings:
    config = yaml.safe_load((company / "unitledger.yml").read_text())
    config |= {"lake": "lake", "warehouse": "warehouse.duckdb", "exports": "exports"}
    (folder / "unitledger.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    settings = load_settings(folder / "unitledger.yml")
    (settings.lake.root / "facts").mkdir(parents=True)
    return settings


def _run(settings: Settings, models: Sequence[str]) -> None:
    outcomes = _invoke(settings, ["run", "--select", *models])
    assert len(outcomes) == len(models), outcomes
    failed = [outcome for outcome in outcomes if not outcome.passed]
    assert not failed, failed


def _write_days(sample: Sample, facts: Path, name: str) -> int:
    relation, written = sample.relation(name), 0
    for day in DAYS:
        of, shift = _template_of(day)
        rows = (
            f"select *, {shift} as shift from temp.{name} where {relation.day}::date = date '{of}'"
        )
        written += _copy(sample, relation.copied(rows), name, facts / f"{name}-{day}-{_hash(day)}")
    return written


def _copy(sample: Sample, query: str, name: str, file: Path) -> int:
    order = f"order by {_ORDERS[name]}" if name in _ORDERS else ""
    written = sample.connection.execute(f"""
        copy ({query} {order}) to {quoted(f"{file}.parquet")}
        (format parquet, compression zstd, compression_level 1)
    """).fetchall()
    return int(written[0][0])


def _template_of(day: date) -> tuple[date, int]:
    """Return the day of the sample that a day is a copy of, and by how many days it is later."""
    shift = (day - TEMPLATE_START).days // TEMPLATE_DAYS * TEMPLATE_DAYS
    return day - timedelta(days=shift), shift


def _hash(day: date) -> str:
    return f"{day:%Y%m%d}"


def _link_days(sample: Sample, facts: Path, name: str) -> None:
    """Have days of the sample stand for those of the year, in a model that no question is about."""
    files = sample.files_of_days(name)
    for day in DAYS:
        of, _ = _template_of(day)
        os.link(files[str(of)], facts / f"{name}-{day}-{_hash(day)}.parquet")


def _write_tables(sample: Sample, file: Path) -> None:
    """Say what days there are, and have the marts that are tables reach over the year."""
    columns = sample.relation("int_day_inputs").columns
    hashes = ", ".join(
        f"strftime(day, '%Y%m%d') as {name}" for name in columns if name.endswith("_hash")
    )
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(f"""
            create or replace table intermediate.int_day_inputs as
            select day::date as charge_date, {hashes}, 0::bigint as rows, true as is_new
            from range(date '{DAYS[0]}', date '{DAYS[-1]}' + 1, interval 1 day) as days(day)
        """)
        for name in sample.tables("marts"):
            if name not in _OF_DAYS:
                _write_table(sample, warehouse, name)


def _write_table(sample: Sample, warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    relation = sample.relation(name)
    if not (relation.day or relation.month):
        return
    rows = _days_of(relation) if relation.day else _months_of(relation)
    frame = sample.connection.execute(relation.copied(rows)).fetch_arrow_table()
    warehouse.register("frame", frame)
    warehouse.execute(f"truncate marts.{name}")
    warehouse.execute(f"insert into marts.{name} from frame")
    warehouse.unregister("frame")


def _days_of(relation: Relation) -> str:
    days = ", ".join(f"(date '{of}', {shift})" for of, shift in map(_template_of, DAYS))
    return f"""
        select rows.*, days.shift
        from temp.{relation.name} as rows
        inner join (values {days}) as days(day, shift) on rows.{relation.day}::date = days.day
    """


def _months_of(relation: Relation) -> str:
    months = ", ".join(sorted({f"('{day:%Y-%m}')" for day in DAYS}))
    return f"""
        select rows.* replace (months.month as {relation.month}), 0 as shift
        from temp.{relation.name} as rows
        cross join (values {months}) as months(month)
        where rows.{relation.month} = '{TEMPLATE_MONTH}'
    """


def _write_changes(sample: Sample, facts: Path, file: Path) -> int:
    """Write a file of each pair of periods of the year; every kind is copies of one pair."""
    relation, written = sample.relation("int_cost_changes"), 0
    with duckdb.connect(str(file), read_only=True) as warehouse:
        pairs = warehouse.execute(
            "select pair, changes_hash, period_start, previous_start "
            "from intermediate.int_change_inputs"
        ).fetchall()
    for pair, pair_hash, start, previous in pairs:
        kind = next(kind for kind in _PAIRS if pair.startswith(kind.replace(" ", "-")))
        rows = f"""
            select
                * replace (date '{start}' as period_start, date '{previous}' as previous_start),
                0 as shift
            from temp.int_cost_changes
            where period_kind = '{kind}' and period_start = date '{_PAIRS[kind]}'
        """
        file_of_pair = facts / f"int_cost_changes-{pair}-{pair_hash}"
        written += _copy(sample, relation.copied(rows), "int_cost_changes", file_of_pair)
    return written
