"""One authority a provider, account and period: a second one stops the run, or is only compared."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from company import ROOT, Company

SAMPLE = ROOT / "data_samples" / "runpod"


def write_config(folder: Path, *second: str) -> Path:
    options = ", ".join(
        ["connector: runpod_billing", f"location: {SAMPLE}", "billing_account_id: larkspur"]
    )
    file = folder / "unitledger.yml"
    lines = [f"  first: {{{options}}}", f"  second: {{{', '.join([options, *second])}}}"]
    file.write_text("sources:\n" + "\n".join(lines) + "\n")
    return file


@pytest.mark.slow
def test_two_sources_that_bill_the_same_account_are_an_error_that_names_both(
    tmp_path: Path,
) -> None:
    result = Company(tmp_path, write_config(tmp_path)).unitledger("run")
    assert result.returncode != 0
    assert (
        "first and second both bill RunPod account larkspur for 2026-10: only one may count; "
        "set authoritative: false on the other"
    ) in " ".join((result.stdout + result.stderr).split())
    assert not (tmp_path / "warehouse.duckdb").exists()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    config = write_config(folder, "authoritative: false")
    result = Company(folder, config).unitledger("run")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "warehouse.duckdb"


@pytest.mark.slow
def test_a_source_that_is_not_the_authority_is_compared_and_never_counted(compared: Path) -> None:
    with duckdb.connect(str(compared), read_only=True) as connection:
        counted = connection.execute(
            "select distinct source from marts.allocated_costs union "
            "select distinct source from marts.cost_reconciliation"
        ).fetchall()
        rows = connection.execute(
            "select authoritative_source, compared_source, billing_period, billed_cost, "
            "compared_cost, difference from marts.compared_sources order by billing_period"
        ).fetchall()
    assert counted == [("first",)]
    assert [row[:3] for row in rows] == [
        ("first", "second", "2026-10"),
        ("first", "second", "2026-11"),
    ]
    for *_, billed, other, difference in rows:
        assert billed == other > 0
        assert difference == Decimal(0)
