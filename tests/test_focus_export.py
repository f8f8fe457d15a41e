"""The FOCUS export of the sample company: names, money, and the official rules where they are."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from company import ROOT, Company

from models.tables import CHARGES
from pipelines.focus_rules import check_files
from pipelines.run import Run
from pipelines.settings import load_settings
from pipelines.steps import broken_rules

CHECKER = ROOT.parent / "shared" / "tools" / "focus_check.py"
HALF_DIGIT = Decimal("5e-13")
PERIODS = ("2026-10", "2026-11")
VERSIONS = {"1_2": 57, "1_4": 65}
# Columns that FOCUS 1.3 and 1.4 added: custom columns in an export of 1.2; and those that 1.4
# no longer has.
LATER = {
    *("service_provider_name", "host_provider_name", "allocated_method_id"),
    *("allocated_method_details", "allocated_resource_id", "allocated_resource_name"),
    "allocated_tags",
}
CUSTOM = {"1_2": LATER, "1_4": {"provider_name", "publisher_name"}}
# What 1.4 has and no bill tells as such.
ADDED = {"CommitmentProgramEligibilityDetails", "ContractApplied", "InvoiceDetailId"}


def exported(company: Company, period: str, table: str = "focus_1_2") -> Path:
    """Return a period's file, of its newest version."""
    folder = company.folder / "exports" / period
    return folder / (folder / "latest").read_text().strip() / f"{table}.parquet"


def rows(company: Company, table: str) -> list[dict[str, object]]:
    files = [str(exported(company, period, table)) for period in PERIODS]
    found = duckdb.execute("select * from read_parquet(?)", [files])
    names = [item[0] for item in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def focus(company: Company, version: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both months in a view `focus`."""
    files = [str(exported(company, period, f"focus_{version}")) for period in PERIODS]
    with duckdb.connect() as connection:
        connection.execute(f"create view focus as select * from read_parquet({files})")
        yield connection


def names_and_types(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute("describe focus").fetchall()}


# --- names and types ------------------------------------------------------------------------------


def test_every_column_of_the_lake_is_there_once_under_its_focus_name(
    focus: duckdb.DuckDBPyConnection, version: str
) -> None:
    names = set(names_and_types(focus))
    if version == "1_4":
        assert names >= ADDED
        names -= ADDED
    back = {re.sub(r"(?<!^)(?<!_)(?=[A-Z])", "_", name).lower(): name for name in names}
    expected = {
        f"x_{column}" if column in CUSTOM[version] else column: column
        for column in (*CHARGES.column_names, "x_rate_card_id")
    }

    assert back.keys() == expected.keys()
    for column, name in back.items():
        assert name.startswith("x_") == column.startswith("x_")
        words = name.removeprefix("x_")
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", words), name


def test_the_columns_of_focus_come_first_and_both_parts_are_sorted(
    focus: duckdb.DuckDBPyConnection, version: str
) -> None:
    names, count = list(names_and_types(focus)), VERSIONS[version]
    assert names[:count] == sorted(name for name in names if not name.startswith("x_"))
    assert names[count:] == sorted(name for name in names if name.startswith("x_"))


def test_types_are_those_of_the_lake(focus: duckdb.DuckDBPyConnection) -> None:
    kinds = {"decimal(38, 12)": "DECIMAL(38,12)"}
    expected = {
        "".join(word.capitalize() for word in column.name.removeprefix("x_").split("_")): (
            kinds.get(column.type, column.type.upper())
        )
        for column in CHARGES.columns
    }
    found = {name.removeprefix("x_"): kind for name, kind in names_and_types(focus).items()}
    assert found == expected | dict.fromkeys({"RateCardId", *ADDED} & found.keys(), "VARCHAR")


# --- money ----------------------------------------------------------------------------------------


def test_billed_cost_is_what_the_vendors_stated(
    company: Company, focus: duckdb.DuckDBPyConnection
) -> None:
    stated = {}
    configured = yaml.safe_load(company.config.read_text())["sources"]
    with (ROOT / "data_samples" / "control_totals.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["billed_cost"] and row["source"] in configured:
                key = (row["source"], row["billing_period"], row["billing_currency"])
                stated[key] = (Decimal(row["billed_cost"]), int(row["rows"]))
    found = focus.execute(
        "select x_Source, x_BillingPeriod, BillingCurrency, sum(BilledCost) from focus "
        "where x_RateCardId is null group by all"
    ).fetchall()

    assert {row[:3] for row in found} == stated.keys()
    for source, period, currency, amount in found:
        total, rows = stated[source, period, currency]
        assert abs(amount - total) <= rows * HALF_DIGIT, (source, period)


def test_every_charge_and_cost_is_exported_once(
    company: Company, focus: duckdb.DuckDBPyConnection
) -> None:
    with company.connect() as warehouse:
        charges = warehouse.execute(
            "select count(*), sum(billed_cost), sum(effective_cost), sum(list_cost), "
            "sum(contracted_cost) from intermediate.int_charges"
        ).fetchone()
    assert charges == (
        focus.execute(
            "select count(*), sum(BilledCost), sum(EffectiveCost), sum(ListCost), "
            "sum(ContractedCost) from focus"
        ).fetchone()
    )
    distinct = focus.execute("select count(*) from (select distinct * from focus)").fetchone()
    assert charges is not None
    assert distinct == charges[:1]


def test_csv_and_parquet_say_the_same(company: Company) -> None:
    file = exported(company, "2026-10")
    with file.with_suffix(".csv").open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    found = duckdb.execute(
        'select x_Row, "BilledCost"::varchar, "Tags", '
        "strftime(\"ChargePeriodEnd\", '%Y-%m-%dT%H:%M:%SZ') from read_parquet(?)",
        [str(file)],
    ).fetchall()

    columns = ("x_Row", "BilledCost", "Tags", "ChargePeriodEnd")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (str(number), amount, tags or "", end) for number, amount, tags, end in found
    ]


# --- rules ----------------------------------------------------------------------------------------


def by_source(company: Company, table: str, folder: Path) -> dict[str, list[Path]]:
    """Write each source's rows of each month into a file of its own."""
    files: dict[str, list[Path]] = {}
    for period in PERIODS:
        whole = exported(company, period, table)
        found = duckdb.execute(f"select distinct x_Source from '{whole}' order by 1").fetchall()
        for (source,) in found:
            file = folder / f"{source}-{period}.parquet"
            duckdb.execute(f"copy (from '{whole}' where x_Source = '{source}') to '{file}'")
            files.setdefault(source, []).append(file)
    return files


def test_our_rules_hold_for_all_months_each_month_and_each_source(
    company: Company, version: str, tmp_path: Path
) -> None:
    table = f"focus_{version}"
    months = [exported(company, period, table) for period in PERIODS]
    sources = by_source(company, table, tmp_path)
    for files in (months, *([month] for month in months), *sources.values()):
        checked = check_files(files)
        assert checked.findings == (), files
        assert checked.charges > 0


def test_a_run_warns_of_rules_that_the_newest_exports_do_not_keep(
    company: Company, tmp_path: Path
) -> None:
    run = Run(load_settings(company.config))
    assert broken_rules(run) == ()

    settings = replace(run.settings, exports=tmp_path)
    for period in PERIODS:
        version = tmp_path / period / "v0002"
        version.mkdir(parents=True)
        (tmp_path / period / "latest").write_text("v0002\n")
        spoilt = "select * replace (BilledCost * 2 as BilledCost)"
        duckdb.execute(
            f"copy ({spoilt} from '{exported(company, period, 'focus_1_4')}') "
            f"to '{version / 'focus_1_4.parquet'}'"
        )
    sentences = broken_rules(Run(settings))
    assert any(
        sentence.startswith("effective-is-not-billed does not hold in ") for sentence in sentences
    )


@pytest.mark.slow
@pytest.mark.skipif(not CHECKER.exists(), reason="the official rules are not in the repository")
def test_the_official_rules_hold_for_every_source(company: Company, tmp_path: Path) -> None:
    files = [str(exported(company, period)) for period in PERIODS]
    for months in by_source(company, "focus_1_2", tmp_path).values():
        files += map(str, months)
    checked = subprocess.run(
        [sys.executable, CHECKER, *files], check=False, capture_output=True, text=True
    )

    found = re.findall(r"(\d+) unexpected failing rule", checked.stdout)
    assert found == ["0"] * len(files), checked.stdout + checked.stderr
    assert checked.returncode == 0


# --- invoices -------------------------------------------------------------------------------------


def test_an_invoice_is_the_configured_one_and_provisional_while_there_is_none(
    company: Company, focus: duckdb.DuckDBPyConnection
) -> None:
    with (ROOT / "data_samples" / "invoices.csv").open(newline="") as file:
        configured = {
            (row["source"], row["billing_period"]): row["invoice_id"]
            for row in csv.DictReader(file)
        }
    found = focus.execute(
        "select distinct x_Source, x_BillingPeriod, BillingCurrency, InvoiceId from focus"
    ).fetchall()
    with company.connect() as warehouse:
        told = warehouse.execute(
            "select distinct x_source, x_billing_period from lake.charges "
            "where invoice_id is not null"
        ).fetchall()
    for source, period, currency, invoice in found:
        if (source, period) not in told:
            provisional = f"provisional-{source}-{period}-{currency}"
            assert invoice == configured.get((source, period), provisional)
    assert all(row[3] for row in found)


def test_a_billing_period_is_closed_once_it_is_invoiced(company: Company) -> None:
    periods = rows(company, "focus_1_4_billing_period")
    states = {(row["x_BillingPeriod"], row["InvoiceIssuerName"]): row for row in periods}
    assert len(states) == len(periods)
    charges = rows(company, "focus_1_4")
    assert states.keys() == {(row["x_BillingPeriod"], row["InvoiceIssuerName"]) for row in charges}
    for (period, _), row in states.items():
        assert row["BillingPeriodStatus"] == ("Closed" if period == "2026-10" else "Open")
        assert row["BillingPeriodCreated"] <= row["BillingPeriodLastUpdated"]


def test_the_lines_of_an_invoice_are_its_charges_and_add_up_to_the_invoice(
    company: Company,
) -> None:
    lines = rows(company, "focus_1_4_invoice_detail")
    by_line: dict[object, Decimal] = {}
    for row in rows(company, "focus_1_4"):
        line = row["InvoiceDetailId"]
        by_line[line] = by_line.get(line, Decimal(0)) + row["BilledCost"]
    charged = {row["InvoiceDetailId"]: row["BilledCost"] for row in lines}
    differences = {line for line in charged if str(line).endswith("/difference")}
    assert {line: cost for line, cost in charged.items() if line not in differences} == by_line

    totals: dict[object, Decimal] = {}
    for row in lines:
        totals[row["InvoiceId"]] = totals.get(row["InvoiceId"], Decimal(0)) + row["BilledCost"]
    with (ROOT / "data_samples" / "invoices.csv").open(newline="") as file:
        stated = {row["source"]: Decimal(row["total"]) for row in csv.DictReader(file)}
    issued: dict[object, set[object]] = {}
    for row in lines:
        if row["InvoiceIssueStatus"] == "Issued":
            issued.setdefault(row["x_Source"], set()).add(row["InvoiceId"])
    # Where a vendor wrote several invoices, the configured total is not that of one of them.
    single = {source: invoices.pop() for source, invoices in issued.items() if len(invoices) == 1}
    assert single.keys() >= {"aws_prod", "aws_dev", "openai", "runpod"}
    for source, invoice in single.items():
        assert totals[invoice] == stated[source], source
