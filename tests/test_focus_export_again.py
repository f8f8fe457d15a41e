"""FOCUS in and out: the specification's worked examples, and our own exports read again."""

import csv
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from company import ROOT, Company
from focus_in import FocusSource

pytestmark = pytest.mark.slow

EXAMPLES = ROOT.parent / "shared" / "samples" / "focus"
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
# What the specification's excerpts leave out.
LEFT_OUT = {
    "BillingAccountId": "1",
    "BillingCurrency": "USD",
    "ProviderName": "Example",
    "PublisherName": "Example",
    "InvoiceIssuerName": "Example",
    "ServiceCategory": "Compute",
    "ServiceName": "Example",
    "SkuId": "s",
    "SkuPriceId": "s",
}


def version(folder: Path, period: str) -> Path:
    return (
        folder / "exports" / period / (folder / "exports" / period / "latest").read_text().strip()
    )


@pytest.mark.parametrize("table", ["focus_1_2", "focus_1_4"])
def test_an_export_that_is_read_again_is_the_same_charges(
    company: Company, tmp_path: Path, table: str
) -> None:
    exported = version(company.folder, "2026-11") / f"{table}.csv"
    again = FocusSource(tmp_path)
    again.saved.mkdir(exist_ok=True)
    (again.saved / "november.csv").write_bytes(exported.read_bytes())
    with exported.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
    charges = again.rows()

    assert len(charges) == len(rows)
    for charge, row in zip(charges, rows, strict=True):
        # Microsoft's list and contracted costs of 0 are taken for unknown.
        known = 2 if "Microsoft" in row["InvoiceIssuerName"] else 4
        stated = [Decimal(row[name]) for name in COSTS[:known]]
        assert [charge[name] for name in columns[:known]] == stated, row["x_Source"]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the specification's examples are not here")
def test_the_worked_examples_are_exported_to_the_cent(tmp_path: Path) -> None:
    stated, periods = write_examples(tmp_path / "examples")
    config = {
        "sources": {"examples": {"connector": "focus", "location": "./examples"}},
        "lake": "lake",
        "warehouse": "warehouse.duckdb",
        "exports": "exports",
    }
    company = Company(tmp_path, tmp_path / "unitledger.yml")
    company.config.write_text(yaml.safe_dump(config))
    run = company.unitledger("run")
    assert run.returncode == 0, run.stdout + run.stderr

    for table in ("focus_1_2", "focus_1_4"):
        files = [str(version(tmp_path, period) / f"{table}.parquet") for period in sorted(periods)]
        found = duckdb.execute(
            "select x_File, x_Row, BilledCost, EffectiveCost from read_parquet(?) order by all",
            [files],
        ).fetchall()
        assert [(Path(file).stem, *rest) for file, *rest in found] == stated
    assert len(stated) == 19


def write_examples(folder: Path) -> tuple[list[tuple[object, ...]], set[str]]:
    """Write every example with what it lacks; return its costs by file and row, and its months."""
    folder.mkdir()
    stated: list[tuple[object, ...]] = []
    periods = set()
    for example in sorted(EXAMPLES.glob("*/*.csv")):
        with example.open(newline="") as file:
            rows = [LEFT_OUT | row for row in csv.DictReader(file)]
        if "BilledCost" not in rows[0]:
            continue
        with (folder / example.name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        for number, row in enumerate(rows, 1):
            costs = (Decimal(row["BilledCost"]), Decimal(row["EffectiveCost"]))
            stated.append((example.stem, number, *costs))
            periods.add(row["BillingPeriodStart"][:7])
    return sorted(stated, key=lambda item: item[:2]), periods
