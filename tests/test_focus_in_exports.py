"""FOCUS that is asked for over HTTP: at once, or created, waited for and downloaded."""

import io
import json
import logging
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from api_server import Answer, Asked, api_server
from focus_in import FocusSource, as_csv, row

from connectors import _http
from connectors._base import Window
from connectors._http import _client
from models.errors import ConfigError, FetchError

KEY = "secret-that-nobody-may-see"
OCTOBER = Window("2026-10", "2026-10")
FAST = {"every": 0.01, "at_most": 2}


def archive(*texts: str, **more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for number, text in enumerate(texts, start=1):
            opened.writestr(f"export/part-{number}-of-{len(texts)}.csv", text)
        for name, text in more.items():
            opened.writestr(f"export/{name}.json", text)
    return buffer.getvalue()


@dataclass
class Pinecone:
    """Creates exports, is busy with them, and links to a store that is another server."""

    store: str = ""
    content: bytes = b""
    busy: int = 1
    expired: int = 0
    status: str = "Completed"
    asked: list[Asked] = field(default_factory=list)
    downloads: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return 401, {}, b"{}"
        if asked.method == "POST":
            return 202, {}, json.dumps({"id": "e-1", "status": "Pending"}).encode()
        self.busy -= 1
        if self.busy >= 0:
            return 200, {}, json.dumps({"status": "Running", "download_url": None}).encode()
        link = f"{self.store}/files/e-1.zip?signature=also-secret"
        url = link if self.status == "Completed" else None
        return 200, {}, json.dumps({"status": self.status, "download_url": url}).encode()

    def download(self, asked: Asked) -> Answer:
        self.downloads.append(asked)
        self.expired -= 1
        return (403, {}, b"expired") if self.expired >= 0 else (200, {}, self.content)


@pytest.fixture(autouse=True)
def _october_third(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINECONE_ADMIN_TOKEN", KEY)
    monkeypatch.setenv("FAL_ADMIN_KEY", KEY)
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 10, 20, tzinfo=UTC))
    monkeypatch.setattr(_client, "ATTEMPTS", 2)


@pytest.fixture
def pinecone() -> Iterator[Pinecone]:
    played = Pinecone(
        content=archive(as_csv([row()]), as_csv([row(BilledCost="2")]), manifest="{}")
    )
    with ExitStack() as servers:
        played.store = servers.enter_context(api_server(played.download))
        played.url = servers.enter_context(api_server(played.answer))  # type: ignore[attr-defined]
        yield played


def source(tmp_path: Path, url: str, export: Any) -> FocusSource:
    return FocusSource(tmp_path, url, options={"export": export})


def known(name: str, **wait: float) -> dict[str, Any]:
    """A shipped export, impatient."""
    from connectors.focus._sources import FocusOptions

    export = FocusOptions.model_validate({"export": name}).export
    assert export is not None
    content = export.model_dump(exclude_defaults=True)
    if wait:
        content["wait"] |= wait
    return content


def everything_written(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_an_export_is_created_waited_for_downloaded_and_unpacked(
    tmp_path: Path, pinecone: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    assert mine.failures(OCTOBER) == []
    assert sorted(charge["billed_cost"] for charge in mine.current()) == [
        Decimal("1.5"),
        Decimal(2),
    ]
    created = pinecone.asked[0]
    assert (created.method, created.path) == ("POST", "/admin/cost-usage-exports")
    assert json.loads(created.body) == {
        "period_start": "2026-10-01T00:00:00.000Z",
        "period_end": "2026-11-01T00:00:00.000Z",
    }
    assert created.headers["x-pinecone-api-version"] == "2026-07"
    assert "authorization" not in pinecone.downloads[0].headers
    (manifest,) = mine.lake.manifests("mine")["2026-10"]
    assert [file.path for file in manifest.files] == [
        "manifest.json", "part-1-of-2.csv", "part-2-of-2.csv",
    ]  # fmt: skip
    written = everything_written(mine.lake.root) + caplog.text.encode()
    assert KEY.encode() not in written
    assert b"also-secret" not in written


def test_the_same_export_again_adds_nothing_and_a_changed_one_replaces_it(
    tmp_path: Path, pinecone: Any
) -> None:
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    assert mine.failures(OCTOBER) == []
    before = len(mine.lake.manifests("mine")["2026-10"])
    assert mine.failures(OCTOBER) == []
    assert len(mine.lake.manifests("mine")["2026-10"]) == before == 1


def test_a_link_that_expired_is_asked_for_again(tmp_path: Path, pinecone: Any) -> None:
    pinecone.expired = 2
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    assert mine.failures(OCTOBER) == []
    assert len(pinecone.downloads) == 3
    assert sum(asked.method == "POST" for asked in pinecone.asked) == 1


def test_a_link_that_always_expires_may_work_later(tmp_path: Path, pinecone: Any) -> None:
    pinecone.expired = 99
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    with pytest.raises(FetchError, match=r"the link had expired before it was used, 3 times"):
        mine.failures(OCTOBER)


def test_an_export_that_failed_is_a_sentence(tmp_path: Path, pinecone: Any) -> None:
    pinecone.status = "Failed"
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    (said,) = mine.failures(OCTOBER)
    assert said == "admin/cost-usage-exports/e-1 says status Failed: the vendor could not export it"


def test_an_export_that_is_never_ready_may_be_later(tmp_path: Path, pinecone: Any) -> None:
    pinecone.busy = 10_000
    mine = source(tmp_path, pinecone.url, known("pinecone", every=0.01, at_most=0.05))
    with pytest.raises(FetchError, match=r"not ready after 0 seconds"):
        mine.failures(OCTOBER)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda content: content[:-40], "archive is no archive; allowed: .zip, .tar.gz"),
        (lambda content: content[:60] + b"XXXX" + content[64:], "archive is cut off or damaged"),
        (lambda content: archive(), "archive is an archive without a file"),
    ],
)
def test_a_broken_archive_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, pinecone: Any, spoil: Callable[[bytes], bytes], sentence: str
) -> None:
    pinecone.content = spoil(pinecone.content)
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    (said,) = mine.failures(OCTOBER)
    assert sentence in said
    assert mine.lake.manifests("mine") == {}


def test_a_csv_that_comes_at_once_is_landed_as_sent(tmp_path: Path) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        asked.append(request)
        return 200, {"Content-Type": "text/csv"}, as_csv([row(BilledCost="7")]).encode()

    with api_server(answer) as url:
        mine = source(tmp_path, url, "fal")
        assert mine.failures(Window("2026-09", "2026-10")) == []
    assert [request.query for request in asked] == [
        {"source": ["invoice"], "charge_month": ["2026-09"]},
        {"source": ["invoice"], "charge_month": ["2026-10"]},
    ]
    assert asked[0].path == "/account/focus"
    assert asked[0].headers["authorization"] == f"Key {KEY}"
    landed = mine.lake.manifests("mine")["2026-10"][0]
    assert (mine.lake.folder(landed) / "focus.csv").read_text() == as_csv([row(BilledCost="7")])


def test_a_url_without_an_export_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the option export must say what to ask there"):
        FocusSource(tmp_path, "https://api.example.com").failures()


def test_an_export_that_nobody_knows_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nobody is no known export; allowed: fal, pinecone, or"):
        source(tmp_path, "https://api.example.com", "nobody").failures()


def test_a_key_that_is_wrong_is_told_without_it(
    tmp_path: Path, pinecone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINECONE_ADMIN_TOKEN", "wrong-but-secret")
    mine = source(tmp_path, pinecone.url, known("pinecone", **FAST))
    with pytest.raises(ConfigError, match=r"the key in PINECONE_ADMIN_TOKEN is wrong") as told:
        mine.failures(OCTOBER)
    assert "wrong-but-secret" not in str(told.value)
