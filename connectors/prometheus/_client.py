"""A connection to the server's HTTP API: with a token, a password, or neither."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from connectors._http import KEPT_SECONDS, Api, Credential, ForbiddenError
from connectors.prometheus._options import PrometheusOptions
from models.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_SECRET = "\0"  # stands in no message, so nothing is masked
_SECRETS = ("authorization", "proxy-authorization", "cookie", "x-api-key")


@contextmanager
def connect(location: str, options: PrometheusOptions, unfinished: Path) -> Iterator[Api]:
    """Open the API; `unfinished` keeps the answers of a fetch that broke off."""
    _check(location, options)
    env = options.token_env or options.password_env
    secret = Credential(env).secret() if env else ""
    headers = {"Accept": "application/json", **options.headers}
    if options.token_env:
        headers["Authorization"] = f"Bearer {secret}"
    basic = (options.username or "", secret) if options.password_env else None
    with httpx2.Client(
        base_url=location.rstrip("/") + "/",
        headers=headers,
        auth=basic,
        timeout=httpx2.Timeout(180, connect=10),
        trust_env=httpx2.URL(location).host not in _LOOPBACK,
    ) as client:
        if unfinished.is_dir() and time.time() - unfinished.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(unfinished)
        try:
            yield Api(client, Credential(env or "nothing"), unfinished, secret or _NO_SECRET)
        except ForbiddenError as error:
            raise ConfigError(_refused(location, env, error.status)) from error
    shutil.rmtree(unfinished, ignore_errors=True)


def _check(location: str, options: PrometheusOptions) -> None:
    secret = [name for name in options.headers if name.lower() in _SECRETS]
    if secret:
        raise ConfigError(
            f"headers.{secret[0]} would put a secret into the configuration: "
            "use token_env, or username and password_env"
        )
    if options.token_env and options.password_env:
        raise ConfigError("token_env and password_env are both set; allowed: one of them")
    env = options.token_env or options.password_env
    is_open = location.startswith("http://") and httpx2.URL(location).host not in _LOOPBACK
    if env and env in os.environ and is_open:
        raise ConfigError(f"{location} would send the secret in {env} unencrypted: use https")


def _refused(location: str, env: str | None, status: int) -> str:
    if env:
        return f"{location} answered {status}: the secret in {env} is wrong, or may not read this"
    return (
        f"{location} answered {status}: it wants to know who asks; "
        "set token_env, or username and password_env"
    )
