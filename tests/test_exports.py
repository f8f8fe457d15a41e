"""What a version of a period's export holds: rows, money, text, and what its manifest says."""

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from export_warehouse import BILL, COSTS, TRACES, Cost, read_csv, write_settings, write_warehouse

from pipelines.exports import export_all, export_period
from pipelines.settings import Settings

NAMES = (
    "customer_costs",
    "feature_costs",
    "workflow_costs",
    "ledger",
    "unallocated",
    "unpriced_usage",
    "reconciliation",
    "invoice_bridge",
    "focus_1_2",
    "focus_1_4",
    "focus_1_4_billing_period",
    "focus_1_4_invoice_detail",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return write_settings(tmp_path)


def test_every_table_is_there_as_csv_and_parquet_with_the_rows_of_its_period(
    settings: Settings,
) -> None:
    november = Cost("cust-9", "7.00", period="2026-11", day=date(2026, 11, 1))
    write_warehouse(settings, [november, *COSTS])
    october, following = export_all(settings)

    assert {path.name for path in october.folder.iterdir()} == {
        *(f"{name}.csv" for name in NAMES),
        *(f"{name}.parquet" for name in NAMES),
        *("manifest.json", "SHA256SUMS"),
    }
    for name in set(NAMES) - {"unallocated", "unpriced_usage"}:
        rows = read_csv(october, name)
        parquet = str(october.folder / f"{name}.parquet")
        periods = {row.get("billing_period") or row["x_BillingPeriod"] for row in rows}
        assert periods == {"2026-10"}, name
        assert duckdb.execute("select count(*) from read_parquet(?)", [parquet]).fetchone() == (
            len(rows),
        )
    assert [row["customer_id"] for row in read_csv(following, "customer_costs")] == ["cust-9"]


def test_money_is_exact_text_in_csv_and_a_decimal_in_parquet(settings: Settings) -> None:
    write_warehouse(settings)
    result = export_period(settings, "2026-10")

    costs = {
        row["customer_id"]: row["effective_cost"] for row in read_csv(result, "customer_costs")
    }
    assert costs == {"cust-1": "20.000000000000", "cust-2": "-19.876543210988"}
    found = duckdb.execute(
        "select typeof(any_value(effective_cost)), sum(effective_cost) from read_parquet(?)",
        [str(result.folder / "ledger.parquet")],
    ).fetchone()
    assert found == ("DECIMAL(38,12)", sum(Decimal(cost.amount) for cost in COSTS))


def test_times_are_utc_with_a_z_in_csv(settings: Settings) -> None:
    write_warehouse(settings)
    result = export_period(settings, "2026-10")

    assert {row["ChargePeriodStart"] for row in read_csv(result, "focus_1_2")} == {
        "2026-10-05T07:00:00Z"
    }


def test_rows_are_ordered_by_their_keys_and_steps_by_their_order(settings: Settings) -> None:
    write_warehouse(settings, [Cost(f"cust-{number}", "1.00") for number in (3, 1, 2)])
    result = export_period(settings, "2026-10")

    customers = [row["customer_id"] for row in read_csv(result, "ledger")]
    assert customers == ["cust-1", "cust-2", "cust-3"]
    steps = [row["step"] for row in read_csv(result, "reconciliation")]
    assert steps == ["landed", "normalized", "effective", "allocated"]
    assert [row["line_number"] for row in read_csv(result, "invoice_bridge")] == ["1", "2", "3"]


def test_the_manifest_states_rows_and_totals_by_currency_and_never_adds_currencies(
    settings: Settings,
) -> None:
    costs = [*COSTS, Cost("cust-1", "5.50", currency="EUR"), Cost("cust-3", "0.00", currency=None)]
    write_warehouse(settings, costs)
    tables = {table.name: table for table in export_period(settings, "2026-10").manifest.tables}

    expected = {
        "EUR": {"effective_cost": "5.500000000000"},
        "USD": {"effective_cost": "0.123456789012"},
    }
    assert tables["ledger"].totals == expected
    assert tables["ledger"].rows == len(costs)
    assert tables["customer_costs"].totals == expected
    assert tables["focus_1_2"].totals["USD"] == {
        "billed_cost": "0.123456789012",
        "effective_cost": "0.123456789012",
    }
    assert tables["invoice_bridge"].totals["EUR"] == {
        "billed_cost": "5.500000000000",
        "effective_cost": "5.500000000000",
    }
    assert tables["unallocated"].rows == 0


def test_hashes_and_sizes_are_those_of_the_files(settings: Settings) -> None:
    write_warehouse(settings)
    result = export_period(settings, "2026-10")
    found = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in result.folder.iterdir()
    }

    stated = {file.path: (file.size, file.sha256) for file in result.manifest.files}
    assert stated == {name: found[name] for name in stated}
    assert len(stated) == 2 * len(NAMES)
    lines = (result.folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {name: digest for name, (_, digest) in found.items() if name != "SHA256SUMS"}


def test_the_manifest_names_the_bills_and_the_telemetry_of_their_days(settings: Settings) -> None:
    slots = [
        BILL,
        replace(BILL, table="token_usage"),
        TRACES,
        # An attempt that ended past midnight, a day without costs, another month, a failed slot.
        replace(TRACES, slot="2026-10-06.jsonl", days=(date(2026, 10, 6),)),
        replace(TRACES, slot="2026-10-08.jsonl", days=(date(2026, 10, 8),)),
        replace(BILL, slot="2026-11", period="2026-11", days=(date(2026, 11, 1),)),
        replace(BILL, slot="2026-10-failed", status="failed"),
    ]
    write_warehouse(settings, slots=slots)
    deliveries = export_period(settings, "2026-10").manifest.deliveries

    assert [(item.delivery_id, item.fingerprint) for item in deliveries] == [
        ("openai/2026-10/20261103T060000Z", "f1"),
        ("traces/2026-10-05.jsonl/9f3c", "f1"),
        ("traces/2026-10-06.jsonl/9f3c", "f1"),
    ]


@pytest.mark.parametrize(
    ("version", "as_of"),
    [
        ("20261103T060000Z", "2026-11-03T06:00:00Z"),
        ("2026-11-03T06:10:00.000Z-487a362c", "2026-11-03T06:10:00Z"),
        ("487a362c-a088-1f74-73ba-f0962fe18e55", "2026-10-05T07:00:00Z"),
        ("20269903T060000Z", "2026-10-05T07:00:00Z"),
    ],
)
def test_the_as_of_time_comes_from_the_bills_and_never_from_the_clock(
    settings: Settings, version: str, as_of: str
) -> None:
    write_warehouse(settings, slots=[replace(BILL, version=version), TRACES])
    assert export_period(settings, "2026-10").manifest.as_of == as_of


# --- text in CSV ----------------------------------------------------------------------------------


# Each is a customer of one export.
RUN_BY_A_SPREADSHEET = (
    *("=1+1", "+1", "-30.00", "@SUM(A1)", "\t=1", "\rx", "\nx", "  =1"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", '=cmd|" /C calc"!A0'),
)
OTHER = ("cust-1", "a=1", "1-2", "'quoted", 'say "hi", twice', "two\nlines", "a\rb", "é–Ω", "NULL")


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_in_csv_only(
    settings: Settings,
) -> None:
    write_warehouse(settings, [Cost(text, "-30.00") for text in RUN_BY_A_SPREADSHEET])
    result = export_period(settings, "2026-10")

    customers = read_csv(result, "customer_costs")
    quoted = sorted(f"'{text}" for text in RUN_BY_A_SPREADSHEET)
    assert sorted(row["customer_id"] for row in customers) == quoted
    assert {row["effective_cost"] for row in customers} == {"-30.000000000000"}
    assert sorted(row["ChargeDescription"] for row in read_csv(result, "focus_1_2")) == quoted
    parquet = str(result.folder / "customer_costs.parquet")
    found = duckdb.execute("select customer_id from read_parquet(?)", [parquet]).fetchall()
    assert sorted(text for (text,) in found) == sorted(RUN_BY_A_SPREADSHEET)


def test_other_text_comes_back_as_it_was(settings: Settings) -> None:
    write_warehouse(settings, [Cost(text, "1.00") for text in OTHER])
    result = export_period(settings, "2026-10")

    customers = [row["customer_id"] for row in read_csv(result, "customer_costs")]
    assert sorted(customers) == sorted(OTHER)
    raw = (result.folder / "customer_costs.csv").read_bytes()
    assert raw.endswith(b"\n")
    assert b"\r\n" not in raw
