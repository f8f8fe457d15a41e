"""Requests: what is retried, for how long, and what is never told."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import stamina

from models.errors import ConfigError, ContractError, FetchError

Params = Mapping[str, str | int | list[str]]
Answer = TypeVar("Answer")

ATTEMPTS = 6
LONGEST_WAIT = 120.0  # seconds; a vendor that asks for more is left alone until the next run
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class RejectedError(ContractError):
    """The vendor understood the question and said no; `code` is its own word for the reason."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class ForbiddenError(ConfigError):
    """The key is wrong (401), or may not read this (403)."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Credential:
    """The environment variable that holds a secret, and how it is sent: never the secret itself."""

    env: str
    header: str = "Authorization"
    scheme: str = "Bearer"  # '' sends the secret alone

    def secret(self) -> str:
        """Return the secret; without one it is a ConfigError."""
        secret = os.environ.get(self.env, "").strip()
        if not secret:
            raise ConfigError(
                f"the environment variable {self.env} is not set: it holds the API key"
            )
        return secret


@dataclass(frozen=True)
class Api:
    """An open connection. Pages of an answer that is not complete yet wait in `unfinished`."""

    client: httpx2.Client
    credential: Credential
    unfinished: Path
    _secret: str = field(repr=False)

    def get(self, path: str, params: Params | None = None) -> bytes:
        """Return one answer as sent, after retries while the vendor is busy."""
        return self.send("GET", path, params)

    def send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return one answer as sent; `body` is sent as JSON.

        A path may be a whole URL, of the same server only: the key goes nowhere else.
        """
        url = self.client.base_url.join(path) if "://" in path else path
        if isinstance(url, httpx2.URL) and _server(url) != _server(self.client.base_url):
            raise ContractError(
                f"{url.host} is not {self.client.base_url.host}: the key is not sent there"
            )
        request = self.client.build_request(
            method, url, params=params or None, json=body, headers=headers
        )
        response = _retrying(request.url, lambda: self.client.send(request))
        self._check(response)
        return response.content

    def download(self, url: str, file: Path) -> None:
        """Write what a URL has into `file`, as it comes; whole or not at all.

        To another server no key is sent, and its URL, which may be signed, is never told. A URL
        that has expired is a RejectedError (403, 404 or 410).
        """
        target = self.client.base_url.join(url)
        if _server(target) == _server(self.client.base_url):
            _download(self.client, target, file, self._check)
            return
        if target.scheme != "https" and target.host not in _LOOPBACK:
            raise ContractError(f"{target.host} would send the file unencrypted")
        with httpx2.Client(timeout=self.client.timeout, follow_redirects=True) as anybody:
            _download(anybody, target, file, _check_anonymous)

    def _check(self, response: httpx2.Response) -> None:
        name = _name(response.url)
        if response.status_code in (401, 403):
            raise ForbiddenError(
                f"{name} answered {response.status_code}: the key in {self.credential.env} "
                "is wrong, or is not allowed to read billing",
                response.status_code,
            )
        if not response.is_success:
            raise _rejected(response, name, self._secret)


@contextmanager
def open_client(
    base_url: str, credential: Credential, headers: Mapping[str, str]
) -> Iterator[tuple[httpx2.Client, str]]:
    """Open a client that sends the secret with each request; return it and the secret."""
    secret = credential.secret()
    is_loopback = httpx2.URL(base_url).host in _LOOPBACK
    if not base_url.startswith("https://") and not is_loopback:
        raise ConfigError(
            f"{base_url} would send the key in {credential.env} unencrypted: use https"
        )
    with httpx2.Client(
        base_url=base_url.rstrip("/") + "/",
        headers={
            "Accept": "application/json",
            **headers,
            credential.header: f"{credential.scheme} {secret}".strip(),
        },
        timeout=httpx2.Timeout(60, connect=10),
        trust_env=not is_loopback,
    ) as client:
        yield client, secret


def poll(ask: Callable[[], Answer | None], every: float, at_most: float) -> Answer:
    """Ask every few seconds until there is an answer; after `at_most` seconds a FetchError."""
    end = time.monotonic() + at_most
    while (answer := ask()) is None:
        if time.monotonic() + every > end:
            raise FetchError(f"what was asked for is not ready after {at_most:.0f} seconds")
        time.sleep(every)
    return answer


class _BusyError(Exception):
    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"answered {response.status_code}")
        self.response = response


def _retrying(url: httpx2.URL, send: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Send until the vendor is no longer busy, and the answer came whole."""
    try:
        for attempt in stamina.retry_context(
            on=_seconds_to_wait, attempts=ATTEMPTS, timeout=600, wait_max=30
        ):
            with attempt:
                response = send()
                if response.status_code in _BUSY:
                    raise _BusyError(response)
    except _BusyError as error:
        status = error.response.status_code
        raise FetchError(f"{_name(url)} still answers {status}; try again later") from error
    except httpx2.RequestError as error:
        raise FetchError(f"{_name(url)} cannot be reached: {type(error).__name__}") from error
    return response


def _seconds_to_wait(error: Exception) -> bool | float:
    """Tell stamina whether to retry: as long as the vendor asks for, else with its own backoff."""
    if isinstance(error, httpx2.RequestError):
        return True
    if not isinstance(error, _BusyError):
        return False
    asked = _retry_after(error.response.headers.get("Retry-After", ""))
    if asked is None:
        return True
    return asked if asked <= LONGEST_WAIT else False


def _retry_after(header: str) -> float | None:
    """Read seconds or an HTTP date; None where the header is absent or neither."""
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _download(
    client: httpx2.Client,
    url: httpx2.URL,
    file: Path,
    check: Callable[[httpx2.Response], None],
) -> None:
    partial = file.with_name(f"{file.name}.part")

    def write() -> httpx2.Response:
        with client.stream("GET", url) as response:
            if not response.is_success:
                response.read()
                return response
            with partial.open("wb") as output:
                output.writelines(response.iter_bytes())
            return response

    check(_retrying(url, write))
    partial.replace(file)


def _check_anonymous(response: httpx2.Response) -> None:
    if not response.is_success:
        sentence = f"{_name(response.url)} answered {response.status_code}"
        raise RejectedError(sentence, response.status_code, "")


def _rejected(response: httpx2.Response, name: str, secret: str) -> RejectedError:
    code, message = _reason(response)
    # A vendor may repeat the key in its message.
    said = ": ".join(text for text in (code, message.replace(secret, "***")[:300]) if text)
    sentence = f"{name} answered {response.status_code}" + (f" ({said})" if said else "")
    return RejectedError(sentence, response.status_code, code)


def _reason(response: httpx2.Response) -> tuple[str, str]:
    """Return the vendor's code and message, from the places where vendors put them."""
    try:
        answer = response.json()
    except ValueError:
        return "", ""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        error = answer if isinstance(answer, dict) else {}
    code = error.get("code") or error.get("type") or ""
    return str(code), str(error.get("message") or error.get("detail") or "")


def _server(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _name(url: httpx2.URL) -> str:
    """Return what may be told of a URL: a query can be a signature."""
    return f"{url.host}{url.path}"


def _without_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            _name(value) if isinstance(value, httpx2.URL) else value for value in record.args
        )
    return True


logging.getLogger("httpx2").addFilter(_without_query)
