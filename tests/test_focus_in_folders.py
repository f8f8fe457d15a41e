"""Where FOCUS files lie, and what of them replaces what."""

import gzip
import json
import os
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import boto3
import pytest
from focus_in import FocusSource, as_csv, row
from moto.server import ThreadedMotoServer

from connectors._base import Window
from models.errors import ConfigError


@pytest.fixture
def mine(tmp_path: Path) -> FocusSource:
    return FocusSource(tmp_path)


def slots(mine: FocusSource) -> list[str]:
    return sorted(mine.lake.manifests("mine"))


def costs(mine: FocusSource) -> list[Decimal]:
    return sorted(charge["billed_cost"] for charge in mine.rows())


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["2026-10/a.csv", "2026-10/deep/b.csv", "2026-11/c.csv"], ["2026-10", "2026-11"]),
        (["billing_period=2026-10/a.csv", "BILLING_PERIOD=2026-11/b.csv"], ["2026-10", "2026-11"]),
        (["acme/2026-10/a.csv", "other/2026-10/b.csv"], ["acme/2026-10", "other/2026-10"]),
        (["FOCUS Reports/2026/10/03/1.csv", "x.csv"], ["FOCUS Reports/2026/10/03/1.csv", "x.csv"]),
        (["2026-10/a.csv", "2026-10/.b.csv", "2026-10/notes.txt"], ["2026-10"]),
    ],
)
def test_a_folder_of_a_period_is_replaced_as_a_whole_and_else_a_file(
    mine: FocusSource, paths: Sequence[str], expected: Sequence[str]
) -> None:
    for path in paths:
        mine.save(path, row())
    mine.rows()
    assert slots(mine) == expected


def test_of_saved_fetches_the_newest_is_in_force_whatever_came_first(mine: FocusSource) -> None:
    mine.save("2026-10/20261103T060000Z/a.csv", row(BilledCost="3"))
    assert costs(mine) == [Decimal(3)]
    mine.save("2026-10/20261030T060000Z/a.csv", row(BilledCost="2"))
    assert costs(mine) == [Decimal(3)]
    mine.save("2026-10/20261104T060000Z/a.csv", row(BilledCost="4"))
    assert costs(mine) == [Decimal(4)]
    assert len(mine.lake.manifests("mine")["2026-10"]) == 3


def test_a_period_that_is_written_again_is_read_again_and_its_lost_rows_are_gone(
    mine: FocusSource,
) -> None:
    mine.save("2026-10/a.csv", row(BilledCost="1"), row(BilledCost="2"))
    gone = mine.save("2026-10/b.csv", row(BilledCost="3"))
    assert costs(mine) == [Decimal(1), Decimal(2), Decimal(3)]
    gone.unlink()
    changed = mine.save("2026-10/a.csv", row(BilledCost="1.25"))
    later = changed.stat().st_mtime + 10
    os.utime(changed, (later, later))
    assert costs(mine) == [Decimal("1.25")]


def test_a_file_that_only_has_another_time_adds_nothing(mine: FocusSource) -> None:
    file = mine.save("2026-10/a.csv", row())
    mine.rows()
    os.utime(file, (2_000_000_000, 2_000_000_000))
    report = mine.lake.land(mine.source, mine.connector, Window())
    assert (report.landed, report.known) == ([], 1)


def test_a_file_of_several_months_has_a_total_a_month(mine: FocusSource) -> None:
    september = {
        "BillingPeriodStart": "2026-09-01T00:00:00Z",
        "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    }
    mine.save("all.csv", row(), row(BilledCost="-0.5", **september), row(BilledCost="2"))
    assert len(mine.rows()) == 3
    delivered = mine.lake.index().filter(table="charges")["delivered"].to_list()[0]
    totals = [(each["billing_period"], each["rows"], Decimal(each["amount"])) for each in delivered]
    assert totals == [("2026-09", 1, Decimal("-0.5")), ("2026-10", 2, Decimal("3.5"))]


def test_a_location_may_be_one_file(tmp_path: Path) -> None:
    mine = FocusSource(tmp_path)
    file = mine.save("one.csv", row())
    mine.save("other.csv", row(BilledCost="9"))
    assert costs(FocusSource(tmp_path, str(file))) == [Decimal("1.5")]


def test_files_of_one_delivery_may_have_different_columns(mine: FocusSource) -> None:
    mine.save("2026-10/a.csv", row(SkuMeter="GPU"))
    mine.save("2026-10/b.csv", row(RegionId="eu-1"))
    charges = mine.rows()
    assert [charge["region_id"] for charge in charges] == [None, "eu-1"]
    assert [(charge["x_file"], charge["x_row"]) for charge in charges] == [
        ("2026-10/a.csv", 1),
        ("2026-10/b.csv", 1),
    ]


def test_a_folder_without_such_a_file_is_a_configuration_error(mine: FocusSource) -> None:
    mine.saved.mkdir()
    (mine.saved / "focus.xlsx").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"has no file that ends with one of \.csv, \.csv\.gz, "):
        mine.failures()


@pytest.mark.parametrize("cut", [-1, -20])
def test_a_compressed_file_that_is_cut_off_is_a_sentence(mine: FocusSource, cut: int) -> None:
    file = mine.saved / "a.csv.gz"
    mine.saved.mkdir()
    file.write_bytes(gzip.compress(as_csv([row()] * 50).encode())[:cut])
    (said,) = mine.failures()
    assert said.startswith("a.csv.gz is cut off or damaged: Compressed file ended before ")


# --- AWS's own exports of FOCUS -------------------------------------------------------------------

DATA = "data/BILLING_PERIOD=2026-10"


def deliver(mine: FocusSource, execution: str, chunks: dict[str, bytes]) -> None:
    """What AWS writes: data files, then the period's manifest."""
    for path, content in chunks.items():
        file = mine.saved / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    manifest = {
        "executionId": execution,
        "dataFiles": [f"s3://larkspur-billing/exports/focus/{path}" for path in chunks],
    }
    file = mine.saved / "metadata/BILLING_PERIOD=2026-10/focus-Manifest.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(manifest))


def chunk(*costs: str) -> bytes:
    names = {"ProviderName": "AWS", "InvoiceIssuerName": "Amazon Web Services, Inc."}
    rows = [row(BilledCost=cost, InvoiceId="123", **names) for cost in costs]
    return gzip.compress(as_csv(rows).encode(), mtime=0)


def test_an_aws_export_is_what_its_manifest_lists(mine: FocusSource) -> None:
    stamp = "2026-10-31T20:25:00.000Z-11111111"
    deliver(mine, "e1", {f"{DATA}/{stamp}/focus-00001.csv.gz": chunk("1", "2")})
    assert costs(mine) == [Decimal(1), Decimal(2)]
    stamp = "2026-11-03T06:10:00.000Z-22222222"
    deliver(mine, "e2", {f"{DATA}/{stamp}/focus-00001.csv.gz": chunk("1", "2.5")})
    assert costs(mine) == [Decimal(1), Decimal("2.5")]
    assert [manifest.version for manifest in mine.lake.manifests("mine")["2026-10"]] == ["e1", "e2"]
    assert {charge["x_finality"] for charge in mine.current()} == {"final"}


def test_a_chunk_that_aws_emptied_delivers_nothing(mine: FocusSource) -> None:
    chunks = {f"{DATA}/focus-00001.csv.gz": chunk("1"), f"{DATA}/focus-00002.csv.gz": b""}
    deliver(mine, "e1", chunks)
    assert costs(mine) == [Decimal(1)]


def test_a_data_file_that_the_manifest_lists_and_nobody_has_is_a_sentence(
    mine: FocusSource,
) -> None:
    deliver(mine, "e1", {f"{DATA}/focus-00001.csv.gz": chunk("1")})
    (mine.saved / DATA / "focus-00001.csv.gz").unlink()
    (said,) = mine.failures()
    assert "lists data/BILLING_PERIOD=2026-10/focus-00001.csv.gz, which does not exist" in said


# --- a bucket -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_bucket_is_read_as_a_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        given = {"endpoint_url": f"http://{host}:{port}", "region": "us-east-1"}
        client = boto3.client("s3", endpoint_url=given["endpoint_url"], region_name="us-east-1")
        client.create_bucket(Bucket="focus")
        for cost in ("1", "2"):
            body = as_csv([row(BilledCost=cost)]).encode()
            # A bucket tells the second in which an object was written.
            time.sleep(1.1 if cost == "2" else 0)
            client.put_object(Bucket="focus", Key="mine/2026-10/a.csv", Body=body)
            mine = FocusSource(tmp_path, "s3://focus/mine", options=given)
            assert costs(mine) == [Decimal(cost)]
        assert len(mine.lake.manifests("mine")["2026-10"]) == 2
    finally:
        server.stop()
