"""Our rules on FOCUS files: a clean file passes, and each way to spoil it is seen."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from conformance.charges import create_charges
from conformance.mutations import MUTATIONS, Mutation
from models.errors import ConfigError
from pipelines.cli import app
from pipelines.focus_rules import RULES, Checked, check_files, check_table

TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
AS_TEXT = ", ".join(f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ') as {name}" for name in TIMES)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def ids(checked: Checked) -> set[str]:
    return {finding.rule.id for finding in checked.findings}


def write_csv(connection: duckdb.DuckDBPyConnection, file: Path) -> Path:
    connection.execute(f"copy (select * replace ({AS_TEXT}) from charges) to '{file}' (header)")
    return file


# --- clean and spoilt -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_a_clean_file_passes(connection: duckdb.DuckDBPyConnection, version: str) -> None:
    create_charges(connection, "charges", version)
    checked = check_table(connection, "charges")
    assert checked.findings == ()
    assert checked.charges == 25
    # What is only asked of text, of columns of the other version, and of files with a provider.
    assert checked.rules >= len(RULES) - 5


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_corruption_is_seen_by_its_rule(
    connection: duckdb.DuckDBPyConnection, mutation: Mutation
) -> None:
    create_charges(connection, "charges", mutation.versions[-1])
    connection.execute(mutation.sql)
    assert mutation.rule in ids(check_table(connection, "charges"))


def test_there_are_more_corruptions_than_rules_and_each_rule_sees_one() -> None:
    assert len(MUTATIONS) >= 34
    assert {rule.id for rule in RULES} == {mutation.rule for mutation in MUTATIONS}
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


# --- commitments ----------------------------------------------------------------------------------


def upfront_share(connection: duckdb.DuckDBPyConnection, share: str, where: str) -> None:
    """Raise what the hours of the plan cost by a share of what was paid before the file begins."""
    connection.execute(
        f"update charges set EffectiveCost = EffectiveCost + {share}, "
        f"PricingCurrencyEffectiveCost = EffectiveCost + {share} "
        "where CommitmentDiscountId = 'plan-1' and ChargeCategory = 'Usage' "
        f"and ChargePeriodStart {where}"
    )


def test_the_same_share_an_hour_of_what_was_paid_upfront_is_conserved(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    create_charges(connection, "charges")
    upfront_share(connection, "0.25", "in ('2026-10-01 02:00:00', '2026-10-01 04:00:00')")
    upfront_share(connection, "0.125", "= '2026-10-01 03:00:00'")
    assert check_table(connection, "charges").findings == ()
    upfront_share(connection, "0.01", "= '2026-10-01 04:00:00'")
    assert ids(check_table(connection, "charges")) == {"commitment-costs-less-than-paid"}


def test_a_commitment_of_which_the_file_has_one_side_is_not_judged(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    create_charges(connection, "charges")
    connection.execute(
        "delete from charges where ChargeCategory = 'Purchase' and CommitmentDiscountId is not null"
    )
    assert check_table(connection, "charges").findings == ()


def test_a_purchase_pays_until_the_next_one_and_what_is_open_yet_is_not_judged(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    create_charges(connection, "charges")
    # As Azure bills by the month: a purchase on the first day pays for all days.
    connection.execute(
        "delete from charges where ChargeCategory = 'Purchase' and CommitmentDiscountId = 'plan-1' "
        "and ChargePeriodStart > '2026-10-01 02:00:00'"
    )
    connection.execute(
        "update charges set BilledCost = 15, ListCost = 15, ContractedCost = 15, "
        "PricingQuantity = 30, CommitmentDiscountQuantity = 15 "
        "where ChargeCategory = 'Purchase' and CommitmentDiscountId = 'plan-1'"
    )
    assert "commitment-costs-less-than-paid" not in ids(check_table(connection, "charges"))
    connection.execute(
        "insert into charges by name select * replace ("
        "ChargePeriodStart + interval 40 day as ChargePeriodStart, 'i-7' as ResourceId, "
        "ChargePeriodEnd + interval 40 day as ChargePeriodEnd) from charges "
        "where ResourceId = 'i-2' and ChargeCategory = 'Usage'"
    )
    assert "commitment-costs-less-than-paid" in ids(check_table(connection, "charges"))


def test_a_commitment_that_was_refunded_is_not_judged(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    create_charges(connection, "charges")
    connection.execute(
        "insert into charges by name select * replace (-BilledCost as BilledCost, "
        "-ListCost as ListCost, -ContractedCost as ContractedCost, 'Refund' as ChargeDescription, "
        "-PricingQuantity as PricingQuantity, 'One-Time' as ChargeFrequency) from charges "
        "where ChargeCategory = 'Purchase' and CommitmentDiscountId = 'plan-1'"
    )
    connection.execute("delete from charges where CommitmentDiscountStatus is not null")
    assert "commitment-costs-less-than-paid" not in ids(check_table(connection, "charges"))


@pytest.mark.parametrize("billed", ["0.13", "0.1235", "0.123457"])
def test_a_vendor_may_round_what_it_bills(
    connection: duckdb.DuckDBPyConnection, billed: str
) -> None:
    create_charges(connection, "charges")
    connection.execute(
        "update charges set ListUnitPrice = 0.123456789, ContractedUnitPrice = 0.123456789, "
        "PricingCurrencyListUnitPrice = 0.123456789, ListCost = 0.123456789, "
        "PricingCurrencyContractedUnitPrice = 0.123456789, ContractedCost = 0.123456789, "
        f"BilledCost = {billed}, EffectiveCost = {billed}, PricingCurrencyEffectiveCost = {billed} "
        "where ResourceId = 'i-2' and ChargeClass is null and PricingQuantity > 0"
    )
    found = ids(check_table(connection, "charges"))
    assert found == ({"billed-above-contracted"} if billed == "0.13" else set())


# --- files ----------------------------------------------------------------------------------------


def test_csv_gzip_and_parquet_are_judged_alike(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    create_charges(connection, "charges", "1.4")
    connection.execute("update charges set BilledCost = 7 where ResourceId = 'i-2'")
    connection.execute(f"copy charges to '{tmp_path / 'charges.parquet'}'")
    plain = write_csv(connection, tmp_path / "charges.csv")
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    for file in (tmp_path / "charges.parquet", plain, packed):
        checked = check_files([file])
        assert ids(checked) == {"effective-is-not-billed", "billed-above-contracted"}
        example = checked.findings[-1].example
        assert example.startswith(f"{file.name} row 3: ")
        assert "BilledCost=7.000000000000" in example


def test_files_are_one_set_of_charges(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    create_charges(connection, "charges")
    fees = "ChargeCategory = 'Purchase' and CommitmentDiscountId = 'plan-1'"
    both = [tmp_path / "charges.parquet", tmp_path / "fees.parquet"]
    connection.execute(f"copy (from charges where not ({fees})) to '{both[0]}'")
    connection.execute(f"copy (from charges where {fees}) to '{both[1]}'")

    assert check_files(both).findings == ()
    assert ids(check_files(both[1:])) == {"commitment-hours-without-usage"}
    assert "row-twice" in ids(check_files([both[0], both[0]]))


def test_what_cannot_be_checked_is_one_sentence(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    files = {}
    for version in ("1.2", "1.4"):
        create_charges(connection, "charges", version)
        files[version] = tmp_path / f"{version}.parquet"
        connection.execute(f"copy charges to '{files[version]}'")
    broken = tmp_path / "broken.parquet"
    broken.write_text("no Parquet")

    with pytest.raises(ConfigError, match=r"absent\.csv: there is no such file$"):
        check_files([tmp_path / "absent.csv"])
    with pytest.raises(ConfigError, match=r"are \.parquet, \.csv or \.csv\.gz"):
        check_files([Path(__file__)])
    with pytest.raises(ConfigError, match=r"versions of FOCUS: check each by itself$"):
        check_files(list(files.values()))
    with pytest.raises(ConfigError, match=r"broken\.parquet: cannot be read as FOCUS charges"):
        check_files([broken])


# --- the command ----------------------------------------------------------------------------------


def test_the_command_shows_what_does_not_hold_and_an_example(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    create_charges(connection, "charges")
    clean, spoilt = tmp_path / "clean.parquet", tmp_path / "spoilt.parquet"
    connection.execute(f"copy charges to '{clean}'")
    connection.execute("update charges set BilledCost = 9 where CommitmentDiscountStatus = 'Used'")
    connection.execute(f"copy charges to '{spoilt}'")

    passed = CliRunner().invoke(app, ["focus-check", str(clean)])
    assert passed.exit_code == 0
    assert "rules apply: all hold\n" in passed.output
    failed = CliRunner().invoke(app, ["focus-check", str(spoilt)])
    assert failed.exit_code == 1
    assert "covered-row-billed" in failed.output
    assert "BilledCost=9.000000000000" in failed.output


def test_the_command_explains_its_rules() -> None:
    explained = CliRunner().invoke(app, ["focus-check", "--explain"])
    assert explained.exit_code == 0
    for rule in RULES:
        assert rule.id in explained.output
        assert rule.protects in explained.output
