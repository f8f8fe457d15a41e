"""Run one step in a process of its own, and say how long it took and how much memory.

Only the standard library is imported: a child's peak memory begins with its parent's.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import ROOT

# ru_maxrss counts kibibytes on Linux and bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Finished:
    """What a process printed last (as JSON), its wall seconds and its peak memory in bytes."""

    result: dict[str, Any]
    seconds: float
    peak_memory: int


def cpu_seconds() -> float:
    """Return the seconds of processor time that this process has taken: other work adds none."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_step(name: str, folder: Path, *arguments: object) -> Finished:
    """Run a function of `benchmarks.steps` in a new process; its result says the seconds."""
    result = folder / "result.json"
    command = [sys.executable, "-m", "benchmarks.steps", name, str(result), *map(str, arguments)]
    memory = run_process(command)
    measured = json.loads(result.read_text())
    return Finished(measured, measured["seconds"], memory)


def run_process(command: Sequence[str]) -> int:
    """Run a command to its end; return its peak memory in bytes, its own children's included."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss * _MAXRSS_UNIT


def run_beside_bare(
    name: str, bare: Sequence[object], folder: Path, *arguments: object
) -> Finished:
    """Run a step, and before and after it a bare scan-and-write; the result has its median."""
    before = run_step("bare", folder, *bare)
    finished = run_step(name, folder, *arguments)
    after = run_step("bare", folder, *bare)
    finished.result["bare_files"] = after.result["files"]
    finished.result["bare_seconds"] = median(before.result["each"] + after.result["each"])
    finished.result["bare_cpu"] = median(before.result["each_cpu"] + after.result["each_cpu"])
    return finished
