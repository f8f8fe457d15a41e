"""Nebius' exports, over its gRPC service on the loopback, and saved ones."""

import io
import logging
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_server import Answer, Asked, api_server
from focus_in import FocusSource, as_csv, row
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from connectors import _http
from connectors._base import Window
from connectors.nebius_focus import CONNECTOR, _service
from models.errors import ConfigError, ContractError, FetchError

TOKEN = "iam-token-that-nobody-may-see"
OCTOBER = Window("2026-10", "2026-10")
SERVICE = "nebius.billing.v1alpha1.OneTimeExportService"
SUCCESS, FAILED, ARCHIVED = 3, 4, 5

STRING, MESSAGE, NUMBER = 9, 11, 5
# As the published .proto files number them; messages of other files are shortened.
MESSAGES: dict[str, list[tuple[str, int, int, str]]] = {
    "Metadata": [("id", 1, STRING, ""), ("parent_id", 2, STRING, "")],
    "Spec": [("format", 1, NUMBER, ""), ("start_period", 2, STRING, ""),
             ("end_period", 3, STRING, "")],
    "CreateRequest": [("metadata", 1, MESSAGE, "Metadata"), ("spec", 2, MESSAGE, "Spec")],
    "GetRequest": [("id", 1, STRING, "")],
    "Rpc": [("code", 1, NUMBER, ""), ("message", 2, STRING, "")],
    "Operation": [("id", 1, STRING, ""), ("description", 2, STRING, ""),
                  ("resource_id", 7, STRING, ""), ("status", 10, MESSAGE, "Rpc")],
    "Error": [("service", 1, STRING, ""), ("code", 2, STRING, "")],
    "Details": [("error", 1, MESSAGE, "Error")],
    "Status": [("state", 1, NUMBER, ""), ("download_url", 2, STRING, ""),
               ("state_details", 4, MESSAGE, "Details")],
    "Export": [("metadata", 1, MESSAGE, "Metadata"), ("spec", 2, MESSAGE, "Spec"),
               ("status", 3, MESSAGE, "Status")],
}  # fmt: skip


def messages() -> dict[str, Any]:
    """The messages as Google's own library reads and writes them."""
    file = descriptor_pb2.FileDescriptorProto(name="n.proto", package="n", syntax="proto3")
    for name, columns in MESSAGES.items():
        message = file.message_type.add(name=name)
        for column, number, kind, of in columns:
            message.field.add(
                name=column, number=number, type=kind, label=1, type_name=f".n.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"n.{name}"))
        for name in MESSAGES
    }


PROTO = messages()


def archive(*texts: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for number, text in enumerate(texts):
            member = tarfile.TarInfo(f"billing/../focus-{number}.csv")
            member.size = len(text.encode())
            opened.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Nebius(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The export service: first scheduled and running, then what `state` says."""

    store: str = ""
    url: str = ""
    content: bytes = b""
    state: int = SUCCESS
    waits: int = 2
    expired: int = 0
    refusals: list[grpc.StatusCode] = field(default_factory=list)
    created: list[Any] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    downloads: list[Asked] = field(default_factory=list)

    def service(self, call: Any) -> Any:
        methods = {"Create": self.create, "Get": self.get}
        service, _, method = call.method.strip("/").partition("/")
        self.tokens.add(dict(call.invocation_metadata).get("authorization", ""))
        if service != SERVICE or method not in methods:
            return None
        return grpc.unary_unary_rpc_method_handler(methods[method])

    def create(self, request: bytes, context: Any) -> bytes:
        if self.refusals:
            context.abort(self.refusals.pop(0), f"no, {TOKEN}")
        self.created.append(PROTO["CreateRequest"].FromString(request))
        operation = PROTO["Operation"](id="op-1", description="x" * 300, resource_id="export-1")
        return bytes(operation.SerializeToString())

    def get(self, request: bytes, context: Any) -> bytes:
        del context
        assert PROTO["GetRequest"].FromString(request).id == "export-1"
        self.waits -= 1
        state = self.waits + 1 if self.waits >= 0 else self.state
        status = PROTO["Status"](state=state)
        if state == SUCCESS:
            status.download_url = f"{self.store}/e.tar.gz?signature=also-secret"
        if state == FAILED:
            status.state_details.error.service = "billing"
            status.state_details.error.code = "NoData"
        return bytes(PROTO["Export"](status=status).SerializeToString())

    def download(self, asked: Asked) -> Answer:
        self.downloads.append(asked)
        self.expired -= 1
        return (403, {}, b"") if self.expired >= 0 else (200, {}, self.content)


@pytest.fixture
def nebius(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nebius]:
    monkeypatch.setenv("NEBIUS_IAM_TOKEN", TOKEN)
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 10, 20, tzinfo=UTC))
    monkeypatch.setattr(_service, "ATTEMPTS", 3)
    played = Nebius(content=archive(as_csv([row()]), as_csv([row(BilledCost="2")])))
    server = grpc.server(ThreadPoolExecutor(2), handlers=[played])
    played.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with api_server(played.download) as store:
        played.store = store
        yield played
    server.stop(None)


def source(tmp_path: Path, url: str, **options: Any) -> FocusSource:
    given = {"contract_id": "contract-7", "every": 0.01, "at_most": 2} | options
    return FocusSource(tmp_path, url, CONNECTOR, given)


def test_an_export_is_created_waited_for_downloaded_and_unpacked(
    tmp_path: Path, nebius: Nebius, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine = source(tmp_path, nebius.url)
    assert mine.failures(OCTOBER) == []
    charges = mine.current()
    assert sorted(charge["billed_cost"] for charge in charges) == [Decimal("1.5"), Decimal(2)]
    (created,) = nebius.created
    assert created.metadata.parent_id == "contract-7"
    asked = (created.spec.format, created.spec.start_period, created.spec.end_period)
    assert asked == (1, "2026-10", "2026-10")
    assert nebius.tokens == {f"Bearer {TOKEN}"}
    assert "authorization" not in nebius.downloads[0].headers
    (manifest,) = mine.lake.manifests("mine")["2026-10"]
    assert [file.path for file in manifest.files] == ["focus-0.csv", "focus-1.csv"]
    files = [path.read_bytes() for path in mine.lake.root.rglob("*") if path.is_file()]
    assert not any(secret in b"".join(files) for secret in (TOKEN.encode(), b"also-secret"))
    assert TOKEN not in caplog.text
    assert "also-secret" not in caplog.text


def test_a_busy_service_is_asked_again(tmp_path: Path, nebius: Nebius) -> None:
    nebius.refusals = [grpc.StatusCode.UNAVAILABLE]
    assert source(tmp_path, nebius.url).failures(OCTOBER) == []


@pytest.mark.parametrize(
    ("code", "error", "sentence"),
    [
        ("UNAVAILABLE", FetchError, "Nebius Create answered UNAVAILABLE"),
        ("UNAUTHENTICATED", ConfigError, "is the token in NEBIUS_IAM_TOKEN still good?"),
        ("PERMISSION_DENIED", ConfigError, "is the token in NEBIUS_IAM_TOKEN still good?"),
    ],
)
def test_a_refusal_says_what_to_do_and_not_the_token(
    tmp_path: Path, nebius: Nebius, code: str, error: type[Exception], sentence: str
) -> None:
    nebius.refusals = [grpc.StatusCode[code]] * 9
    with pytest.raises(error) as told:
        source(tmp_path, nebius.url).failures(OCTOBER)
    assert sentence in str(told.value)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (FAILED, "export export-1 is FAILED: billing NoData"),
        (ARCHIVED, "export export-1 is ARCHIVED"),
        (9, "export export-1 has state 9; allowed: UNSPECIFIED, SCHEDULED, RUNNING, SUCCESS"),
    ],
)
def test_an_export_that_came_to_nothing_is_a_sentence(
    tmp_path: Path, nebius: Nebius, state: int, sentence: str
) -> None:
    nebius.state = state
    (said,) = source(tmp_path, nebius.url).failures(OCTOBER)
    assert said.startswith(sentence)


def test_a_link_that_expired_is_asked_for_again(tmp_path: Path, nebius: Nebius) -> None:
    nebius.expired = 1
    assert source(tmp_path, nebius.url).failures(OCTOBER) == []
    assert (len(nebius.downloads), len(nebius.created)) == (2, 1)


def test_a_contract_must_be_named(tmp_path: Path, nebius: Nebius) -> None:
    with pytest.raises(ConfigError, match=r"the option contract_id says whose bill to export"):
        source(tmp_path, nebius.url, contract_id=None).failures(OCTOBER)


def test_the_token_is_not_sent_unencrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEBIUS_IAM_TOKEN", TOKEN)
    with pytest.raises(ConfigError, match=r"would send the token unencrypted: use https"):
        source(tmp_path, "http://nebius.example.com").failures(OCTOBER)


def test_saved_archives_are_unpacked_and_the_newest_is_in_force(tmp_path: Path) -> None:
    mine = FocusSource(tmp_path, connector=CONNECTOR)
    for fetched_at, cost in (("20261103T060000Z", "5"), ("20261027T060000Z", "4")):
        file = mine.saved / "2026-10" / fetched_at / "billing.tar.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(archive(as_csv([row(BilledCost=cost)])))
    assert [charge["billed_cost"] for charge in mine.rows()] == [Decimal(5)]


def test_a_saved_archive_that_is_cut_off_is_a_sentence(tmp_path: Path) -> None:
    mine = FocusSource(tmp_path, connector=CONNECTOR)
    file = mine.saved / "2026-10" / "billing.tar.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(archive(as_csv([row()] * 500))[:-30])
    (said,) = mine.failures()
    assert "billing.tar.gz is cut off or damaged" in said


def test_an_answer_that_is_cut_off_is_a_sentence() -> None:
    whole = PROTO["Export"](metadata=PROTO["Metadata"](id="x" * 300)).SerializeToString()
    assert set(_service.fields(whole)) == {1}
    with pytest.raises(ContractError, match=r"an answer of Nebius is cut off"):
        _service.fields(whole[:-1])
