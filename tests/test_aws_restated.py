"""A month that AWS delivers four times: in order, out of order, and with a process that dies.

Each delivery replaces the month whole: its last hour was half there, its tax grows, lines vanish.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_exports import PERIOD, Normalized, Row, as_csv, line, normalized
from moto.s3 import s3_backends
from moto.server import ThreadedMotoServer

from connectors.aws_cur import CONNECTOR as LEGACY
from connectors.aws_cur2 import CONNECTOR

pytestmark = pytest.mark.slow

BUCKET, EXPORT = "larkspur-billing", "cur/larkspur-cur"
PRICE, TAX = Decimal("0.8048"), Decimal("0.0825")
STAMPS = [f"2026-10-05T{hour:02d}:20:00.000Z" for hour in (6, 12, 18, 23)]


def hour(number: int, share: str = "1") -> Row:
    times = (f"2026-10-05T{n:02d}:00:00.000Z" for n in (number, number + 1))
    start, end = times
    cost = str(PRICE * Decimal(share))
    times_of_it = {"line_item_usage_start_date": start, "line_item_usage_end_date": end}
    return line(line_item_unblended_cost=cost, line_item_resource_id="i-1", **times_of_it)


def delivery(number: int) -> list[Row]:
    """What AWS has after so many deliveries: three hours more each, the newest half."""
    hours = [hour(n) for n in range(3 * number - 1)] + [hour(3 * number - 1, "0.5")]
    if number in (1, 2):
        hours.append(hour(1, "0.25"))  # A line that the third delivery no longer has.
    taxed = sum((Decimal(row["line_item_unblended_cost"]) for row in hours), Decimal(0))
    tax = line(
        line_item_line_item_type="Tax",
        line_item_unblended_cost=str(taxed * TAX),
        line_item_usage_start_date="2026-10-01T00:00:00.000Z",
        line_item_usage_end_date="2026-11-01T00:00:00.000Z",
    )
    return [*hours, tax]


def total(number: int) -> Decimal:
    """The same, worked out from what was used."""
    hours = Decimal(3 * number) - Decimal("0.5") + (Decimal("0.25") if number < 3 else 0)
    return hours * PRICE * (1 + TAX)


class Bucket:
    """An export of csv.gz in two chunks, in one of the two delivery modes."""

    def __init__(self, server: ThreadedMotoServer, mode: str) -> None:
        host, port = server.get_host_and_port()
        self.endpoint, self.mode = f"http://{host}:{port}", mode
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)

    def deliver(self, number: int) -> None:
        rows, execution = delivery(number), f"execution-{number}"
        run = f"{STAMPS[number - 1]}-{execution}/" if self.mode == "create-new" else ""
        middle, keys = len(rows) // 2, []
        for chunk, part in enumerate((rows[:middle], rows[middle:], []), start=1):
            keys.append(f"data/{PERIOD}/{run}cur-{chunk:05d}.csv.gz")
            self._put(keys[-1], gzip.compress(as_csv(part), mtime=0) if part else b"")
        files = [f"s3://{BUCKET}/{EXPORT}/{key}" for key in keys]
        manifest = json.dumps({"executionId": execution, "dataFiles": files}).encode()
        for place in {f"{PERIOD}/{run}", f"{PERIOD}/"}:
            self._put(f"metadata/{place}cur-Manifest.json", manifest)

    def _put(self, path: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{EXPORT}/{path}", Body=body)

    def read(self, root: Path) -> Normalized:
        location = f"s3://{BUCKET}/{EXPORT}"
        return normalized(root, CONNECTOR, location, endpoint_url=self.endpoint, region="us-east-1")


@pytest.fixture(params=["create-new", "overwrite"])
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "no-secret-of-anybody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield Bucket(server, request.param)
    finally:
        server.stop()
        s3_backends.reset()


def state(result: Normalized) -> list[Any]:
    """What is in force: the charges by their content, and what was delivered."""
    index = result.lake.index().filter(table="charges").drop("delivery_id")
    return index.to_dicts()


def test_each_delivery_replaces_the_month(bucket: Bucket, tmp_path: Path) -> None:
    result = None
    for number in (1, 2, 3, 4):
        bucket.deliver(number)
        result = result.run() if result else bucket.read(tmp_path)
        assert result.failures == {}
        assert result.billed() == total(number)
    assert result is not None
    assert len(result.lake.manifests("aws")["2026-10"]) == 4
    assert len(result.rows()) == 13


def test_deliveries_out_of_order_end_where_those_in_order_do(
    bucket: Bucket, tmp_path: Path
) -> None:
    result, order = None, (2, 4, 1, 3)
    for place, number in enumerate(order):
        bucket.deliver(number)
        result = result.run() if result else bucket.read(tmp_path)
        # In overwrite mode the bucket holds one state only: the one that was written last.
        newest = max(order[: place + 1]) if bucket.mode == "create-new" else number
        assert result.billed() == total(newest)
    assert result is not None
    if bucket.mode == "overwrite":
        bucket.deliver(4)
        result.run()
    fresh = bucket.read(tmp_path / "fresh")
    bucket.deliver(4)
    assert state(fresh.run()) == state(result)
    assert result.billed() == total(4)


def dying(path_ends: str) -> Callable[[Any, Any], None]:
    """A rename after whose source was written, and before it has its place, the process dies."""
    replace = os.replace

    def replace_or_die(source: Any, target: Any) -> None:
        if str(target).endswith(path_ends):
            raise SystemExit(9)
        replace(source, target)

    return replace_or_die


@pytest.mark.parametrize("pointer", ["execution-2", "index.parquet"])
def test_a_process_that_dies_before_the_pointer_moves_leaves_the_delivery_before(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pointer: str
) -> None:
    bucket.deliver(1)
    result = bucket.read(tmp_path)
    before = state(result)
    bucket.deliver(2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying(pointer))
        with pytest.raises(SystemExit):
            result.run()
    assert state(result) == before
    assert result.billed() == total(1)
    assert result.run().failures == {}
    assert result.billed() == total(2)
    assert state(bucket.read(tmp_path / "fresh")) == state(result)


@pytest.mark.parametrize("bucket", ["create-new"], indirect=True)
def test_a_legacy_report_in_a_bucket_is_read_as_its_copy_is(bucket: Bucket, tmp_path: Path) -> None:
    sample = Path(__file__).parents[1] / "data_samples/aws_cur"
    for file in sample.rglob("*"):
        if file.is_file():
            key = f"legacy/larkspur-legacy/{file.relative_to(sample).as_posix()}"
            bucket.client.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())
    reached = {"endpoint_url": bucket.endpoint, "region": "us-east-1"}
    location = f"s3://{BUCKET}/legacy/larkspur-legacy"
    in_bucket = normalized(tmp_path / "bucket", LEGACY, location, **reached)
    assert in_bucket.failures == {}
    assert state(in_bucket) == state(normalized(tmp_path / "copy", LEGACY, sample))


@pytest.mark.parametrize("bucket", ["create-new"], indirect=True)
def test_no_credential_reaches_the_lake(bucket: Bucket, tmp_path: Path) -> None:
    bucket.deliver(1)
    result = bucket.read(tmp_path)
    written = [file.read_bytes() for file in result.lake.root.rglob("*") if file.is_file()]
    assert written
    assert not [content for content in written if b"no-secret-of-anybody" in content]
