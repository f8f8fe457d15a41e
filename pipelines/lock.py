"""One run at a time writes to a lake; a second waits, or stops with one sentence."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from models.errors import LakeLockedError

DEFAULT_WAIT_SECONDS = 5.0


@contextmanager
def lake_lock(lake: Path, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> Iterator[None]:
    """Hold the lake. The operating system frees it when the process ends, however it ends.

    Within one process it may be taken again: a run holds it around its three jobs, and each job
    takes it too.
    """
    lake.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lake / ".lock", is_singleton=True, thread_local=False)
    holder = lake / ".lock-holder.json"
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise LakeLockedError(f"{lake}: {_held_by(holder)}") from None
    try:
        if lock.lock_counter == 1:
            holder.write_text(json.dumps(_myself()))
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def _myself() -> dict[str, object]:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return {"process": os.getpid(), "host": socket.gethostname(), "since": since}


def _held_by(holder: Path) -> str:
    """Say who holds the lock, as far as the holder had time to tell."""
    try:
        told = json.loads(holder.read_text())
        who = f"process {told['process']} on {told['host']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{who} is writing to this lake; wait for it, or give more time with --wait SECONDS"
