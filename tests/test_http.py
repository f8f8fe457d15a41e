"""Requests to billing APIs: what is retried, for how long, and what is never told."""

import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from api_server import Answer, Asked, api_server

from connectors import _http
from connectors._http import _client
from models.errors import ConfigError, ContractError, FetchError

KEY = "secret-that-nobody-may-see"
OK: Answer = (200, {}, b'{"data": []}')


@pytest.fixture
def answers() -> Iterator[tuple[str, list[Answer]]]:
    """A base URL and what it answers, in turn; the last answer is repeated."""
    script: list[Answer] = []

    def next_answer(asked: Asked) -> Answer:
        return script.pop(0) if len(script) > 1 else script[0]

    with api_server(next_answer) as url:
        yield url, script


def get(url: str) -> bytes:
    with _http.connect(url, "SOME_KEY") as api:
        return api.get("billing", {})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)


def test_a_pause_in_seconds_is_kept(answers: tuple[str, list[Answer]]) -> None:
    url, script = answers
    script += [(429, {"Retry-After": "1"}, b""), OK]
    started = time.monotonic()
    assert get(url) == OK[2]
    assert 1 <= time.monotonic() - started < 5


def test_a_pause_until_a_date_is_kept(answers: tuple[str, list[Answer]]) -> None:
    url, script = answers
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    script += [(429, {"Retry-After": format_datetime(until, usegmt=True)}, b""), OK]
    assert get(url) == OK[2]
    assert datetime.now(UTC) >= until


def test_a_pause_that_is_too_long_is_left_to_the_next_run(
    answers: tuple[str, list[Answer]],
) -> None:
    url, script = answers
    script += [(429, {"Retry-After": "3600"}, b""), OK]
    with pytest.raises(FetchError, match=r"/billing still answers 429; try again later"):
        get(url)
    assert len(script) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_recovers_is_asked_again(
    answers: tuple[str, list[Answer]], status: int
) -> None:
    url, script = answers
    script += [(status, {"Retry-After": "0"}, b""), OK]
    assert get(url) == OK[2]


def test_retries_end(answers: tuple[str, list[Answer]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, script = answers
    monkeypatch.setattr(_client, "ATTEMPTS", 3)
    script += [(503, {"Retry-After": "0"}, b"")] * 10
    with pytest.raises(FetchError, match="still answers 503"):
        get(url)
    assert len(script) == 7


def test_an_unreadable_pause_falls_back_to_our_own(answers: tuple[str, list[Answer]]) -> None:
    url, script = answers
    script += [(503, {"Retry-After": "soon"}, b""), OK]
    assert get(url) == OK[2]


def test_a_body_that_breaks_off_is_asked_for_again(answers: tuple[str, list[Answer]]) -> None:
    url, script = answers
    script += [(200, {"Content-Length": "1000"}, b'{"data"'), OK]
    assert get(url) == OK[2]


def test_a_server_that_is_not_there_is_a_fetch_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FetchError, match=r"/billing cannot be reached: ConnectError"):
        get(url)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_access_is_named_and_not_shown(
    answers: tuple[str, list[Answer]], status: int
) -> None:
    url, script = answers
    script += [(status, {}, f'{{"error": {{"message": "{KEY}"}}}}'.encode())]
    with pytest.raises(ConfigError, match="the key in SOME_KEY is wrong") as raised:
        get(url)
    assert KEY not in str(raised.value)


def test_a_refusal_is_told_in_the_vendors_words_without_the_key(
    answers: tuple[str, list[Answer]],
) -> None:
    url, script = answers
    body = f'{{"error": {{"code": "odd", "message": "{KEY} may not"}}}}'
    script += [(422, {}, body.encode())]
    with pytest.raises(ContractError) as raised:
        get(url)
    assert str(raised.value) == "127.0.0.1/billing answered 422 (odd: *** may not)"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 1}'])
def test_a_refusal_without_words_names_its_status(
    answers: tuple[str, list[Answer]], body: bytes
) -> None:
    url, script = answers
    script += [(418, {}, body)]
    with pytest.raises(ContractError, match=r"^127\.0\.0\.1/billing answered 418$"):
        get(url)


def test_a_redirect_does_not_take_the_key_elsewhere(answers: tuple[str, list[Answer]]) -> None:
    url, script = answers
    script += [(302, {"Location": "http://127.0.0.2/"}, b"")]
    with pytest.raises(ContractError, match="answered 302"):
        get(url)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("SOME_KEY")
    else:
        monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(ConfigError, match="environment variable SOME_KEY is not set"):
        get("https://api.example.com/v1")


def test_the_key_is_never_sent_unencrypted() -> None:
    with pytest.raises(ConfigError, match="would send the key in SOME_KEY unencrypted"):
        get("http://api.example.com/v1")


def test_a_key_goes_where_the_vendor_wants_it() -> None:
    seen: list[Asked] = []

    def remember(asked: Asked) -> Answer:
        seen.append(asked)
        return OK

    own = _http.Credential("SOME_KEY", header="x-api-key", scheme="")
    with api_server(remember) as url, _http.connect(url, own, {"version": "1"}) as api:
        api.send("GET", "billing", {"a": 1}, headers={"beta": "yes"})
        assert repr(api).count(KEY) == 0
    (asked,) = seen
    assert (asked.headers["x-api-key"], asked.headers["version"]) == (KEY, "1")
    assert asked.headers["beta"] == "yes"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    "trouble", [(503, {"Retry-After": "0"}, b""), (200, {"Content-Length": "9"}, b"cut")]
)
def test_a_file_is_downloaded_whole_or_not_at_all(
    answers: tuple[str, list[Answer]], tmp_path: Path, trouble: Answer
) -> None:
    url, script = answers
    script += [trouble, (200, {}, b"a,b\n1,2\n")]
    with _http.connect(url, "SOME_KEY") as api:
        api.download("files/1.csv", tmp_path / "1.csv")
    assert (tmp_path / "1.csv").read_bytes() == b"a,b\n1,2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["1.csv"]


def test_another_server_gets_no_key_and_its_signature_is_never_told(
    answers: tuple[str, list[Answer]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url, script = answers
    script += [OK]
    seen: list[Asked] = []

    def storage(asked: Asked) -> Answer:
        seen.append(asked)
        return (200, {}, b"bytes") if len(seen) == 1 else (403, {}, b"expired")

    with api_server(storage) as elsewhere, _http.connect(url, "SOME_KEY") as api:
        signed = f"{elsewhere}/export.zip?signature=never-tell-this"
        api.download(signed, tmp_path / "export.zip")
        with pytest.raises(_http.RejectedError, match=r"/export\.zip answered 403$") as raised:
            api.download(signed, tmp_path / "again.zip")
    assert raised.value.status == 403
    assert seen[0].query == {"signature": ["never-tell-this"]}
    assert "authorization" not in seen[0].headers
    assert "export.zip" in caplog.text
    assert "never-tell-this" not in caplog.text


def test_a_file_is_not_fetched_unencrypted(tmp_path: Path) -> None:
    with (
        _http.connect("https://api.example.com", "SOME_KEY") as api,
        pytest.raises(ContractError, match="would send the file unencrypted"),
    ):
        api.download("http://storage.example.com/x", tmp_path / "x")


def test_polling_ends_with_the_answer_or_with_a_sentence() -> None:
    states = iter([None, None, "done"])
    assert _http.poll(lambda: next(states), every=0.01, at_most=5) == "done"
    with pytest.raises(FetchError, match="not ready after 0 seconds"):
        _http.poll(lambda: None, every=0.01, at_most=0.03)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "error", "error": {"type": "odd", "message": "may not"}}',
        b'{"code": "odd", "message": "may not"}',
        b'{"code": "odd", "detail": "may not"}',
    ],
)
def test_the_vendors_words_are_found_where_vendors_put_them(
    answers: tuple[str, list[Answer]], body: bytes
) -> None:
    url, script = answers
    script += [(422, {}, body)]
    with pytest.raises(ContractError, match=r"answered 422 \(odd: may not\)$"):
        get(url)
