"""The sample company: its files are what the generator writes, and its figures agree.

Expectations are computed here from the written files, in Decimal, without the generator's code.
"""

import ast
import csv
import gzip
import json
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

SAMPLES = Path(__file__).parent.parent / "data_samples"
HOUR_MS = 3_600_000
POD_ROWS = "EKSPod-EC2"
# The sources whose costs traces tell, and truth/ has.
TRACED = ("aws_prod", "aws_dev", "openai", "runpod")
Row = dict[str, Any]


def generate(out: Path, *arguments: str) -> None:
    command = [sys.executable, str(SAMPLES / "generate.py"), "--out", str(out), *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


def content(path: Path) -> object:
    """What a file says: compressors of other builds may choose other bytes for the same."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def written(folder: Path) -> dict[str, Path]:
    ignored = {".py", ".pyc", ".md"}
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in ignored)
    return {str(path.relative_to(folder)): path for path in files}


def read_csv(path: Path) -> list[Row]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(data.decode().splitlines()))


def number(value: object) -> Decimal:
    """A double as its shortest text, which is how it was printed before it became one."""
    return Decimal(0) if value in (None, "") else Decimal(str(value))


def cur_rows(folder: str, month: str) -> list[Row]:
    """The rows that the month's latest manifest lists."""
    (manifest,) = (SAMPLES / folder / "metadata" / f"BILLING_PERIOD={month}").glob("*.json")
    rows: list[Row] = []
    for key in json.loads(manifest.read_text())["dataFiles"]:
        path = SAMPLES / folder / key[key.index("data/BILLING_PERIOD") :]
        rows += read_csv(path) if path.suffix == ".gz" else pq.read_table(path).to_pylist()
    return rows


def openai_results(month: str, kind: str) -> list[Row]:
    pages = (SAMPLES / "openai" / month).glob(f"*/{kind}-*.json")
    buckets = [
        bucket
        for page in sorted(pages)
        for bucket in json.loads(page.read_text(), parse_float=Decimal)["data"]
    ]
    return [
        row | {"start": bucket["start_time"]} for bucket in buckets for row in bucket["results"]
    ]


def runpod_records(month: str) -> list[Row]:
    (path,) = (SAMPLES / "runpod" / month).glob("*/pods.json")
    answer = json.loads(path.read_text(), parse_float=Decimal)
    return list(answer) if isinstance(answer, list) else list(answer["records"])


def amortized(row: Row) -> Decimal:
    """What a CUR line costs on an accrual basis, written out again from AWS' rules."""
    kind = row["line_item_line_item_type"]
    if row["line_item_operation"] == POD_ROWS:
        return Decimal(0)
    if kind in ("SavingsPlanNegation", "SavingsPlanUpfrontFee"):
        return Decimal(0)
    if kind == "SavingsPlanCoveredUsage":
        return number(row["savings_plan_savings_plan_effective_cost"])
    if kind == "SavingsPlanRecurringFee":
        promised = number(row["savings_plan_total_commitment_to_date"])
        return promised - number(row["savings_plan_used_commitment"])
    return number(row["line_item_unblended_cost"])


def billed(source: str, month: str) -> list[Decimal]:
    """The vendor's amounts, one a delivered row; pod rows repeat a node's cost and have none."""
    if source.startswith("aws"):
        rows = cur_rows("aws_cur2" if source == "aws_prod" else "aws_cur2_csv", month)
        return [
            number(0 if row["line_item_operation"] == POD_ROWS else row["line_item_unblended_cost"])
            for row in rows
        ]
    if source == "openai":
        return [Decimal(row["amount"]["value"]) for row in openai_results(month, "costs")]
    return [
        Decimal(row["amount" if "amount" in row else "totalAmount"])
        for row in runpod_records(month)
    ]


@pytest.fixture(scope="module")
def attempts() -> list[Row]:
    return pq.read_table(SAMPLES / "truth" / "attempts.parquet").to_pylist()


@pytest.mark.slow
def test_the_generator_writes_the_committed_files_again(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh, committed = written(tmp_path), written(SAMPLES)
    assert fresh.keys() == committed.keys()
    assert [name for name in fresh if content(fresh[name]) != content(committed[name])] == []


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        generate(tmp_path / name, "--attempts", "300", "--days", "3")
    first, second = written(tmp_path / "first"), written(tmp_path / "second")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


@pytest.mark.slow
def test_another_seed_gives_another_company(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        generate(tmp_path / seed, "--attempts", "300", "--days", "3", "--no-truth", "--seed", seed)
    assert (tmp_path / "1/control_totals.csv").read_text() != (
        tmp_path / "2/control_totals.csv"
    ).read_text()


def test_control_totals_are_the_sums_of_the_delivered_rows() -> None:
    for total in read_csv(SAMPLES / "control_totals.csv"):
        # The connectors' own suite compares the others.
        if total["billing_period"] and total["source"] in TRACED:
            amounts = billed(total["source"], total["billing_period"])
            assert int(total["rows"]) == len(amounts)
            assert Decimal(total["billed_cost"]) == sum(amounts)


def test_invoices_are_the_closed_month_in_cents_tax_included() -> None:
    invoices = {row["source"]: row for row in read_csv(SAMPLES / "invoices.csv")}
    assert {row["billing_period"] for row in invoices.values()} == {"2026-10"}
    for source in TRACED:
        invoice = invoices[source]
        bill = sum(billed(source, "2026-10"))
        unbilled_tax = Decimal(invoice["tax"]) if source == "openai" else Decimal(0)
        assert abs(Decimal(invoice["total"]) - bill - unbilled_tax) <= Decimal("0.005")


def test_the_truth_adds_up_to_each_bill_within_its_printed_digits() -> None:
    truth: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in read_csv(SAMPLES / "truth" / "sources.csv"):
        truth[row["source"], row["billing_period"]] += Decimal(row["cost"])
    for line in read_csv(SAMPLES / "truth" / "lines.csv"):
        source, month = line["source"], line["billing_period"]
        if source.startswith("aws"):
            rows = cur_rows("aws_cur2" if source == "aws_prod" else "aws_cur2_csv", month)
            effective = sum(amortized(row) for row in rows)
        else:
            effective = sum(billed(source, month))
        rounding = int(line["lines"]) * Decimal(line["last_digit"]) / 2
        assert abs(truth.pop((source, month)) - effective) <= rounding, (source, month)
    assert truth == {}


def test_the_truth_by_customer_is_the_truth_by_source() -> None:
    components = pq.read_table(SAMPLES / "truth" / "customer_components.parquet").to_pylist()
    by_component: dict[str, Decimal] = defaultdict(Decimal)
    for row in components:
        by_component[row["component"]] += row["cost"]
    for row in read_csv(SAMPLES / "truth" / "sources.csv"):
        by_component[row["component"]] -= Decimal(row["cost"])
    assert set(by_component) == {"direct", "idle", "scaling", "shared", "overhead", "unmatched"}
    assert max(map(abs, by_component.values())) < Decimal("1e-14")  # 18 decimals a row


def test_direct_cost_of_customers_is_that_of_their_attempts_less_the_refund(
    attempts: list[Row],
) -> None:
    components = pq.read_table(SAMPLES / "truth" / "customer_components.parquet").to_pylist()
    named = [row for row in components if row["customer_id"] != "(none)"]
    ledger = sum(row["cost"] for row in named if row["component"] == "direct")
    mine = [row for row in attempts if row["customer_id"] and row["is_observed"]]
    (refund,) = (
        number(row["line_item_unblended_cost"])
        for row in cur_rows("aws_cur2", "2026-11")
        if row["line_item_line_item_type"] == "Refund"
    )
    assert refund == Decimal("-1.2072")  # a quarter of six hours at $0.8048
    difference = ledger - sum(row["true_direct_cost"] for row in mine)
    assert refund < difference < 0


def test_negations_cancel_covered_usage_hour_by_hour() -> None:
    for month in ("2026-10", "2026-11"):
        sums: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
        for row in cur_rows("aws_cur2", month):
            if row["line_item_line_item_type"] in (
                "SavingsPlanCoveredUsage",
                "SavingsPlanNegation",
            ):
                key = (row["line_item_resource_id"], row["line_item_usage_start_date"])
                sums[key] += number(row["line_item_unblended_cost"])
        assert sums
        assert set(sums.values()) == {Decimal(0)}


def test_a_savings_plan_costs_its_commitment_every_hour() -> None:
    """$5 an hour: what covered usage costs, plus what is left unused; half is paid hourly."""
    effective: dict[object, Decimal] = defaultdict(Decimal)
    for row in cur_rows("aws_cur2", "2026-10"):
        kind = row["line_item_line_item_type"]
        if kind in ("SavingsPlanCoveredUsage", "SavingsPlanRecurringFee"):
            effective[row["line_item_usage_start_date"]] += amortized(row)
        if kind == "SavingsPlanRecurringFee":
            assert number(row["line_item_unblended_cost"]) == Decimal("2.5")
            assert number(row["savings_plan_used_commitment"]) <= 5
    assert len(effective) == 31 * 24
    assert set(effective.values()) == {Decimal(5)}


def test_the_second_delivery_restates_drops_and_raises() -> None:
    folder = SAMPLES / "aws_cur2/data/BILLING_PERIOD=2026-10"
    first, second = (
        [row for path in sorted(run.iterdir()) for row in pq.read_table(path).to_pylist()]
        for run in sorted(folder.iterdir())
    )
    resources = [{row["line_item_resource_id"] for row in rows} for rows in (first, second)]
    assert len(resources[0] - resources[1]) == 2

    def cost(rows: list[Row]) -> Decimal:
        """Usage of the restated hour."""
        hour = datetime(2026, 10, 17, 14)
        usage = [row for row in rows if row["line_item_usage_start_date"] == hour]
        usage = [row for row in usage if row["line_item_line_item_type"] == "Usage"]
        return sum((number(row["line_item_unblended_cost"]) for row in usage), Decimal(0))

    assert 0 < cost(first) < cost(second)
    taxes = [
        number(row["line_item_unblended_cost"])
        for rows in (first, second)
        for row in rows
        if row["line_item_line_item_type"] == "Tax"
    ]
    assert 0 < taxes[0] < taxes[1]


def test_the_states_of_each_gpu_hour_add_up_to_what_was_billed() -> None:
    hours: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for month in ("2026-10", "2026-11"):
        for row in cur_rows("aws_cur2", month):
            if row["line_item_line_item_type"] in ("Usage", "SavingsPlanCoveredUsage"):
                start = row["line_item_usage_start_date"].strftime("%Y-%m-%dT%H:00:00.000Z")
                hours[str(row["line_item_resource_id"]), start] += number(
                    row["line_item_usage_amount"]
                )
    known: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in read_csv(SAMPLES / "truth" / "states.csv"):
        known[row["resource_id"], row["hour"], row["gpu_index"]] += int(row["milliseconds"])
    on_aws = {key: total for key, total in known.items() if key[0].startswith("i-")}
    assert len({key[2] for key in on_aws}) == 8
    for (resource, hour, _), total in on_aws.items():
        assert total == round(hours[resource, hour] * HOUR_MS)


def test_the_generator_imports_nothing_of_the_product() -> None:
    product = {"connectors", "models", "pipelines", "dbt", "dagster"}
    for path in SAMPLES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            else:
                continue
            assert product.isdisjoint(name.split(".")[0] for name in names), path


def test_the_committed_sample_stays_under_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in written(SAMPLES).values()) < 10_000_000
