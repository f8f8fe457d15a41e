"""Rules as code: what the configuration may say, how it becomes tables, and what its dates do."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from company import Company
from ledger_models import LedgerModels

from models.errors import ConfigError
from pipelines.config_tables import config_tables
from pipelines.settings import Settings, load_settings

Row = dict[str, Any]


def configured(folder: Path, **attribution: object) -> Settings:
    file = folder / "unitledger.yml"
    sources = {"gpu": {"connector": "runpod_billing", "location": "./bills"}}
    file.write_text(yaml.safe_dump({"sources": sources, "attribution": attribution}))
    return load_settings(file)


def rule(**changes: object) -> Row:
    return {"id": "one", "when": {"source": "gpu"}, "treatment": "shared"} | changes


# --- what is wrong, in one sentence ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        (
            {"rules": [rule(driver="logs")]},
            "rules: one names the driver logs; allowed: attempts, tokens, direct_cost",
        ),
        (
            {"drivers": {"tokens": {"stream": "x"}}},
            "drivers.tokens: this is a measure's own name; choose another",
        ),
        (
            {"drivers": {"logs": {"stream": "x", "measure": "tokens"}}},
            "drivers.logs: exactly one of measure and stream says what is measured",
        ),
        (
            {"drivers": {"logs": {"measure": "tokens", "fallback": "attempts"}}},
            "drivers.logs: filter, within and fallback belong to a stream",
        ),
        (
            {"rules": [rule(scope="company")]},
            "rules.0: scope belongs to treatment: overhead",
        ),
        (
            {"rules": [rule(treatment="overhead", scope="pool")]},
            "rules.0: scope: pool needs the pool that shares the cost",
        ),
        (
            {"rules": [rule(treatment="overhead", scope="planet")]},
            "rules.0.scope: input should be 'invoice', 'account', 'sub_account', 'service', 'pool' "
            "or 'company' (found 'planet')",
        ),
        (
            {"dimensions": {"team": [{"tag": "t", "column": "source"}]}},
            "dimensions.team.0: exactly one of tag, column and value says where to look",
        ),
        (
            {"dimensions": {"team": [{"tag": "t", "table": "a.csv", "owners": "source"}]}},
            "dimensions.team.0: table and owners: only one of them can hold the answer",
        ),
        (
            {"dimensions": {"team": [{"value": "t", "owners": "source"}]}},
            "dimensions.team.0: a value is the answer itself: leave out table and owners",
        ),
        (
            {"dimensions": {"teem": [{"tag": "t"}]}},
            "dimensions.teem: unknown key, did you mean team?; allowed: customer, feature, "
            "workflow, team, model, environment",
        ),
        (
            {"pools": [{"pool": "chat"}, {"pool": "chat", "valid_from": date(2026, 1, 1)}]},
            "pools: chat is there twice on the same days",
        ),
        (
            {"token_weights": [{"model": "*", "output": -1}]},
            "token_weights.0.output: input should be greater than or equal to 0 (found -1)",
        ),
    ],
)
def test_what_contradicts_itself_is_one_sentence(
    tmp_path: Path, attribution: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tmp_path, **attribution)
    sentence = str(error.value).removeprefix("unitledger.yml: attribution").lstrip(".: ")
    assert sentence == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("key\n1\n", "accounts.csv: column value is missing"),
        ("key,value\n,red\n", "accounts.csv, line 2: key is ''; allowed: anything but an empty"),
        (
            "key,value,valid_from\n1,red,May\n",
            "valid_from is 'May'; allowed: a day like 2026-10-05",
        ),
        (
            "key,value,valid_from,valid_to\n1,red,2026-05-02,2026-05-02\n",
            "accounts.csv: 1: valid_to must be after valid_from",
        ),
        (
            "key,value,valid_to\n1,red,2026-05-02\n1,blue,\n",
            "accounts.csv: 1 is red and blue on one day",
        ),
    ],
)
def test_a_mapping_that_cannot_be_used_names_its_place(
    tmp_path: Path, lines: str, expected: str
) -> None:
    (tmp_path / "accounts.csv").write_text(lines)
    lookup = {"column": "sub_account_id", "table": "accounts.csv"}
    with pytest.raises(ConfigError) as error:
        config_tables(configured(tmp_path, dimensions={"team": [lookup]}))
    assert expected in str(error.value)


# --- configuration as tables ----------------------------------------------------------------------


def test_a_dimension_becomes_its_places_in_order_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("key,value,valid_from\n1,red,\n2,blue,2026-05-01\n")
    places = [
        {"tag": "team"},
        {"column": "sub_account_id", "table": "accounts.csv"},
        {"column": "x_usage_type", "owners": "feature"},
        {"value": "platform", "name": "nobody said"},
    ]
    tables = config_tables(configured(tmp_path, dimensions={"team": places}))
    assert [(row["position"], row["name"]) for row in tables["dimensions"].to_dicts()] == [
        (1, "tag team"),
        (2, "sub_account_id in accounts.csv"),
        (3, "x_usage_type in owners of feature"),
        (4, "nobody said"),
    ]
    assert tables["dimensions"]["charge_column"].to_list() == [
        None, "sub_account_id", "usage_type", None
    ]  # fmt: skip
    assert tables["dimension_mappings"].rows() == [
        ("accounts.csv", "1", "red", None, None),
        ("accounts.csv", "2", "blue", date(2026, 5, 1), None),
    ]


def test_a_weight_that_is_not_configured_is_the_usual_one(tmp_path: Path) -> None:
    weights = [{"model": "llama-*", "output": 4}]
    table = config_tables(configured(tmp_path, token_weights=weights))["token_weights"]
    assert dict(table.select("token_type", "weight").rows()) == {
        "uncached_input": 1,
        "cache_read": 0,
        "cache_write_5m": 1,
        "cache_write_1h": 1,
        "output": 4,
        "audio_input": 1,
        "audio_output": 2,
    }


def rule_hash(folder: Path, stream: str = "x", **changes: object) -> str:
    settings = configured(
        folder, rules=[rule(driver="d", **changes)], drivers={"d": {"stream": stream}}
    )
    return str(config_tables(settings)["rules"]["rule_hash"][0])


def test_a_rule_means_something_else_where_its_driver_does_but_not_where_it_ends(
    tmp_path: Path,
) -> None:
    first = rule_hash(tmp_path)
    assert rule_hash(tmp_path, stream="y") != first
    assert rule_hash(tmp_path, users={"customer": "a"}) != first
    assert rule_hash(tmp_path, valid_to=date(2026, 10, 2)) == first


# --- what dates do --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(company: Company) -> LedgerModels:
    return LedgerModels.of(company)


def charge(day: int, amount: int, **changes: object) -> Row:
    start = datetime(2026, 10, day)
    return {
        "source": "gpu",
        "billing_period": "2026-10",
        "billing_currency": "USD",
        "charge_period_start": start,
        "charge_period_end": start + timedelta(days=1),
        "charge_date": start.date(),
        "charge_category": "Usage",
        "service_name": "CRM",
        "billed_cost": Decimal(amount),
        "effective_cost": Decimal(amount),
    } | changes


def test_history_is_attributed_again_from_a_date_and_what_was_before_keeps_every_row(
    tmp_path: Path, models: LedgerModels
) -> None:
    def ledger(*rules: Row) -> list[Row]:
        models.fill("stg_lake__charges", [charge(day, 10) for day in (1, 2, 3)])
        tables = config_tables(configured(tmp_path, rules=list(rules)))
        for name in ("rules", "drivers"):
            models.fill(f"stg_lake__{name}", tables[name].to_dicts())
        return models.run()

    sales = rule(treatment="direct", set={"team": "sales"})
    before = ledger(sales)
    marketing = sales | {
        "version": 2,
        "set": {"team": "marketing"},
        "valid_from": date(2026, 10, 2),
    }
    after = ledger(marketing, sales | {"valid_to": date(2026, 10, 2)})

    assert [(row["charge_date"].day, row["team"], row["rule_version"]) for row in before] == [
        (1, "sales", 1), (2, "sales", 1), (3, "sales", 1)
    ]  # fmt: skip
    assert after[0] == before[0]
    assert [(row["charge_date"].day, row["team"], row["rule_version"]) for row in after[1:]] == [
        (2, "marketing", 2), (3, "marketing", 2)
    ]  # fmt: skip
    assert sum(row["effective_cost"] for row in after) == Decimal(30)


def test_a_charge_that_no_telemetry_knows_has_the_team_of_its_tag_and_says_so(
    tmp_path: Path, models: LedgerModels
) -> None:
    places = [{"tag": "team"}, {"value": "platform", "name": "nobody said"}]
    tables = config_tables(configured(tmp_path, dimensions={"team": places}))
    tagged = charge(1, 7, tags='{"team": "search"}')
    models.fill("stg_lake__charges", [tagged, charge(1, 5, tags=None)])
    for name in ("rules", "drivers", "dimensions"):
        models.fill(f"stg_lake__{name}", tables[name].to_dicts())
    ledger = models.run()
    models.fill("stg_lake__dimensions", [])

    assert [
        (row["team"], row["component"], row["effective_cost"], row["entities_from"])
        for row in sorted(ledger, key=lambda row: row["effective_cost"])
    ] == [
        ("platform", "unmatched", Decimal(5), '{"team": "nobody said"}'),
        ("search", "unmatched", Decimal(7), '{"team": "tag team"}'),
    ]


def test_a_dimension_that_a_rule_leaves_nothing_to_say_changes_no_row(
    tmp_path: Path, models: LedgerModels
) -> None:
    def ledger(**more: object) -> list[Row]:
        direct = rule(treatment="direct", set={"team": "sales"})
        tables = config_tables(configured(tmp_path, rules=[direct], **more))
        models.fill("stg_lake__charges", [charge(1, 7, tags='{"team": "search"}')])
        for name in ("rules", "drivers", "dimensions"):
            models.fill(f"stg_lake__{name}", tables[name].to_dicts())
        return models.run()

    assert ledger(dimensions={"team": [{"tag": "team"}]}) == ledger()
