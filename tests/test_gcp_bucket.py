"""Files of GCP's billing export in a bucket: a real HTTP server, an unpatched client."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from gcp_rows import Gcp, row
from moto.s3 import s3_backends
from moto.server import ThreadedMotoServer


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield f"http://{host}:{port}"
    server.stop()
    s3_backends.reset()


def test_files_in_a_bucket_are_loads_and_a_copy_adds_nothing(endpoint: str, tmp_path: Path) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="billing")

    def put(name: str, *costs: int) -> None:
        lines = "".join(json.dumps(row(cost)) + "\n" for cost in costs)
        client.put_object(Bucket="billing", Key=f"gcp/{name}", Body=lines.encode())

    put("2026-10/a.json", 1, 2)
    put("2026-11/b.ndjson", 4)
    gcp = Gcp(tmp_path, "s3://billing/gcp")
    assert gcp.landed() == 7

    put("2026-11/again.json", 4)
    put("2026-11/c.jsonl", 8)

    assert gcp.landed() == 15
    assert sorted(gcp.lake.manifests("gcp")) == [
        "2026-10/a.json", "2026-11/b.ndjson", "2026-11/c.jsonl",
    ]  # fmt: skip
