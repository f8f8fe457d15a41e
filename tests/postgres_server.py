"""A real Postgres on loopback, empty when it starts."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def run_postgres(folder: Path) -> Iterator[str]:
    """Start a server, or skip the test that wants it; yield its connection string."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    _program("psql")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, user = folder / "data", None
    if os.geteuid() == 0:  # Postgres refuses to run as root
        user = "nobody"
        for path in (folder, *folder.parents):
            if path.owner() == "root" and path != Path("/tmp") and path.is_relative_to("/tmp"):
                path.chmod(0o755)
        data.mkdir()
        owner = pwd.getpwnam(user)
        os.chown(data, owner.pw_uid, owner.pw_gid)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=data.parent, capture_output=True)

    run(initdb, "-D", str(data), "-U", "crm", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-c port={port} -c listen_addresses=127.0.0.1 -c fsync=off -k ''"
    run(pg_ctl, "start", "-w", "-D", str(data), "-l", str(data / "log"), "-o", settings)
    try:
        yield f"postgresql://crm@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "stop", "-m", "immediate", "-D", str(data))
