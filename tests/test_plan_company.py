"""A rule that changes history from a date on: planned, then run, and nothing else moves."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from company import ROOT, Company

CHANGE = date(2026, 10, 15)
RULE = {"id": "translations", "when": {"source": "mistral"}, "treatment": "direct"}


def write_config(folder: Path, *rules: dict[str, Any]) -> Company:
    file = folder / "unitledger.yml"
    location = str(ROOT / "data_samples" / "mistral")
    sources = {"mistral": {"connector": "mistral", "location": location}}
    file.write_text(yaml.safe_dump({"sources": sources, "attribution": {"rules": list(rules)}}))
    return Company(folder, file)


def ledger(company: Company) -> list[tuple[date, str, Decimal]]:
    with duckdb.connect(str(company.folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select charge_date, team, sum(effective_cost) from marts.allocated_costs "
            "where billing_period = '2026-10' group by all order by all"
        ).fetchall()


def facts(company: Company) -> dict[str, int]:
    """When each file of a day was written."""
    return {
        file.name: file.stat().st_mtime_ns
        for file in (company.folder / "lake" / "facts").glob("int_costs_*-????-??-??-*.parquet")
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_planned_is_what_a_run_then_moves_and_earlier_days_stay_as_they_are(
    tmp_path: Path,
) -> None:
    company = write_config(tmp_path, RULE | {"set": {"team": "assist"}})
    assert company.unitledger("run").returncode == 0
    before, built = ledger(company), facts(company)
    moved = sum(cost for day, _, cost in before if day >= CHANGE)
    assert moved > 0

    write_config(
        tmp_path,
        RULE | {"version": 2, "set": {"team": "knowledge"}, "valid_from": CHANGE},
        RULE | {"set": {"team": "assist"}, "valid_to": CHANGE},
    )
    plan = company.unitledger("plan", "--by", "team", "--period", "2026-10", "--format", "csv")
    assert plan.returncode == 0, plan.stderr
    rows = [line.split(",") for line in plan.stdout.splitlines()[1:]]
    assert {row[2]: Decimal(row[6]) for row in rows} == {
        "assist": -moved,
        "knowledge": moved,
        "sum": 0,
    }
    assert ledger(company) == before

    assert company.unitledger("run").returncode == 0
    assert ledger(company) == sorted(
        (day, "knowledge" if day >= CHANGE else team, cost) for day, team, cost in before
    )
    day_files = [name for name in built if date.fromisoformat(name[-51:-41]) < CHANGE]
    assert day_files
    assert all(facts(company).get(name) == built[name] for name in day_files)
    latest = (tmp_path / "exports" / "2026-10" / "latest").read_text().strip()
    assert latest == "v0002"
