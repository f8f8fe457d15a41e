"""Exports in Blob storage itself: Azurite on loopback, unpatched clients."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from azure_exports import Exports, line
from azurite import Storage, run_azurite

from connectors._base import Source, Window
from connectors.azure_cost_export import CONNECTOR
from connectors.azure_cost_export import _delivery as delivery
from models.errors import FetchError

EARLY, LATE = "2026-10-20T05:00:00Z", "2026-11-01T05:00:00Z"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with run_azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


class InBlob(Exports):
    """Exports written to a folder, and put into a container of their own."""

    def into(self, storage: Storage, container: str) -> "InBlob":
        self.storage, self.name = storage, container
        location = storage.container(container)
        self.source = Source(
            "azure", f"{location}/costs", CONNECTOR.options(connection_string_env="BILLING_STORAGE")
        )
        return self

    def upload(self) -> None:
        self.storage.put_folder(self.name, self.location)


@pytest.fixture
def exports(
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> InBlob:
    monkeypatch.setenv("BILLING_STORAGE", storage.connection_string)
    name = "".join(filter(str.isalnum, request.node.name.lower()))[-50:]
    return InBlob(tmp_path).into(storage, name)


def test_the_newest_run_in_a_container_is_read(exports: InBlob) -> None:
    exports.run([line("6")], submitted=EARLY, days=("2026-10-01", "2026-10-19"))
    exports.run([line("6"), line("7")], submitted=LATE, part="part_0_0001.csv.gz")
    exports.upload()
    assert exports.read() == {}
    assert exports.total() == Decimal(13)
    assert exports.land().landed == []


def test_the_same_export_is_the_same_delivery_in_a_folder_and_in_a_container(
    exports: InBlob, tmp_path: Path
) -> None:
    exports.run([line("6")], submitted=LATE)
    exports.upload()
    assert exports.read() == {}
    folder = Exports(tmp_path)
    folder.lake = type(folder.lake)(tmp_path / "second")
    assert folder.read() == {}
    assert folder.charges() == exports.charges()


def test_the_key_is_in_no_manifest(exports: InBlob) -> None:
    exports.run([line("6")])
    exports.upload()
    assert exports.read() == {}
    key = exports.storage.connection_string.partition("AccountKey=")[2].partition(";")[0]
    for path in exports.lake.root.rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes()


def test_a_run_that_is_overwritten_while_it_is_read_is_read_again(
    exports: InBlob, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = exports.run([line("6")], submitted=EARLY)
    exports.upload()
    fetch_run = delivery._fetch_run
    times = []

    def interrupted(store: object, run: object, folder: Path) -> None:
        fetch_run(store, run, folder)  # type: ignore[arg-type]
        times.append(1)
        if len(times) == 1:
            # The part changes, then the manifest; the run's time is what it was.
            path = f"{first.relative_to(exports.location).as_posix()}/manifest.json"
            body = (first / "manifest.json").read_bytes()
            exports.storage.put(exports.name, path, body + b" ")
            raise delivery.ChangedError("the manifest changed")

    monkeypatch.setattr(delivery, "_fetch_run", interrupted)
    assert exports.read() == {}
    assert len(times) == 2
    assert exports.total() == Decimal(6)


def test_an_export_that_starts_its_next_run_meanwhile_can_be_tried_again(
    exports: InBlob,
) -> None:
    folder = exports.run([line("6")], submitted=EARLY)
    exports.upload()
    (found,) = CONNECTOR.discover(exports.source, Window(), {})
    path = f"{folder.relative_to(exports.location).as_posix()}/manifest.json"
    exports.storage.delete(exports.name, path)
    with pytest.raises(FetchError, match="disappeared, in each of 3 downloads"):
        CONNECTOR.fetch(exports.source, found, exports.root)
