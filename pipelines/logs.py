"""Logs: every line carries the run's id, and no secret."""

import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

LOGGER = logging.getLogger("unitledger")
_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s run=%(run_id)s %(message)s"


def new_run_id() -> str:
    """Return an id that sorts by time. It never enters a table or an export."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class RunFilter(logging.Filter):
    """Adds the run's id, and puts *** where the value of a secret variable would stand."""

    def __init__(self, run_id: str, secret_variables: frozenset[str]) -> None:
        super().__init__()
        self.run_id = run_id
        values = (os.environ.get(name) for name in secret_variables)
        # The longest first: one secret may contain another.
        self.secrets = sorted((value for value in values if value), key=len, reverse=True)

    def redact(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        record.run_id = self.run_id
        record.msg, record.args = self.redact(record.getMessage()), None
        if record.exc_info:
            # Another handler may have formatted it already, secrets and all.
            text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_text = self.redact(text)
        return True


@contextmanager
def log_to_file(file: Path, run_filter: RunFilter) -> Iterator[None]:
    """Append what the run logs to a file, times in UTC."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    formatter = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = _utc
    handler.setFormatter(formatter)
    handler.addFilter(run_filter)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    # What Dagster and dbt hang on the root logger is theirs.
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()


def _utc(seconds: float | None) -> time.struct_time:
    return time.gmtime(seconds)
