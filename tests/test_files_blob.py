"""Blob storage as a place for files: Azurite on loopback, azure-storage-blob itself."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from azurite import ACCOUNT, Storage, run_azurite

from connectors._files import ChangedError, Store, is_blob_location, open_store
from models.errors import ConfigError, FetchError

ENV = "AZURE_STORAGE_CONNECTION_STRING"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with run_azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def store(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Store:
    """The prefix `bills` of a container of the test's own."""
    monkeypatch.setenv(ENV, storage.connection_string)
    container = container_of(request)
    storage.container(container)
    for path in ("bills/b.csv", "bills/a/1.csv", "bills-2/other.csv", "x.csv"):
        storage.put(container, path, path.encode())
    return open_store(f"az://{ACCOUNT}/{container}/bills/")


def container_of(request: pytest.FixtureRequest) -> str:
    return "c" + hashlib.sha256(request.node.name.encode()).hexdigest()[:20]


def test_the_files_below_a_prefix_are_listed_and_found_alike(store: Store) -> None:
    files = list(store.files())
    assert [(file.path, file.size) for file in files] == [("a/1.csv", 13), ("b.csv", 11)]
    assert [file.path for file in store.files("a/")] == ["a/1.csv"]
    assert all(store.find(file.path) == file for file in files)
    assert all(len(file.modified) == 24 and file.modified.endswith(".000Z") for file in files)
    assert store.find("nothing.csv") is None


def test_more_blobs_than_a_page_has_are_all_listed(
    store: Store, storage: Storage, request: pytest.FixtureRequest
) -> None:
    for number in range(25):
        storage.put(container_of(request), f"bills/many/{number:02d}.csv", b"x")
    pages = store.client.list_blobs(name_starts_with="bills/many/", results_per_page=10).by_page()  # type: ignore[attr-defined]
    assert len(list(pages)) == 3
    assert len(list(store.files("many/"))) == 25


def test_a_blob_is_copied_as_it_is(store: Store, tmp_path: Path) -> None:
    (first, second) = store.files()
    store.copy(first, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"bills/a/1.csv"
    assert store.read(second) == b"bills/b.csv"


def test_a_blob_of_several_chunks_is_copied_whole(
    store: Store, storage: Storage, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    body = bytes(range(256)) * (36 * 4096)  # the SDK's first request asks for 32 MiB
    storage.put(container_of(request), "bills/large.bin", body)
    file = store.find("large.bin")
    assert file is not None
    store.copy(file, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == body


def test_a_blob_that_was_written_again_is_not_taken_for_the_one_that_was_listed(
    store: Store, storage: Storage, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = store.find("b.csv")
    assert file is not None
    storage.put(container_of(request), "bills/b.csv", b"bills/B.csv")
    with pytest.raises(ChangedError, match="changed while it was fetched"):
        store.copy(file, tmp_path / "copy")
    assert store.find("b.csv") != file
    storage.delete(container_of(request), "bills/b.csv")
    with pytest.raises(ChangedError):  # for what is gone, Azure says that it is not the same
        store.copy(file, tmp_path / "copy")


def test_the_same_content_has_the_same_fingerprint_in_another_container(
    store: Store, storage: Storage, request: pytest.FixtureRequest
) -> None:
    body = b"the same"
    container = container_of(request)
    other = container + "b"
    storage.container(other)
    for place in (container, other):
        storage.put(place, "bills/f", body, bytearray(hashlib.md5(body).digest()))
    prints = set()
    for opened in (store, open_store(f"az://{ACCOUNT}/{other}/bills")):
        file = opened.find("f")
        assert file is not None
        prints.add(opened.fingerprint(file))
    assert prints == {hashlib.md5(body).hexdigest()}


def test_the_variable_of_a_source_may_hold_its_connection_string(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.delenv(ENV, raising=False)
    container = container_of(request)
    storage.container(container)
    location = f"az://{ACCOUNT}/{container}"
    with pytest.raises(ConfigError, match="environment variable MY_STORAGE is not set"):
        open_store(location, connection_string_env="MY_STORAGE")
    monkeypatch.setenv("MY_STORAGE", storage.connection_string)
    assert list(open_store(location, connection_string_env="MY_STORAGE").files()) == []


def test_a_container_that_does_not_exist_is_a_configuration_error(store: Store) -> None:
    absent = open_store(f"az://{ACCOUNT}/absent/bills")
    with pytest.raises(ConfigError, match=r"az://larkspurbilling/absent/bills/: there is no such"):
        list(absent.files())


def test_a_key_that_is_wrong_is_a_configuration_error_that_does_not_repeat_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "d3Jvbmc="
    parts = storage.connection_string.split(";")
    parts[2] = f"AccountKey={wrong}"
    monkeypatch.setenv(ENV, ";".join(parts))
    with pytest.raises(ConfigError) as raised:
        list(open_store(f"az://{ACCOUNT}/any").files())
    assert wrong not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("location", "is_blob"),
    [
        ("az://account/container", True),
        ("https://account.blob.core.windows.net/container/prefix", True),
        ("https://account.dfs.core.windows.net/container", True),
        ("https://account.blob.core.chinacloudapi.cn/container", True),
        ("https://api.openai.com/v1/organization", False),
        ("https://blob.example.com/x", False),
        ("s3://bucket", False),
        ("./folder", False),
    ],
)
def test_a_location_in_blob_storage_is_told_from_others(location: str, is_blob: bool) -> None:
    assert is_blob_location(location) == is_blob


@pytest.mark.parametrize("location", ["az://", "az://account", "az://account/"])
def test_a_location_without_a_container_is_a_configuration_error(location: str) -> None:
    with pytest.raises(ConfigError, match="names no container; allowed: az://account/container"):
        open_store(location)


def test_a_connection_string_of_another_account_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "DefaultEndpointsProtocol=https;AccountName=theirs;AccountKey=c2VjcmV0;EndpointSuffix=a.b"
    )
    monkeypatch.setenv(ENV, text)
    with pytest.raises(ConfigError, match="of the account theirs; allowed: ours") as raised:
        open_store("az://ours/container")
    assert "c2VjcmV0" not in str(raised.value)


def test_text_that_is_no_connection_string_is_a_configuration_error_that_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENV, "AccountKey c2VjcmV0")
    with pytest.raises(ConfigError, match="holds no connection string") as raised:
        open_store("az://ours/container")
    assert "c2VjcmV0" not in str(raised.value)


def test_without_a_connection_string_the_address_of_the_account_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(ENV, raising=False)
    for location in (
        "az://ours/container/a",
        "https://ours.blob.core.windows.net/container/a",
        "https://ours.dfs.core.windows.net/container/a/",
    ):
        store = open_store(location)
        assert store.client.url == "https://ours.blob.core.windows.net/container"  # type: ignore[attr-defined]
        assert store.prefix == "a/"  # type: ignore[attr-defined]


def test_an_account_that_does_not_answer_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv(
        ENV,
        "DefaultEndpointsProtocol=http;AccountName=ours;AccountKey=c2VjcmV0;"
        f"BlobEndpoint=http://127.0.0.1:{port}/ours;",
    )
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(FetchError, match="az://ours/container/"):
        list(open_store("az://ours/container").files())
