"""A real Prometheus on the loopback, filled by promtool with samples of the past."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

Labels = Mapping[str, str]


def at(text: str) -> datetime:
    """Read 'YYYY-MM-DD HH:MM:SS', in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Where `make prometheus` unpacks it, else what the machine has.
_UNPACKED = Path(__file__).parents[1] / ".venv/prometheus/usr/bin"
_PATH = os.pathsep.join([str(_UNPACKED), os.environ.get("PATH", os.defpath)])


@dataclass
class Samples:
    """What was scraped: OpenMetrics text, one series after the other."""

    series: dict[str, dict[str, list[tuple[int, str]]]] = field(default_factory=dict)

    def add(self, name: str, labels: Labels, points: Iterable[tuple[datetime, object]]) -> None:
        self.add_at(name, labels, [(round(t.timestamp() * 1000), value) for t, value in points])

    def add_at(self, name: str, labels: Labels, points: Iterable[tuple[int, object]]) -> None:
        """Add samples at milliseconds since 1970."""
        key = ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(labels.items()))
        known = self.series.setdefault(name, {}).setdefault(key, [])
        known += [(moment, str(value)) for moment, value in points]

    def write(self, file: Path) -> None:
        """Write them all; promtool asks for a family's samples side by side."""
        lines = []
        for name, series in self.series.items():
            lines.append(f"# TYPE {name} unknown")
            for key, points in series.items():
                lines += [
                    f"{name}{{{key}}} {value} {t // 1000}.{t % 1000:03d}" for t, value in points
                ]
        file.write_text("\n".join([*lines, "# EOF", ""]))


def every(seconds: float, start: datetime, end: datetime) -> list[datetime]:
    """Return the times of scrapes, the end left out."""
    count = int((end - start).total_seconds() // seconds) + 1
    times = [start + timedelta(seconds=seconds * number) for number in range(count)]
    return [moment for moment in times if moment < end]


@contextmanager
def run_prometheus(samples: Samples, folder: Path, *arguments: str) -> Iterator[str]:
    """Start Prometheus over the samples, or skip the test that wants it; yield its URL."""
    prometheus, promtool = (shutil.which(name, path=_PATH) for name in ("prometheus", "promtool"))
    if prometheus is None or promtool is None:
        pytest.skip("Prometheus is not here: `make prometheus` gets it")
    samples.write(folder / "samples.txt")
    (folder / "prometheus.yml").write_text("global: {}\n")
    # Of blocks of two hours each would be a pass over the whole file.
    make = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=162h"]
    make += ["openmetrics", "samples.txt", "data"]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
            *arguments,
        ],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "Prometheus ended at once"
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("Prometheus does not answer")
