"""The steps of a run, for Dagster's assets and for the command alike."""

from collections.abc import Mapping
from contextlib import suppress

from connectors._base import Window
from pipelines.checks import check_lake
from pipelines.config_tables import write_config_tables
from pipelines.focus_rules import check_files
from pipelines.logs import LOGGER
from pipelines.prices import update_prices
from pipelines.reconciliation import differences
from pipelines.run import Run, export, land, normalize_source
from pipelines.settings import ConfiguredSource
from pipelines.transform import NodeOutcome, publish_if_good, run_dbt
from pipelines.warehouse import build_file, discard, is_current, prepare


def refresh(run: Run, sources: list[ConfiguredSource]) -> None:
    """Land and normalize; a source that fails is in `run.failures`, and stops no other."""
    for item in sources:
        with suppress(Exception):
            land(run, item, run.window or Window())
            normalize_source(run, item)


def transform(run: Run) -> bool:
    """Build, publish and export; tell whether that was published. What fails stops what follows."""
    is_published = False
    with suppress(Exception):
        with run.step("lake"):
            checks = prepare_and_check(run)
        if not any(checks.values()):
            with run.step("transform"):
                outcomes = build_marts(run)
                if outcomes:
                    publish_if_good(run.settings, outcomes)
            is_published = bool(outcomes)
            export(run)
            with run.step("checks"):
                check_conservation(run)
                check_focus_rules(run)
    return is_published


def prepare_and_check(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Prepare a new warehouse if one is needed; return what does not hold, by check."""
    settings = run.settings
    write_config_tables(settings)
    update_prices(settings.lake)
    if is_current(settings) and not run.rebuild:
        discard(settings)
        return {}
    prepare(settings, rebuild=run.rebuild)
    checks = check_lake(settings)
    for sentence in (sentence for check in checks for sentence in check.failures):
        run.fail(sentence)
    if not all(check.passed for check in checks):
        discard(settings)
    return {check.name: check.failures for check in checks}


def build_marts(run: Run) -> list[NodeOutcome]:
    """Run dbt, if a new warehouse was prepared; return what became of each node."""
    if not build_file(run.settings).exists():
        # Dagster may be asked for the models alone; usually there is nothing new.
        prepare_and_check(run)
    if not build_file(run.settings).exists():
        return []
    outcomes = run_dbt(run.settings)
    if all(outcome.passed for outcome in outcomes):
        judge_marts(run)
    return outcomes


def judge_marts(run: Run) -> None:
    """Judge what was built: anomalies and forecasts. What fails there stops no publication."""
    # Its parts take seconds to import: a run with nothing new does without.
    from pipelines.judged import judge

    with suppress(Exception), run.step("anomalies and forecasts"):
        judge(run.settings)


def check_conservation(run: Run) -> list[str]:
    """Return a sentence for every published step that does not add up; the run has failed then."""
    failures = differences(run.settings)
    for sentence in failures:
        run.fail(sentence)
    return failures


def check_focus_rules(run: Run) -> tuple[str, ...]:
    """Return, and warn of, what the newest exports break: a vendor's own costs may break a rule,
    and are exported as they are."""
    failures = broken_rules(run)
    for sentence in failures:
        LOGGER.warning("exports: %s", sentence)
    return failures


def broken_rules(run: Run) -> tuple[str, ...]:
    """Return a sentence for each rule that the newest exports do not keep."""
    pointers = sorted(run.settings.exports.glob("*/latest"))
    folders = [pointer.parent / pointer.read_text(encoding="utf-8").strip() for pointer in pointers]
    files = [folder / "focus_1_4.parquet" for folder in folders]
    files = [file for file in files if file.exists()]
    findings = check_files(files).findings if files else ()
    return tuple(
        f"{finding.rule.id} does not hold in {finding.rows} rows, such as {finding.example}"
        for finding in findings
    )
