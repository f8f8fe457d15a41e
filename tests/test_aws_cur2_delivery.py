"""Which files are a billing period: manifests, delivery modes, and deliveries that are broken."""

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connectors import _files
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.aws_cur2 import CONNECTOR
from models.errors import ConfigError, FetchError

HEADER = (
    "line_item_line_item_type,line_item_unblended_cost,line_item_currency_code,"
    "bill_payer_account_id,line_item_usage_account_id,line_item_operation,"
    "bill_billing_period_start_date,line_item_usage_start_date,line_item_usage_end_date"
)
HOUR = "2026-10-01T00:00:00Z,2026-10-05T07:00:00Z,2026-10-05T08:00:00Z"


def csv_gz(*costs: str, kind: str = "Usage", currency: str = "USD", header: str = HEADER) -> bytes:
    """A chunk with a line a cost."""
    account = "111122223333"
    rows = [f"{kind},{cost},{currency},{account},{account},RunInstances,{HOUR}" for cost in costs]
    return gzip.compress("\n".join([header, *rows, ""]).encode(), mtime=0)


class Export:
    """A synced copy of one export, and a lake that reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "export"
        self.lake = Lake(root / "lake")
        self.source = Source("aws", str(self.root), CONNECTOR.options())

    def deliver(
        self,
        *chunks: bytes,
        period: str = "2026-10",
        execution: str | None = None,
        stamp: str = "",
        manifest: str = "cur-Manifest.json",
        suffix: str = "csv.gz",
        listed: int | None = None,
    ) -> None:
        """Write a period as AWS does: the data files, then its manifest or manifests."""
        folder = f"BILLING_PERIOD={period}" + (f"/{stamp}-{execution}" if stamp else "")
        count = len(chunks) if listed is None else listed
        names = [f"cur-{number + 1:05d}.{suffix}" for number in range(count)]
        data = self.root / "data" / folder
        data.mkdir(parents=True, exist_ok=True)
        for name, chunk in zip(names, chunks, strict=False):
            (data / name).write_bytes(chunk)
        text = {"dataFiles": [f"s3://bucket/a/prefix/cur/data/{folder}/{name}" for name in names]}
        if execution:
            text["executionId"] = execution
        for place in {folder, f"BILLING_PERIOD={period}"}:
            file = self.root / "metadata" / place / manifest
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(text))

    def land(self) -> dict[str, str]:
        return self.lake.land(self.source, CONNECTOR, Window()).failures

    def run(self) -> str:
        """Land and normalize; return the only failure's sentence, or nothing."""
        failures = self.land() | normalize(self.lake, self.source, CONNECTOR)
        return failures.get("2026-10", "")

    def billed(self) -> Decimal:
        index = self.lake.index().filter(table="charges", status="current")
        files = [str(self.lake.root / file) for file in index["file"]]
        [total] = duckdb.execute("select sum(billed_cost) from read_parquet(?)", [files]).fetchall()
        return Decimal(total[0])


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


@pytest.mark.parametrize("manifest", ["cur-Manifest.json", "Manifest.json"])
def test_both_names_of_the_manifest_are_known(export: Export, manifest: str) -> None:
    export.deliver(csv_gz("1.25"), csv_gz("2"), manifest=manifest)
    assert export.run() == ""
    assert export.billed() == Decimal("3.25")


def test_only_listed_files_belong_to_the_period(export: Export) -> None:
    export.deliver(csv_gz("1"), csv_gz("2"), csv_gz("4"), listed=2)
    assert export.run() == ""
    assert export.billed() == 3


def test_the_period_level_manifest_names_the_execution_in_force(export: Export) -> None:
    name = "1-Manifest.json"  # sorts before the executions' folders
    export.deliver(csv_gz("1"), execution="e-1", stamp="2026-10-31T20:25:00.000Z", manifest=name)
    export.deliver(csv_gz("2"), execution="e-2", stamp="2026-11-03T06:10:00.000Z", manifest=name)
    assert export.run() == ""
    [manifest] = export.lake.manifests("aws")["2026-10"]
    assert manifest.request["manifest"] == f"metadata/BILLING_PERIOD=2026-10/{name}"
    assert (manifest.version, manifest.order) == ("e-2", "2026-11-03T06:10:00.000Z")
    assert export.billed() == 2


def test_a_restated_period_is_replaced_whole(export: Export) -> None:
    export.deliver(csv_gz("1", "2", "3"), csv_gz("4"), execution="e-1")
    export.run()
    export.deliver(csv_gz("5"), execution="e-2")
    assert export.run() == ""
    assert export.billed() == 5


def test_a_known_execution_is_not_fetched_again(export: Export) -> None:
    export.deliver(csv_gz("1"), execution="e-1")
    export.run()
    before = export.lake.index_file.read_bytes()
    report = export.lake.land(export.source, CONNECTOR, Window())
    assert (report.landed, report.known) == ([], 1)
    assert export.lake.index_file.read_bytes() == before


def test_without_an_execution_id_new_data_is_a_new_version(export: Export) -> None:
    export.deliver(csv_gz("1"))
    export.run()
    export.deliver(csv_gz("7"))
    assert export.run() == ""
    assert export.billed() == 7


def test_periods_outside_the_window_are_left_alone(export: Export) -> None:
    export.deliver(csv_gz("1"), period="2026-09")
    export.deliver(csv_gz("2"), period="2026-10")
    export.lake.land(export.source, CONNECTOR, Window("2026-10", "2026-10"))
    assert list(export.lake.manifests("aws")) == ["2026-10"]


@pytest.mark.parametrize(
    "leftover",
    [b"", gzip.compress(b"", mtime=0), csv_gz()],
    ids=["no byte", "nothing, packed", "a header"],
)
def test_a_chunk_that_a_refresh_no_longer_needs_is_empty_and_legal(
    export: Export, leftover: bytes
) -> None:
    export.deliver(csv_gz("1.5"), leftover)
    assert export.run() == ""
    assert export.billed() == Decimal("1.5")


def test_a_chunk_without_rows_or_bytes_is_legal_in_parquet_too(
    export: Export, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(csv_gz("1.5", "2"))
    chunks = []
    for condition in ("true", "false"):
        file = tmp_path / f"{condition}.parquet"
        duckdb.execute(
            f"copy (select * from '{tmp_path}/rows.csv.gz' where {condition}) to '{file}'"
        )
        chunks.append(file.read_bytes())
    export.deliver(*chunks, b"", suffix="snappy.parquet")
    assert export.run() == ""
    assert export.billed() == Decimal("3.5")


def test_a_manifest_that_changes_during_every_download_is_a_fetch_error(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.deliver(csv_gz("1"))
    manifest = export.root / "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json"
    written = manifest.stat().st_mtime_ns
    copy = _files._Folder.copy

    def copy_while_aws_writes(self: _files._Folder, file: _files.StoredFile, to: Path) -> None:
        nonlocal written
        copy(self, file, to)
        written += 1_000_000_000
        os.utime(manifest, ns=(written, written))

    monkeypatch.setattr(_files._Folder, "copy", copy_while_aws_writes)
    with pytest.raises(FetchError, match="changed, in each of 3 downloads"):
        export.land()
    assert export.lake.manifests("aws") == {}


def cut(chunk: bytes, length: int) -> bytes:
    return chunk[:length]


BAD_INPUTS = {
    "a column is missing": (
        csv_gz("1", header=HEADER.replace("line_item_unblended_cost", "cost")),
        "aws 2026-10: column line_item_unblended_cost is missing; found bill_billing_period_start",
    ),
    "an unknown line item type": (
        csv_gz("1", kind="Donation"),
        "aws 2026-10: file cur-00001.csv.gz, row 1: line_item_line_item_type is 'Donation'; "
        "allowed: Usage, ",
    ),
    "an unknown currency": (
        csv_gz("1", currency="BTC"),
        "aws 2026-10: file cur-00001.csv.gz, row 1: billing_currency is not an ISO 4217 code (BTC)",
    ),
    "text where money should be": (
        csv_gz("1", "twelve"),
        "aws 2026-10: file cur-00001.csv.gz, row 2: line_item_unblended_cost is 'twelve'; "
        "allowed: money",
    ),
    "no line item type": (
        csv_gz("1", kind=""),
        "aws 2026-10: file cur-00001.csv.gz, row 1: charge_category is empty",
    ),
    "no money at all": (
        csv_gz(""),
        "aws 2026-10: file cur-00001.csv.gz, row 1: billed_cost is empty",
    ),
    "another file than a CUR 2.0 export": (
        gzip.compress(b"when,what\n2026-10-05,tea\n", mtime=0),
        "aws 2026-10: column line_item_line_item_type is missing",
    ),
    "only files without bytes": (
        b"",
        "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json: every data file that it lists is empty",
    ),
    "a truncated gzip": (
        cut(csv_gz(*map(str, range(1000))), -9),
        "data/BILLING_PERIOD=2026-10/cur-00001.csv.gz: the gzip file is truncated or damaged",
    ),
}


@pytest.mark.parametrize(("chunk", "sentence"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_a_bad_delivery_is_one_sentence_and_leaves_the_last_good_state(
    export: Export, chunk: bytes, sentence: str
) -> None:
    export.deliver(csv_gz("1.5"), execution="good")
    export.run()
    export.deliver(chunk, execution="bad")
    assert export.run().startswith(sentence)
    assert export.billed() == Decimal("1.5")


@pytest.mark.parametrize("length", [-1, 100])
def test_a_truncated_parquet_file_is_one_sentence(
    export: Export, tmp_path: Path, length: int
) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(csv_gz("1.5"))
    duckdb.execute(f"copy (from '{tmp_path}/rows.csv.gz') to '{tmp_path}/rows.parquet'")
    chunk = (tmp_path / "rows.parquet").read_bytes()
    export.deliver(cut(chunk, length), suffix="snappy.parquet")
    assert export.run() == (
        "data/BILLING_PERIOD=2026-10/cur-00001.snappy.parquet: "
        "the Parquet file is truncated or damaged"
    )


def test_a_listed_file_that_is_not_there_is_named(export: Export) -> None:
    export.deliver(csv_gz("1.5"), execution="good")
    export.run()
    export.deliver(csv_gz("9"), listed=2, execution="bad")
    assert export.run() == (
        "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json: "
        "lists data/BILLING_PERIOD=2026-10/cur-00002.csv.gz, which does not exist"
    )
    assert export.billed() == Decimal("1.5")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"executionId": "e-1"}', "is not a manifest with a list of dataFiles"),
        ("{", "is not a manifest with a list of dataFiles"),
        ('{"dataFiles": ["s3://bucket/elsewhere/file.parquet"]}', "is not a manifest with a list"),
        ('{"dataFiles": []}', "lists no data files"),
    ],
)
def test_a_manifest_without_its_files_is_one_sentence(
    export: Export, text: str, problem: str
) -> None:
    export.deliver(csv_gz("1.5"))
    path = "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json"
    (export.root / path).write_text(text)
    assert export.run().startswith(f"{path}: {problem}")


def test_a_location_that_is_no_export_is_a_configuration_error(export: Export) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        export.land()
    export.root.mkdir()
    with pytest.raises(ConfigError, match="has no metadata/BILLING_PERIOD="):
        export.land()
