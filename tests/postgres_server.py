"""A real Postgres on loopback, empty when it starts."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

# Where Debian and Homebrew put what no user calls by name.
_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin")


def _program(name: str) -> str:
    found = [
        str(path) for place in _PLACES for path in sorted(Path("/").glob(f"{place[1:]}/{name}"))
    ]
    program = shutil.which(name) or next(iter(found), None)
    if program is None:
        pytest.skip("Postgres is not installed: its packages bring initdb, pg_ctl and psql")
    return program


@contextmanager
def run_postgres() -> Iterator[str]:
    """Start a server, or skip the test that wants it; yield its connection string."""
    initdb, pg_ctl, _ = _program("initdb"), _program("pg_ctl"), _program("psql")
    # Postgres refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="postgres-") as folder, socket.socket() as free:
        if user:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        data = Path(folder) / "data"

        def run(*command: str) -> None:
            subprocess.run(command, check=True, user=user, cwd=folder, capture_output=True)

        run(initdb, "-D", str(data), "-U", "crm", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = f"-c port={port} -c listen_addresses=127.0.0.1 -c fsync=off -k ''"
        run(pg_ctl, "start", "-w", "-D", str(data), "-l", str(data / "log"), "-o", settings)
        try:
            yield f"postgresql://crm@127.0.0.1:{port}/postgres"
        finally:
            run(pg_ctl, "stop", "-m", "immediate", "-D", str(data))
