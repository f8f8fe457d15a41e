"""The same export in a bucket: a real HTTP server on loopback, an unpatched client."""

import gzip
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto.s3 import s3_backends
from moto.server import ThreadedMotoServer

from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.aws_cur2 import CONNECTOR
from models.errors import ConfigError, FetchError

pytestmark = pytest.mark.slow

BUCKET, EXPORT = "larkspur-billing", "cur/larkspur-cur"
PAGE = 20  # keys; S3's own pages have 1000
MANIFEST = "metadata/BILLING_PERIOD=2026-10/larkspur-cur-Manifest.json"
COLUMNS = (
    "line_item_line_item_type,line_item_unblended_cost,line_item_currency_code,"
    "bill_payer_account_id,line_item_operation,bill_billing_period_start_date,"
    "line_item_usage_start_date,line_item_usage_end_date"
)


def chunk(cost: str) -> bytes:
    times = "2026-10-01T00:00:00Z,2026-10-05T07:00:00Z,2026-10-05T08:00:00Z"
    text = f"{COLUMNS}\nUsage,{cost},USD,111122223333,RunInstances,{times}\n"
    return gzip.compress(text.encode(), mtime=0)


class Bucket:
    """A bucket with one export, and a lake that reads it."""

    def __init__(self, server: Any, root: Path) -> None:
        self.server = server
        host, port = server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)
        self.lake = Lake(root / "lake")
        self.source = self.at(f"s3://{BUCKET}/{EXPORT}")

    def at(self, location: str) -> Source:
        options = CONNECTOR.options(endpoint_url=self.endpoint, region="us-east-1")
        return Source("aws", location, options)

    def put(self, path: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{EXPORT}/{path}", Body=body)

    def deliver(self, *costs: str, execution: str, stamp: str = "", missing: int = 0) -> None:
        folder = "data/BILLING_PERIOD=2026-10" + (f"/{stamp}-{execution}" if stamp else "")
        paths = [f"{folder}/larkspur-cur-{n + 1:05d}.csv.gz" for n in range(len(costs))]
        for path, cost in list(zip(paths, costs, strict=True))[: len(costs) - missing]:
            self.put(path, chunk(cost) if cost else b"")
        self.write_manifest(execution, paths)

    def write_manifest(self, execution: str, paths: list[str]) -> None:
        files = [f"s3://{BUCKET}/{EXPORT}/{path}" for path in paths]
        self.put(MANIFEST, json.dumps({"executionId": execution, "dataFiles": files}).encode())

    def while_reading(self, path_end: str, action: Callable[[], None]) -> None:
        """Do something at the server just before it answers a GET of this object."""
        app = self.server._server.app

        def interrupted(environ: dict[str, Any], start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(path_end):
                action()
            return app(environ, start)

        self.server._server.app = interrupted

    def land(self) -> LandReport:
        return self.lake.land(self.source, CONNECTOR, Window())

    def billed(self) -> Decimal:
        assert normalize(self.lake, self.source, CONNECTOR) == {}
        index = self.lake.index().filter(table="charges")
        files = [str(self.lake.root / file) for file in index["file"]]
        [total] = duckdb.execute("select sum(billed_cost) from read_parquet(?)", [files]).fetchall()
        return Decimal(total[0])


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield Bucket(server, tmp_path)
    finally:
        server.stop()
        # The server's objects live in this process.
        s3_backends.reset()


def test_a_period_in_a_bucket_is_landed_and_adds_up(bucket: Bucket) -> None:
    bucket.deliver("1.25", "", "2", execution="e-1", stamp="2026-11-03T06:10:00.000Z")
    report = bucket.land()
    [manifest] = report.landed
    assert (manifest.version, manifest.order) == ("e-1", "2026-11-03T06:10:00.000Z")
    assert bucket.billed() == Decimal("3.25")
    assert bucket.land().known == 1


def test_a_bucket_and_its_synced_copy_are_the_same_delivery(bucket: Bucket, tmp_path: Path) -> None:
    bucket.deliver("1.25", "2", execution="e-1", stamp="2026-11-03T06:10:00.000Z")
    for item in bucket.client.list_objects_v2(Bucket=BUCKET)["Contents"]:
        copy = tmp_path / "copy" / item["Key"].removeprefix(f"{EXPORT}/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        bucket.client.download_file(BUCKET, item["Key"], str(copy))
    [fetched] = bucket.land().landed
    folder = Source("aws", str(tmp_path / "copy"), CONNECTOR.options())
    [copied] = Lake(tmp_path / "other").land(folder, CONNECTOR, Window()).landed
    assert fetched == copied


def test_a_bucket_with_more_keys_than_one_page_is_read_to_its_end(bucket: Bucket) -> None:
    for number in range(PAGE + 1):
        path = f"metadata/BILLING_PERIOD=2026-09/old-{number:04d}/larkspur-cur-Manifest.json"
        bucket.put(path, b"{}")
    bucket.deliver("1.25", execution="e-1")
    bucket.lake.land(bucket.source, CONNECTOR, Window("2026-10"))
    assert bucket.billed() == Decimal("1.25")


def test_an_export_at_the_top_of_its_bucket_is_found(bucket: Bucket) -> None:
    bucket.client.put_object(
        Bucket=BUCKET, Key="data/BILLING_PERIOD=2026-10/cur-00001.csv.gz", Body=chunk("1.25")
    )
    files = [f"s3://{BUCKET}/data/BILLING_PERIOD=2026-10/cur-00001.csv.gz"]
    bucket.client.put_object(
        Bucket=BUCKET,
        Key="metadata/BILLING_PERIOD=2026-10/Manifest.json",
        Body=json.dumps({"dataFiles": files}).encode(),
    )
    bucket.source = bucket.at(f"s3://{BUCKET}")
    bucket.land()
    assert bucket.billed() == Decimal("1.25")


def test_an_export_replaced_during_the_download_is_downloaded_again(bucket: Bucket) -> None:
    bucket.deliver("1", "2", execution="e-1")
    newer = ["e-2"]

    def replace_once() -> None:
        if newer:
            bucket.deliver("4", "8", execution=newer.pop())

    bucket.while_reading("00001.csv.gz", replace_once)
    [manifest] = bucket.land().landed
    assert manifest.version == "e-2"
    assert bucket.billed() == 12


def test_a_manifest_that_keeps_changing_is_a_fetch_error_and_lands_nothing(
    bucket: Bucket,
) -> None:
    bucket.deliver("1", execution="e-0")
    numbers = iter(range(1, 100))
    paths = ["data/BILLING_PERIOD=2026-10/larkspur-cur-00001.csv.gz"]
    bucket.while_reading("00001.csv.gz", lambda: bucket.write_manifest(f"e-{next(numbers)}", paths))
    with pytest.raises(FetchError, match=r"Manifest\.json changed, in each of 3 downloads"):
        bucket.land()
    assert bucket.lake.manifests("aws") == {}


def test_old_and_new_data_files_are_never_mixed(bucket: Bucket) -> None:
    bucket.deliver("1", "2", execution="e-1")
    second = "data/BILLING_PERIOD=2026-10/larkspur-cur-00002.csv.gz"
    amounts = iter(range(3, 100))
    bucket.while_reading("00001.csv.gz", lambda: bucket.put(second, chunk(str(next(amounts)))))
    with pytest.raises(FetchError, match=r"00002\.csv\.gz (changed while|is newer than)"):
        bucket.land()
    assert bucket.lake.manifests("aws") == {}


def test_data_newer_than_its_manifest_waits_for_the_next_manifest(bucket: Bucket) -> None:
    bucket.deliver("1", "2", execution="e-1")
    bucket.client.get_waiter("object_exists").wait(Bucket=BUCKET, Key=f"{EXPORT}/{MANIFEST}")
    written = bucket.client.head_object(Bucket=BUCKET, Key=f"{EXPORT}/{MANIFEST}")["LastModified"]
    path = "data/BILLING_PERIOD=2026-10/larkspur-cur-00001.csv.gz"
    while True:
        bucket.put(path, chunk("4"))
        head = bucket.client.head_object(Bucket=BUCKET, Key=f"{EXPORT}/{path}")
        if head["LastModified"] > written:
            break
    with pytest.raises(FetchError, match=r"00001\.csv\.gz is newer than the manifest"):
        bucket.land()
    bucket.write_manifest("e-2", [path])
    bucket.land()
    assert bucket.billed() == 4


def test_a_listed_object_that_is_not_there_is_named(bucket: Bucket) -> None:
    bucket.deliver("1", "2", execution="e-1", missing=1)
    [sentence] = bucket.land().failures.values()
    assert sentence == (
        f"{MANIFEST}: lists data/BILLING_PERIOD=2026-10/larkspur-cur-00002.csv.gz, "
        "which does not exist"
    )


def test_a_bucket_that_does_not_exist_is_a_configuration_error(bucket: Bucket) -> None:
    bucket.source = bucket.at("s3://no-such-bucket/cur")
    with pytest.raises(ConfigError, match="NoSuchBucket"):
        bucket.land()


def test_a_server_that_fails_is_safe_to_retry(bucket: Bucket) -> None:
    bucket.deliver("1", execution="e-1")
    bucket.server._server.app = lambda environ, start: (
        start("500 Internal Server Error", []) or [b""]
    )
    with pytest.raises(FetchError, match="s3://larkspur-billing/cur/larkspur-cur/metadata/"):
        bucket.land()


def test_missing_credentials_are_a_configuration_error(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="Unable to locate credentials"):
        bucket.land()
