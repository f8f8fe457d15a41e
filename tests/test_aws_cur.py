"""The legacy Cost and Usage Report: its folders, manifests, formats and headers."""

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from aws_exports import Normalized, Row, as_csv, line, normalized, write_cur2, write_files

from connectors._base import Window
from connectors.aws_cur import CONNECTOR
from connectors.aws_cur._columns import parquet_name
from connectors.aws_cur2 import CONNECTOR as CUR2
from models.errors import ConfigError

REAL = (
    Path(__file__).parents[2]
    / "shared/samples/clouds/focus_converters/aws_legacy_cur_nov2023_daily.csv"
)
MONTH = "20261001-20261101"
# A header of each family, and its name in CUR 2.0.
HEADERS = {
    "bill/PayerAccountId": "bill_payer_account_id",
    "bill/BillingPeriodStartDate": "bill_billing_period_start_date",
    "bill/InvoiceId": "bill_invoice_id",
    "lineItem/LineItemType": "line_item_line_item_type",
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "lineItem/UnblendedRate": "line_item_unblended_rate",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/CurrencyCode": "line_item_currency_code",
    "lineItem/Operation": "line_item_operation",
    "lineItem/ProductCode": "line_item_product_code",
    "lineItem/ResourceId": "line_item_resource_id",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/UsageStartDate": "line_item_usage_start_date",
    "lineItem/UsageEndDate": "line_item_usage_end_date",
    "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    "pricing/RateCode": "pricing_rate_code",
    "pricing/unit": "pricing_unit",
    "product/instanceType": "product_instance_type",
    "product/regionCode": "product_region_code",
    "reservation/ReservationARN": "reservation_reservation_a_r_n",
    "savingsPlan/SavingsPlanARN": "savings_plan_savings_plan_a_r_n",
    "savingsPlan/TotalCommitmentToDate": "savings_plan_total_commitment_to_date",
    "splitLineItem/ParentResourceId": "split_line_item_parent_resource_id",
}
MACHINE = {
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:g6.xlarge",
    "lineItem/ResourceId": "i-0123456789abcdef0",
    "lineItem/UnblendedRate": "0.8048",
    "pricing/publicOnDemandCost": "0.8048",
    "pricing/RateCode": "SKU.TERM.RATE",
    "pricing/unit": "Hrs",
    "product/instanceType": "g6.xlarge",
    "product/regionCode": "us-east-1",
    "product/physicalGpu": "1",
    "product/vcpu": "4",
    "resourceTags/user:Team": "assist",
    "costCategory/Unit": "support",
}


def legacy(cost: str = "0.8048", **columns: str) -> dict[str, str]:
    """An hour of a GPU machine, under the headers of the csv."""
    common = line(line_item_unblended_cost=cost)
    row = {header: common[name] for header, name in HEADERS.items() if name in common}
    return {**row, **MACHINE, **columns}


def manifest(*keys: str, assembly: str = "a-1") -> bytes:
    return json.dumps(
        {"assemblyId": assembly, "reportKeys": [f"pre/fix/{k}" for k in keys]}
    ).encode()


def zipped(content: bytes, *more: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report-1.csv", content)
        for name in more:
            archive.writestr(name, content)
    return packed.getvalue()


def write_report(root: Path, *chunks: bytes, suffix: str = "csv.gz", assembly: str = "a-1") -> Path:
    """An assembly of October, its manifest in its folder and in the period's."""
    names = [f"{MONTH}/{assembly}/report-{n}.{suffix}" for n in range(1, len(chunks) + 1)]
    listed = manifest(*names, assembly=assembly)
    files = dict(zip(names, chunks, strict=True))
    for place in (MONTH, f"{MONTH}/{assembly}"):
        files[f"{place}/report-Manifest.json"] = listed
    return write_files(root, files)


def csv_gz(*rows: Row) -> bytes:
    return gzip.compress(as_csv(rows), mtime=0)


def run(root: Path) -> Normalized:
    return normalized(root, CONNECTOR, root / "report")


def without_place(rows: list[Row]) -> list[Row]:
    return [{k: v for k, v in row.items() if k not in ("x_delivery_id", "x_file")} for row in rows]


def test_a_header_has_the_name_that_aws_gives_it_in_parquet() -> None:
    assert {header: parquet_name(header) for header in HEADERS} == HEADERS


def test_the_same_line_is_the_same_charge_in_either_report(tmp_path: Path) -> None:
    write_report(tmp_path / "report", csv_gz(legacy(), legacy("-0.5")))
    named = {HEADERS[header]: value for header, value in MACHINE.items() if header in HEADERS}
    other = {
        "product": {"physical_gpu": "1", "vcpu": "4"},
        "resource_tags": {"user_team": "assist"},
        "cost_category": {"Unit": "support"},
    }
    rows = [line(**named, **other) | {"line_item_unblended_cost": c} for c in ("0.8048", "-0.5")]
    newer = normalized(tmp_path / "newer", CUR2, write_cur2(tmp_path / "newer/export", rows)).rows()
    older = run(tmp_path).rows()
    assert without_place(older) == without_place(newer)
    assert (older[0]["x_charge_kind"], older[0]["x_gpu_count"]) == ("capacity", 1)


def test_the_periods_own_manifest_names_the_assembly_in_force(tmp_path: Path) -> None:
    write_report(tmp_path / "report", csv_gz(legacy("1")), assembly="b-first")
    write_report(tmp_path / "report", csv_gz(legacy("2")), csv_gz(legacy("4")), assembly="a-next")
    result = run(tmp_path)
    [delivery] = result.lake.manifests("aws")["2026-10"]
    assert (delivery.version, delivery.billing_period) == ("a-next", "2026-10")
    assert result.billed() == 6


def test_a_restated_period_is_replaced_whole(tmp_path: Path) -> None:
    write_report(tmp_path / "report", csv_gz(legacy("1"), legacy("3")), assembly="a-1")
    result = run(tmp_path)
    write_report(tmp_path / "report", csv_gz(legacy("2")), assembly="a-2")
    assert result.run().failures == {}
    assert result.billed() == 2


def test_zipped_csv_is_read_as_gzipped_csv_is(tmp_path: Path) -> None:
    rows = as_csv([legacy("1"), legacy("0.25")])
    write_report(tmp_path / "zip/report", zipped(rows), b"", zipped(b""), suffix="zip")
    write_report(tmp_path / "gz/report", gzip.compress(rows, mtime=0))
    as_zip, as_gzip = run(tmp_path / "zip"), run(tmp_path / "gz")
    assert as_zip.failures == {}
    assert without_place(as_zip.rows()) == without_place(as_gzip.rows())
    assert {row["x_file"] for row in as_zip.rows()} == {"report-1.zip"}


@pytest.mark.parametrize(
    ("chunk", "suffix", "sentence"),
    [
        (zipped(as_csv([legacy()]))[:-9], "zip", "the zip file is truncated or damaged"),
        (zipped(as_csv([legacy()]), "b.csv"), "zip", "holds report-1.csv, b.csv; allowed: one csv"),
        (csv_gz(legacy())[:-9], "csv.gz", "the gzip file is truncated or damaged"),
        (as_csv([legacy()]), "csv", "ends with '.csv'; allowed: .gz, .parquet, .zip"),
    ],
    ids=["a cut zip", "two files", "a cut gzip", "not packed"],
)
def test_a_file_that_is_no_report_is_one_sentence(
    tmp_path: Path, chunk: bytes, suffix: str, sentence: str
) -> None:
    write_report(tmp_path / "report", chunk, suffix=suffix)
    [failure] = run(tmp_path).failures.values()
    assert sentence in failure
    assert "report-1" in failure


def parquet(tmp_path: Path, *costs: str) -> bytes:
    """A chunk as AWS writes it for Athena: costs are doubles, times are timestamps."""
    rows = [{HEADERS.get(h, parquet_name(h)): v for h, v in legacy(c).items()} for c in costs]
    (tmp_path / "rows.csv").write_bytes(as_csv(rows))
    target = tmp_path / "rows.parquet"
    duckdb.execute(
        f"""copy (
            select * replace (
                cast(line_item_unblended_cost as double) as line_item_unblended_cost,
                cast(line_item_usage_start_date as timestamp) as line_item_usage_start_date
            ) from read_csv('{tmp_path}/rows.csv', all_varchar = true)
        ) to '{target}'"""
    )
    return target.read_bytes()


@pytest.mark.parametrize("with_manifest", [True, False])
def test_parquet_for_athena_is_read_without_the_status_beside_it(
    tmp_path: Path, with_manifest: bool
) -> None:
    chunk = "report/year=2026/month=10/report-00001.snappy.parquet"
    files = {
        chunk: parquet(tmp_path, "0.8048", "6e-07"),
        "report/year=2026/month=9/report-00001.snappy.parquet": parquet(tmp_path, "0.5"),
        "cost_and_usage_data_status/cost_and_usage_data_status.parquet": b"PAR1PAR1",
    }
    if with_manifest:
        files[f"{MONTH}/report-Manifest.json"] = manifest(chunk)
    write_files(tmp_path / "report", files)
    result = run(tmp_path)
    assert result.failures == {}
    assert sorted(result.lake.manifests("aws")) == ["2026-09", "2026-10"]
    assert result.billed() == Decimal("0.8048006") + Decimal("0.5")
    known = result.lake.manifests("aws")["2026-10"]
    assert [manifest.version == "a-1" for manifest in known] == [with_manifest]


def test_a_partition_without_a_manifest_is_replaced_once_its_files_change(tmp_path: Path) -> None:
    path = "report/year=2026/month=10/report-00001.snappy.parquet"
    write_files(tmp_path / "report", {path: parquet(tmp_path, "1", "2")})
    result = run(tmp_path)
    assert result.lake.land(result.source, CONNECTOR, Window()).landed == []
    write_files(tmp_path / "report", {path: parquet(tmp_path, "5")})
    assert result.run().failures == {}
    assert result.billed() == 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"assemblyId": "a-1"}', "is not a manifest with a list of reportKeys"),
        (b'{"reportKeys": ["elsewhere/report-1.csv.gz"]}', "is not a manifest with a list"),
        (b'{"reportKeys": []}', "lists no data files"),
    ],
    ids=["no list", "elsewhere", "an empty list"],
)
def test_a_manifest_without_its_files_is_one_sentence(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    path = f"{MONTH}/report-Manifest.json"
    write_files(tmp_path / "report", {path: text})
    assert run(tmp_path).failures["2026-10"].startswith(f"{path}: {problem}")


def test_a_location_that_is_no_report_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with pytest.raises(ConfigError, match=r"has no YYYYMMDD-YYYYMMDD/…-Manifest\.json"):
        run(tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason="a published report that is not in this clone")
def test_a_published_report_adds_up_to_its_last_digit(tmp_path: Path) -> None:
    month = "20231101-20231201"
    content = REAL.read_bytes()
    files = {
        f"{month}/report-1.csv.gz": gzip.compress(content, mtime=0),
        f"{month}/report-Manifest.json": manifest(f"{month}/report-1.csv.gz"),
    }
    write_files(tmp_path / "report", files)
    result = run(tmp_path)
    lines = list(csv.DictReader(io.StringIO(content.decode())))
    stated = sum((Decimal(row["lineItem/UnblendedCost"]) for row in lines), Decimal(0))
    assert (len(result.rows()), len(lines)) == (1281, 1281)
    assert result.billed() == stated == Decimal("1.6823086974")
