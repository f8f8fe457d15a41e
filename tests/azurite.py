"""Azurite, Microsoft's own emulator of Blob storage, as a process on loopback."""

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContentSettings

ACCOUNT = "larkspurbilling"
_KEY = base64.b64encode(b"no secret: only this test's own server knows it").decode()
_INSTALLED = Path(__file__).parents[1] / ".venv/azurite/node_modules/.bin/azurite-blob"


class Storage:
    """One storage account, empty when it starts."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint={self.url};"
        )
        self.service = BlobServiceClient.from_connection_string(self.connection_string)

    def container(self, name: str) -> str:
        """Make a container; return its location."""
        self.service.create_container(name)
        return f"az://{ACCOUNT}/{name}"

    def put(self, container: str, path: str, body: bytes, md5: bytearray | None = None) -> None:
        client = self.service.get_blob_client(container, path)
        client.upload_blob(
            body, overwrite=True, content_settings=ContentSettings(content_md5=md5) if md5 else None
        )

    def put_folder(self, container: str, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(container, path.relative_to(folder).as_posix(), path.read_bytes())

    def delete(self, container: str, path: str) -> None:
        self.service.get_blob_client(container, path).delete_blob()


@contextmanager
def run_azurite(folder: Path) -> Iterator[Storage]:
    """Start Azurite, or skip the test that wants it."""
    program = os.environ.get("AZURITE") or str(_INSTALLED)
    if not Path(program).exists() or not shutil.which("node"):
        pytest.skip("Azurite is not installed: `make azurite` gets it, with npm")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    arguments += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen(
        [program, *arguments],
        cwd=folder,
        env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{_KEY}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Storage(port)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "Azurite ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("Azurite does not answer")
