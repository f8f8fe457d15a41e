"""Requests to billing APIs: what is retried, for how long, and what is never told."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors import _http
from connectors._http import _client
from models.errors import ConfigError, ContractError, FetchError

KEY = "secret-that-nobody-may-see"
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b'{"data": []}')


@pytest.fixture
def answers() -> Iterator[tuple[str, list[Answer]]]:
    """A base URL and what it answers, in turn; the last answer is repeated."""
    script: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = script.pop(0) if len(script) > 1 else script[0]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", script
    server.shutdown()
    server.server_close()


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
