"""Runs judge what they built; what fails there stops no publication."""

from pathlib import Path

import duckdb
import pytest
from configured import settings_of
from watched import day, warehouse, weekly

from connectors._lake import Lake
from pipelines import steps
from pipelines.judged import judge
from pipelines.judged_tables import JUDGED_CODE, SCHEMAS, load_judged
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file, digest

RATES = "sources: {rates: {connector: fx_rates, location: ./rates}}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A warehouse was built, and is not published yet."""
    settings = settings_of(tmp_path, RATES)
    file = build_file(settings)
    file.parent.mkdir(parents=True)
    settings.lake.root.mkdir(parents=True, exist_ok=True)
    built = warehouse({("all", "(all)"): weekly()})
    built.execute(f"attach '{file}' as built; copy from database memory to built; detach built")
    return settings


def test_what_was_judged_is_in_the_warehouse_that_was_built_and_in_files(
    settings: Settings,
) -> None:
    judge(settings)
    with duckdb.connect(str(build_file(settings)), read_only=True) as connection:
        counts = {
            table: connection.execute(f"select count(*) from lake.{table}").fetchone()
            for table in SCHEMAS
        }
    assert counts["anomalies"] == (0,)
    assert counts["anomaly_checks"] == (35,)
    assert counts["forecasts"] != (0,)
    assert len(list((settings.lake.root / "judged").glob("anomalies-*.parquet"))) == 35


def test_a_judgement_that_fails_is_a_sentence_and_the_marts_are_published_without_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = NodeOutcome("model.a", "model", "a", "success", "", 1.0, None)
    monkeypatch.setattr(steps, "run_dbt", lambda _: [built])
    with duckdb.connect(str(build_file(settings))) as connection:
        connection.execute("drop table intermediate.int_watched_costs_daily")
    run = Run(settings)
    assert steps.build_marts(run) == [built]
    (sentence,) = run.failures
    assert sentence.startswith("anomalies and forecasts: unexpected CatalogException")


def test_nothing_is_judged_where_a_model_failed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = NodeOutcome("model.a", "model", "a", "error", "no", 1.0, None)
    monkeypatch.setattr(steps, "run_dbt", lambda _: [failed])
    assert steps.build_marts(Run(settings)) == [failed]
    assert not (settings.lake.root / "judged").exists()


def test_a_warehouse_without_daily_sources_has_empty_tables(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute("create schema lake")
    load_judged(connection, Lake(tmp_path))
    for table, schema in SCHEMAS.items():
        found = connection.execute(f"from lake.{table}")
        assert [column[0] for column in found.description or ()] == list(schema)
        assert found.fetchall() == []


def test_tables_have_the_types_of_their_contract_with_files_and_without(tmp_path: Path) -> None:
    types = []
    for lake in (tmp_path / "none", tmp_path):
        if lake == tmp_path:
            from test_anomalies import CUSTOMER, judged, spiked

            judged(lake, warehouse({CUSTOMER: weekly(change=spiked)}, through=day(69)))
        connection = duckdb.connect()
        connection.execute("create schema lake")
        load_judged(connection, Lake(lake))
        types.append({table: connection.table(f"lake.{table}").types for table in SCHEMAS})
    assert types[0] == types[1]


def test_another_way_of_judging_makes_the_warehouse_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(settings)
    assert {file.name for file in JUDGED_CODE} > {"_anomalies.py", "_forecasts.py"}
    monkeypatch.setattr("pipelines.warehouse.JUDGED_CODE", JUDGED_CODE[:-1])
    assert digest(settings) != before
