"""`unitledger run`: refresh the sources, then build, publish and export what has changed."""

import os
from contextlib import suppress
from typing import Protocol

from models.errors import UnitledgerError
from pipelines import steps
from pipelines.config_tables import write_config_tables
from pipelines.logs import LOGGER
from pipelines.run import Run, export
from pipelines.settings import ConfiguredSource
from pipelines.warehouse import is_current


class _Steps(Protocol):
    """What runs the steps: themselves, or Dagster, which keeps what it sees of them."""

    def refresh(self, run: Run, sources: list[ConfiguredSource], /) -> None: ...
    def transform(self, run: Run, /) -> bool: ...


def execute(run: Run, sources: list[ConfiguredSource]) -> bool:
    """Refresh the sources, then transform if anything is new; tell whether that was published.

    What fails is in `run.failures`; a failing source does not stop the others.
    """
    with run.hold():
        runner = _runner()
        # Bills first.
        runner.refresh(run, sorted(sources, key=lambda item: not item.is_billing))
        write_config_tables(run.settings)
        if is_current(run.settings) and not run.rebuild:
            LOGGER.info("nothing new: the published warehouse is current")
            with suppress(UnitledgerError):
                export(run)
            return False
        LOGGER.info("building the marts")
        return runner.transform(run)


def _runner() -> _Steps:
    """Return Dagster where DAGSTER_HOME says that somebody keeps its events: it takes a second to
    import, and half a second a run to write them down."""
    if os.environ.get("DAGSTER_HOME"):
        from pipelines import dagster_run

        return dagster_run
    return steps
