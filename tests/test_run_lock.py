"""The lock on the lake, and what a killed run leaves behind."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run_workspace import ROOT, run_all

from models.errors import LakeLockedError
from pipelines.lock import lake_lock
from pipelines.settings import load_settings
from pipelines.warehouse import published_digest

pytest_plugins = ["run_fixtures"]

HOLD = """
import sys, time
from pathlib import Path
from pipelines.lock import lake_lock
with lake_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_lake(lake: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lake)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_run_says_who_holds_the_lake(workspace: Path) -> None:
    holder = hold_lake(workspace / "lake")
    try:
        with pytest.raises(LakeLockedError, match=rf"process {holder.pid} on \S+ since 20\d\d-"):
            run_all(workspace, wait_seconds=0.1)
    finally:
        holder.kill()
        holder.wait()
    # A killed holder leaves nothing that anybody has to remove.
    assert run_all(workspace, wait_seconds=0.1) == (True, [])


def test_what_a_killed_run_was_writing_is_removed_by_the_next(workspace: Path) -> None:
    lake = workspace / "lake"
    half = lake / "raw" / "one" / ".incoming-99999"
    half.mkdir(parents=True)
    (lake / "charges").mkdir()
    files = [half / "pods.json", lake / "charges" / ".99999.tmp", lake / "index.99999.tmp"]
    for file in files:
        file.write_text("half")
    assert run_all(workspace) == (True, [])
    assert not [file for file in files if file.exists()]
    assert not half.exists()


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    holder = hold_lake(tmp_path)
    started = time.monotonic()
    holder.kill()
    with lake_lock(tmp_path, wait_seconds=30):
        assert time.monotonic() - started < 30
    holder.wait()


def test_the_lock_may_be_taken_again_by_the_run_that_holds_it(tmp_path: Path) -> None:
    with lake_lock(tmp_path, 0.1), lake_lock(tmp_path, 0.1):
        assert json.loads((tmp_path / ".lock-holder.json").read_text())["process"] == os.getpid()
    assert not (tmp_path / ".lock-holder.json").exists()


# --- kill -9 --------------------------------------------------------------------------------------


def fingerprints(workspace: Path) -> dict[str, str]:
    """Hashes of everything a run is to reproduce: what was landed, normalized and exported."""
    lake = workspace / "lake"
    wanted = [lake / "raw", lake / "charges", lake / "attempts", lake / "config"]
    files = [path for folder in [*wanted, workspace / "exports"] for path in folder.rglob("*")]
    return {
        str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [lake / "index.parquet", *files]
        if path.is_file()
    }


def start(workspace: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run"],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def real_workspace(folder: Path) -> Path:
    """Bills of the sample company's rented GPUs, and a day of its traces."""
    samples = ROOT / "data_samples"
    traces = folder / "traces"
    traces.mkdir(parents=True)
    shutil.copy2(samples / "otel" / "2026-11-01.jsonl.gz", traces)
    (folder / "unitledger.yml").write_text(
        "sources:\n"
        f"  runpod: {{connector: runpod_billing, location: {samples / 'runpod'}}}\n"
        "  traces: {connector: otel_genai, location: traces}\n"
    )
    return folder


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_with_the_same_bytes_the_next_time(tmp_path: Path) -> None:
    undisturbed, killed = (real_workspace(tmp_path / name) for name in ("calm", "killed"))
    started = time.monotonic()
    first = start(undisturbed)
    output, _ = first.communicate()
    duration = time.monotonic() - started
    assert first.returncode == 0, output

    moments = random.Random(9)
    for part in range(1, 4):
        victim = start(killed)
        time.sleep(duration * (part + moments.random()) / 5)
        victim.kill()
        victim.communicate()
    last = start(killed)
    output, _ = last.communicate()
    assert last.returncode == 0, output
    assert fingerprints(killed) == fingerprints(undisturbed)
    assert published_digest(load_settings(killed / "unitledger.yml")) is not None
    assert not list(killed.rglob(".incoming-*"))
    assert not (killed / "warehouse.duckdb.building").exists()
