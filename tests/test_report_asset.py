"""What the job `transform` ends with: a page about each of the last two periods."""

from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster_jobs import execute

from connectors._base import Window
from pipelines import steps
from pipelines.jobs import TRANSFORM, build_definitions
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file

pytest_plugins = ["dagster_fixtures"]
REPORT = dg.AssetKey(["exports", "report"])


def build_three_periods(settings: Settings) -> list[NodeOutcome]:
    """A stand-in for dbt: three bills that reconcile, and no mart that a page could show."""
    with duckdb.connect(str(build_file(settings))) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.cost_reconciliation as select 'gpu' as source, "
            "unnest(['2026-08', '2026-09', '2026-10']) as billing_period, "
            "'USD' as billing_currency, 'allocated' as step, 1.00 as expected_cost, "
            "1.00 as actual_cost, 0.00 as difference, null as error"
        )
    return [NodeOutcome("model.one", "model", "one", "success", "", 0.1, None)]


@pytest.fixture
def transformed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the job; returns what became of it and what it said."""
    monkeypatch.setattr(steps, "run_dbt", build_three_periods)

    def run() -> tuple[dg.ExecuteInProcessResult, list[str]]:
        this = Run(settings, Window())
        return execute(build_definitions(settings, run=this), TRANSFORM), this.failures

    return run


def test_the_last_two_periods_have_a_page_and_the_asset_names_both(
    settings: Settings, transformed: Any
) -> None:
    result, failures = transformed()
    assert result.success, failures
    pages = sorted(settings.exports.rglob("*.html"))
    periods = ("2026-09", "2026-10")
    assert pages == [settings.exports / period / "report.html" for period in periods]
    [event] = [
        event for event in result.get_asset_materialization_events() if event.asset_key == REPORT
    ]
    listed = str(event.materialization.metadata["pages"].value)
    for page, period in zip(pages, periods, strict=True):
        assert str(page) in listed
        assert period in page.read_text(encoding="utf-8").partition("</h1>")[0]


def test_pages_are_made_after_finances_files(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    assert graph.get(REPORT).parent_keys == {dg.AssetKey(["exports", "finance"])}


def test_a_page_that_cannot_be_written_is_one_sentence_and_the_job_fails(
    settings: Settings, transformed: Any
) -> None:
    settings.exports.mkdir(parents=True)
    (settings.exports / "2026-10").write_text("a file where the period's folder should be")
    result, failures = transformed()
    assert not result.success
    file = settings.exports / "2026-10" / "report.html"
    assert failures == [f"{file}: cannot be written: File exists"]
