"""One run: what it was asked for, the lock it holds, and what went wrong in it."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from connectors._base import Window
from connectors._lake import LandReport
from connectors._normalize import normalize
from models.errors import UnitledgerError
from pipelines.exports import ExportResult, export_all
from pipelines.lock import DEFAULT_WAIT_SECONDS, lake_lock
from pipelines.logs import LOGGER, RunFilter, log_to_file, new_run_id
from pipelines.notify import notify
from pipelines.settings import ConfiguredSource, Settings


@dataclass
class Run:
    """What one run was asked for; without a window, Dagster's partitions say it.

    `failures` fills with one sentence for each thing that failed.
    """

    settings: Settings
    window: Window | None = None
    rebuild: bool = False
    max_retries: int = 0
    wait_seconds: float = DEFAULT_WAIT_SECONDS
    run_id: str = field(default_factory=new_run_id)
    failures: list[str] = field(default_factory=list)
    exported: list[ExportResult] = field(default_factory=list)

    @property
    def log_file(self) -> Path:
        return self.settings.lake.root / "logs" / f"{self.run_id}.log"

    @property
    def run_filter(self) -> RunFilter:
        return RunFilter(self.run_id, self.settings.secret_variables)

    @contextmanager
    def hold(self) -> Iterator["Run"]:
        """Hold the lake and log to the run's file; at the end tell who wants to know what went
        wrong. May be nested: the lock counts."""
        with lake_lock(self.settings.lake.root, self.wait_seconds):
            if any(isinstance(handler, logging.FileHandler) for handler in LOGGER.handlers):
                yield self
            else:
                _remove_leftovers(self.settings.lake.root)
                with log_to_file(self.log_file, self.run_filter):
                    yield self
                    notify(self.settings, self.run_id, self.failures)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Remember what goes wrong in a step, in one sentence, and let it go on its way."""
        try:
            yield
        except UnitledgerError as error:
            self.fail(str(error) if name in str(error) else f"{name}: {error}")
            raise
        except Exception as error:
            LOGGER.exception("%s", name)
            self.fail(
                f"{name}: unexpected {type(error).__name__}: {' '.join(str(error).split())}; "
                f"the traceback is in {self.log_file}"
            )
            raise

    def fail(self, sentence: str) -> None:
        sentence = self.run_filter.redact(sentence)
        LOGGER.error(sentence)
        if sentence not in self.failures:
            self.failures.append(sentence)


def _remove_leftovers(lake: Path) -> None:
    """Remove what killed runs were writing: who holds the lake is the only one who writes."""
    for folder in lake.glob("raw/*/.incoming-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (*lake.glob("*.tmp"), *lake.glob("*/.*.tmp")):
        file.unlink(missing_ok=True)


def land(run: Run, item: ConfiguredSource, window: Window) -> LandReport:
    """Fetch what the vendor offers and the lake lacks; a slot that fails is remembered."""
    with run.step(item.name):
        LOGGER.info("%s: looking for deliveries", item.name)
        report = run.settings.lake.land(item.source, item.connector, window, LOGGER.info)
    for sentence in report.failures.values():
        run.fail(sentence if item.name in sentence else f"{item.name}: {sentence}")
    return report


def normalize_source(run: Run, item: ConfiguredSource) -> dict[str, str]:
    """Normalize what was landed and is not yet in the lake's tables; return sentences by slot."""
    with run.step(item.name):
        if run.rebuild:
            _forget_fingerprints(run, item)
        failures = normalize(run.settings.lake, item.source, item.connector, LOGGER.info)
    for sentence in failures.values():
        run.fail(sentence if item.name in sentence else f"{item.name}: {sentence}")
    return failures


def export(run: Run) -> None:
    """Write a new version of finance's files wherever a period's numbers changed."""
    with run.step("exports"):
        run.exported = export_all(run.settings)


def _forget_fingerprints(run: Run, item: ConfiguredSource) -> None:
    """Have every slot normalized again; a slot that then fails keeps its last good rows."""
    lake = run.settings.lake
    mine = pl.col("source") == item.name
    forgotten = lake.index().filter(mine).with_columns(fingerprint=pl.lit("", pl.String))
    lake.replace_in_index(forgotten.to_dicts(), gone=mine)
