"""From the lake to the published marts: one dbt run on a warehouse that is built aside."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import ConfigError, ContractError
from pipelines.logs import LOGGER
from pipelines.settings import Settings
from pipelines.warehouse import build_file, model_version, publish

if TYPE_CHECKING:
    from dbt.artifacts.schemas.results import NodeResult
    from dbt_common.events.base_types import EventMsg

# Plain statuses of dbt that stop a publication.
_BAD = {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class NodeOutcome:
    """What became of one dbt node: a model, seed or test."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    message: str
    seconds: float
    failures: int | None

    @property
    def passed(self) -> bool:
        return self.status not in _BAD


def target_folder(settings: Settings) -> Path:
    """Return where dbt keeps its manifest and logs: beside the warehouse, not in the package."""
    return settings.warehouse.with_name(f"{settings.warehouse.name}.dbt")


def log_file(settings: Settings) -> Path:
    """Return the log that dbt writes."""
    return target_folder(settings) / "logs" / "dbt.log"


def run_dbt(settings: Settings) -> list[NodeOutcome]:
    """Build all models on the prepared warehouse, in this process, in one invocation."""
    if not (settings.dbt_project / "dbt_project.yml").exists():
        raise ConfigError(f"{settings.dbt_project}: the dbt project is not there")
    (settings.lake.root / "facts").mkdir(exist_ok=True)
    return _invoke(settings, ["build", "--exclude-resource-type", "unit_test"])


def run_ledger(settings: Settings) -> list[NodeOutcome]:
    """Build the ledger and what it is made from, and nothing else, on a prepared warehouse."""
    return _invoke(settings, ["run", "--select", "+allocated_costs"])


def publish_if_good(settings: Settings, outcomes: list[NodeOutcome]) -> None:
    """Swap the warehouse; a failed node is a ContractError, and the published one stays."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise ContractError(
            f"dbt {failed[0].resource_type} {failed[0].name} failed: {failed[0].message}{more}; "
            f"nothing was published; log: {log_file(settings)}"
        )
    publish(settings)


def _invoke(settings: Settings, command: list[str]) -> list[NodeOutcome]:
    # dbt takes two seconds to import: a run with nothing new does without.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target = target_folder(settings)
    try:
        with _environment(settings), _few_collections():
            result = dbtRunner(callbacks=[_tell]).invoke(
                [
                    *command,
                    *("--project-dir", str(settings.dbt_project)),
                    *("--profiles-dir", str(settings.dbt_project)),
                    *("--target-path", str(target)),
                    *("--log-path", str(target / "logs")),
                    *("--log-level", "none", "--log-level-file", "info"),
                    # Nobody reads the manifest of a run; partial parsing keeps a file of its own.
                    "--no-write-json",
                ]
            )
    finally:
        # dbt keeps the file open, and locked, until it is told not to.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if result.exception is not None:
        sentence = " ".join(str(result.exception).split())
        raise ContractError(f"dbt: {sentence}; log: {log_file(settings)}")
    return [_outcome(node) for node in getattr(result.result, "results", [])]


def _tell(event: "EventMsg") -> None:
    """Log which day of which model is being built, as the materialization says it."""
    message = str(getattr(event.info, "msg", ""))
    if message.startswith("building "):
        LOGGER.info(message)


def _outcome(result: "NodeResult") -> NodeOutcome:
    return NodeOutcome(
        unique_id=result.node.unique_id,
        resource_type=str(result.node.resource_type),
        name=result.node.name,
        status=str(result.status),
        message=" ".join((result.message or "").split()),
        seconds=result.execution_time,
        failures=result.failures,
    )


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage less often: dbt keeps nearly all that it makes, and looking at it again and
    again takes a twentieth of a run."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """Tell dbt's profile the files, and put the environment back."""
    given = {
        "UNITLEDGER_WAREHOUSE": str(build_file(settings)),
        "UNITLEDGER_LAKE": str(settings.lake.root),
        "UNITLEDGER_THREADS": os.environ.get("UNITLEDGER_THREADS", str(os.cpu_count() or 1)),
        "UNITLEDGER_MODEL_VERSION": model_version(settings),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
