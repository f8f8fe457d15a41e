"""`unitledger plan`: what rules would move, on a small warehouse whose ledger a test changes."""

from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from models.errors import ConfigError, ContractError
from pipelines import plan as planning
from pipelines import plan_command
from pipelines.config_tables import config_tables, write_config_tables
from pipelines.plan import Plan, make_plan
from pipelines.settings import Settings, load_settings
from pipelines.transform import NodeOutcome
from pipelines.warehouse import build_file

RULES = """
    - {id: network, when: {service_name: Network}, treatment: shared, driver: attempts}
    - {id: crm, when: {service_name: CRM}, treatment: direct, set: {team: sales}}
"""
LEDGER = """
    ('s', '2026-10', 'USD', 'a', 'shared', 6), ('s', '2026-10', 'USD', 'b', 'shared', 3),
    ('s', '2026-10', 'USD', '(none)', 'unmatched', 1), ('s', '2026-10', 'EUR', 'a', 'direct', 5),
    ('s', '2026-11', 'USD', 'a', 'shared', 2)
"""


def configured(folder: Path, rules: str = RULES, more: str = "") -> Settings:
    file = folder / "unitledger.yml"
    file.write_text(
        "sources: {s: {connector: runpod_billing, location: x}}\n"
        f"{more}\nattribution:\n  rules:{rules}"
    )
    return load_settings(file)


def write_ledger(file: Path, ledger: str, first_hash: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute("create schema if not exists intermediate")
        connection.execute(
            "create or replace table marts.allocated_costs as select * replace "
            f"(effective_cost::decimal(38, 12) as effective_cost) from (values {ledger}) as t"
            "(source, billing_period, billing_currency, customer_id, component, effective_cost)"
        )
        connection.execute(
            "create or replace table intermediate.int_day_inputs as from "
            f"(values (date '2026-10-01', '{first_hash}'), (date '2026-10-02', 'two')) "
            "as t(charge_date, ledger_hash)"
        )


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A published warehouse, current, made with RULES."""
    settings = configured(tmp_path)
    write_config_tables(settings)
    write_ledger(settings.warehouse, LEDGER, "one")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema lake")
        for name, table in config_tables(settings).items():
            connection.register("frame", table.to_arrow())
            connection.execute(f"create table lake.{name} as from frame")
    monkeypatch.setattr(planning, "is_current", lambda settings: True)
    return settings


def planned(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, ledger: str, **options: object
) -> Plan:
    """Plan with models that make this ledger."""

    def run_ledger(aside: Settings) -> list[NodeOutcome]:
        write_ledger(build_file(aside), ledger, "other")
        return []

    monkeypatch.setattr(planning, "run_ledger", run_ledger)
    return make_plan(settings, **options)  # type: ignore[arg-type]


def test_what_one_gains_others_lose_in_each_period_and_currency(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = LEDGER.replace("'a', 'shared', 6", "'a', 'shared', 2.5").replace(
        "'b', 'shared', 3", "'b', 'shared', 6.5"
    )
    plan = planned(monkeypatch, published, changed)

    assert plan.moves.rows == [
        ("2026-10", "USD", "a", "shared", 6, Decimal("2.5"), Decimal("-3.5")),
        ("2026-10", "USD", "b", "shared", 3, Decimal("6.5"), Decimal("3.5")),
        ("2026-10", "USD", "sum", "", 9, 9, 0),
    ]
    assert plan.moved.rows == [("2026-10", "USD", Decimal("3.5"))]
    assert (plan.days, plan.days_rebuilt) == (2, 1)


def test_a_long_list_ends_with_the_others_and_still_adds_up(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_SHOWN", 1)
    changed = LEDGER.replace("6)", "4)").replace("'b', 'shared', 3", "'b', 'shared', 5")
    rows = planned(monkeypatch, published, changed).moves.rows
    assert [(row[2], row[6]) for row in rows] == [("a", -2), ("1 others", 2), ("sum", 0)]
    everything = planned(monkeypatch, published, changed, everything=True).moves.rows
    assert [(row[2], row[6]) for row in everything] == [("a", -2), ("b", 2), ("sum", 0)]


def test_a_plan_that_would_make_or_lose_a_cost_is_an_error(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ContractError) as error:
        planned(monkeypatch, published, LEDGER.replace("6)", "6.000000000001)"))
    assert str(error.value) == (
        "plan: s 2026-10 USD costs 10.00 and would cost 10.000000000001: "
        "rules may move costs, but never make or lose any"
    )


def test_one_period_can_be_planned(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = LEDGER.replace("'2026-11', 'USD', 'a'", "'2026-11', 'USD', 'b'")
    assert not planned(monkeypatch, published, changed, period="2026-10").moves.rows
    rows = planned(monkeypatch, published, changed, period="2026-11").moves.rows
    assert [row[2] for row in rows] == ["a", "b", "sum"]
    with pytest.raises(ConfigError, match="2026-12: the ledger has no cost of this billing period"):
        planned(monkeypatch, published, changed, period="2026-12")


def test_the_rules_that_differ_are_named(
    tmp_path: Path, published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = """
    - {id: crm, when: {service_name: CRM}, treatment: direct, set: {team: marketing}}
    - {id: network, version: 2, when: {service_name: Network}, treatment: shared, driver: tokens}
    """
    plan = planned(monkeypatch, configured(tmp_path, other), LEDGER)
    assert plan.rules.rows == [
        ("crm", 1, "other set_team"),
        ("network", 1, "gone"),
        ("network", 2, "new"),
    ]
    swapped = "\n".join(reversed(RULES.strip("\n").splitlines())) + "\n"
    plan = planned(monkeypatch, configured(tmp_path, "\n" + swapped), LEDGER)
    assert plan.rules.rows == [("crm", 1, "other order"), ("network", 1, "other order")]


def test_what_changes_the_charges_themselves_is_named_and_not_planned(
    tmp_path: Path,
    published: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = configured(tmp_path, more="reporting_currency: USD")
    assert planned(monkeypatch, settings, LEDGER).sentences == [
        "1 of 2 days would be shared again; nothing would move",
        "Also changed, but not planned, for it changes what is charged: reporting_currencies",
    ]


def test_the_command_prints_the_moves_as_a_table_or_as_csv(
    published: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(monkeypatch, published, LEDGER.replace("'EUR', 'a'", "'EUR', 'b'"))
    monkeypatch.setattr(planning, "make_plan", lambda *options: plan)
    plan_command.plan(format="csv", config=published.file)
    assert capsys.readouterr().out.splitlines() == [
        "period,currency,customer,component,cost,planned,change",
        "2026-10,EUR,a,direct,5.00,0.00,-5.00",
        "2026-10,EUR,b,direct,0.00,5.00,5.00",
        "2026-10,EUR,sum,,5.00,5.00,0.00",
    ]
    plan_command.plan(config=published.file)
    assert "Changes hands" in (shown := capsys.readouterr().out)
    assert shown.endswith("1 of 2 days would be shared again\n")
    with pytest.raises(ConfigError, match="--format json: unknown; allowed: table, csv"):
        plan_command.plan(format="json", config=published.file)


def test_a_warehouse_that_the_lake_has_left_behind_must_be_built_first(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "is_current", lambda settings: False)
    with pytest.raises(ConfigError, match="`unitledger run` with the configuration in force first"):
        make_plan(published)


def test_an_unknown_entity_is_named_with_what_is_allowed(published: Settings) -> None:
    with pytest.raises(ConfigError) as error:
        make_plan(published, by="country")
    assert str(error.value) == (
        "--by country: unknown; allowed: customer, feature, workflow, team, model, environment"
    )


def test_a_model_that_fails_changes_nothing(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published.warehouse.read_bytes()
    failed = NodeOutcome("model.m", "model", "m", "error", "no such column", 0.1, None)
    monkeypatch.setattr(planning, "run_ledger", lambda aside: [failed])
    with pytest.raises(ContractError, match="dbt model m failed: no such column; nothing was"):
        make_plan(published)
    assert published.warehouse.read_bytes() == before
    assert not published.warehouse.with_name("warehouse.duckdb.plan").exists()


def test_the_plan_is_built_with_the_rules_of_the_configuration_and_no_others(
    tmp_path: Path, published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pl.DataFrame] = []

    def run_ledger(aside: Settings) -> list[NodeOutcome]:
        with duckdb.connect(str(build_file(aside))) as connection:
            seen.append(connection.execute("select rule_id from lake.rules").pl())
        return []

    monkeypatch.setattr(planning, "run_ledger", run_ledger)
    make_plan(configured(tmp_path, RULES.split("    - {id: crm")[0]))
    assert seen[0]["rule_id"].to_list() == ["network"]
