"""The sample company's exports: every file adds up to the ledger, and no money is a float."""

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest
from company import Company

COMPONENTS = ("direct", "idle", "scaling", "shared", "overhead", "unmatched")


def version(company: Company, period: str) -> Path:
    folder = company.folder / "exports" / period
    return folder / (folder / "latest").read_text().strip()


def rows(company: Company, period: str, name: str) -> list[dict[str, str]]:
    with (version(company, period) / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("period", ["2026-10", "2026-11"])
@pytest.mark.parametrize("entity", ["customer_id", "feature", "workflow"])
def test_each_entitys_costs_are_the_ledgers_by_component(
    company: Company, period: str, entity: str
) -> None:
    expected: dict[tuple[str, str, str], Decimal] = {}
    for row in rows(company, period, "ledger"):
        key = (row[entity], row["billing_currency"], row["component"])
        expected[key] = expected.get(key, Decimal(0)) + Decimal(row["effective_cost"])
    table = rows(company, period, f"{entity.removesuffix('_id')}_costs")
    found = {
        (row[entity], row["billing_currency"], component): Decimal(row[f"{component}_cost"])
        for row in table
        for component in COMPONENTS
        if row["billing_currency"]
    }

    assert {key: cost for key, cost in found.items() if cost} == {
        key: cost for key, cost in expected.items() if cost
    }
    for row in table:
        parts = (Decimal(row[f"{component}_cost"] or 0) for component in COMPONENTS)
        assert sum(parts) == Decimal(row["effective_cost"] or 0)


def test_cost_per_inference_is_the_loaded_cost_of_production_over_its_inferences(
    company: Company,
) -> None:
    with company.connect() as warehouse:
        # Who made attempts on which day: costs that rules give to others are of no inference.
        makers = set(
            warehouse.execute(
                "select distinct cast(charge_date as varchar), customer_id, feature, workflow, "
                "team, model, environment from marts.attempt_costs"
            ).fetchall()
        )
        inferences = warehouse.execute(
            "select customer_id, count(distinct inference_id) from marts.attempt_costs "
            "where is_ended and charge_date between '2026-10-01' and '2026-10-31' "
            "and environment not in ('development', 'staging') group by customer_id"
        ).fetchall()
    loaded: dict[tuple[str, str], Decimal] = {}
    entities = ("customer_id", "feature", "workflow", "team", "model", "environment")
    for row in rows(company, "2026-10", "ledger"):
        made = (row["charge_date"], *(row[name] for name in entities)) in makers
        if (
            made
            and row["environment"] not in ("development", "staging")
            and row["component"] != "unmatched"
        ):
            key = (row["customer_id"], row["billing_currency"])
            loaded[key] = loaded.get(key, Decimal(0)) + Decimal(row["effective_cost"])
    expected = {
        key: (cost / dict(inferences)[key[0]]).quantize(Decimal("1e-12"), ROUND_HALF_UP)
        for key, cost in loaded.items()
    }
    found = {
        (row["customer_id"], row["billing_currency"]): Decimal(row["loaded_cost_per_inference"])
        for row in rows(company, "2026-10", "customer_costs")
        if row["loaded_cost_per_inference"]
    }

    assert len(found) > 40
    assert found == expected


@pytest.mark.parametrize("period", ["2026-10", "2026-11"])
def test_the_files_of_a_period_agree_with_each_other(company: Company, period: str) -> None:
    ledger = sum(Decimal(row["effective_cost"]) for row in rows(company, period, "ledger"))
    focus = sum(Decimal(row["EffectiveCost"]) for row in rows(company, period, "focus_1_2"))
    bridge = sum(
        Decimal(row["amount"])
        for row in rows(company, period, "invoice_bridge")
        if row["line"] == "effective cost"
    )
    none = sum(
        Decimal(row["effective_cost"])
        for row in rows(company, period, "ledger")
        if all(row[name] == "(none)" for name in ("customer_id", "feature", "workflow", "team"))
        and row["model"] == row["environment"] == "(none)"
    )
    unallocated = sum(
        Decimal(row["effective_cost"]) for row in rows(company, period, "unallocated")
    )
    differences = {row["difference"] for row in rows(company, period, "reconciliation")}

    assert ledger == focus == bridge
    assert none == unallocated
    assert {Decimal(difference) for difference in differences} == {Decimal(0)}


def test_no_exported_number_is_a_float(company: Company) -> None:
    files = list(version(company, "2026-10").glob("*.parquet"))
    assert len(files) == 12
    for file in files:
        described = duckdb.execute(f"describe from '{file}'").fetchall()
        assert not {row[1] for row in described} & {"DOUBLE", "FLOAT"}, file.name
