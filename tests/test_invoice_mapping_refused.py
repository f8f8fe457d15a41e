"""Maps that are refused, each with a sentence; and a user's own, beside the configuration."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from invoice_maps import ABOUT, Mapped, csv, plain

from connectors._base import Window
from connectors._normalize import normalize
from connectors.invoice_mapping._check import check_map
from models.errors import ConfigError
from pipelines.settings import load_settings


def refused(tmp_path: Path, content: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        check_map(Mapped(tmp_path, content).map_)
    said = str(error.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "colour: unknown key; allowed: title, documentation, about,"),
        ({"title": None}, "title: is missing"),
        ({"about": {**ABOUT, "kind": "moon"}}, "about.kind: input should be 'cloud', 'llm'"),
        (
            {"money": {"cost": {"symbl": "$"}}},
            "money.cost.symbl: unknown key, did you mean symbol?; allowed: symbol,",
        ),
        ({"money": {"cost": {"divisor": 60}}}, "money.cost: divisor 60: allowed: 1, 10, 100"),
        (
            {"money": {"cost": {"thousands": ","}, "x": {}}},
            "money.x: no expression reads this column",
        ),
        (
            {"money": {"cost": {"thousands": ".", "decimal": "."}}},
            "thousands and decimal are the same",
        ),
        ({"money": {"cost": {"sign": 2}}}, "money.cost.sign: input should be 1 or -1 (found 2)"),
        (
            {"times": {"day": {"zone": "Mars/Olympus"}}},
            "times.day.zone: Unknown TimeZone 'Mars/Olympus'",
        ),
        ({"times": {"day": {"format": "%Q"}}}, "times.day.format: "),
        ({"times": {"dya": {}}}, "times.dya: no expression reads this column"),
        ({"charges": {"cost": "cost"}}, "charges.cost: unknown column; allowed: allocated_"),
        ({"charges": {"x_source": "cost"}}, "charges.x_source: unknown column; allowed: "),
        (
            {"charges": {"billing_currency": "'EUR'"}},
            "billing_currency is in charges and in constants",
        ),
        ({"constants": {"color": "red"}}, "charges.color: unknown column; allowed: "),
        ({"categories": None}, "categories belong to charges, and charges need them"),
        ({"categories": [{"category": "Gift"}]}, "categories.0.category: input should be 'Usage'"),
        (
            {"categories": [{"category": "Tax"}, {"category": "Usage"}]},
            "the default is the last rule",
        ),
        (
            {"categories": [{"category": "Tax", "column": "day"}]},
            "column and matches belong together",
        ),
        (
            {"categories": [{"category": "Tax", "column": "day", "matches": "("}]},
            "is not a regular expression",
        ),
        (
            {"categories": [{"category": "Tax", "column": "day", "matches": "(?=x)"}]},
            "categories.0.matches: ",
        ),
        ({"control_total": None}, "control_total: is missing"),
        ({"control_total": {}}, "exactly one of value, pattern and none says where the total is"),
        ({"control_total": {"value": "a", "tolerance": "-1"}}, "control_total.tolerance: "),
        ({"charges": None}, "exactly one of charges and metered_usage is needed"),
        ({"metered_usage": {}}, "exactly one of charges and metered_usage is needed"),
        ({"files": {"path": r"\.csv$"}}, "files: the billing period comes from a group of path"),
        ({"files": {"path": r"(?P<month>\d+)"}}, "files: the billing period comes from a group"),
        ({"files": {"path": r"(?P<day>\d+)"}}, "path: unknown group day; allowed: month, period,"),
        ({"records": "a[0]"}, "records.0.path: 'a[0]' is not a path such as data[].line_items[]"),
        ({"api": {"secret": {"env": "k"}, "requests": []}}, "api.secret.env: string should match"),
    ],
)
def test_what_is_wrong_with_a_map_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in refused(tmp_path, {**plain(**changes)})


@pytest.mark.parametrize("missing", ["billed_cost", "charge_period_start", "charge_period_end"])
def test_a_column_that_every_charge_needs_is_asked_for(tmp_path: Path, missing: str) -> None:
    content = plain()
    content["charges"] = {k: v for k, v in content["charges"].items() if k != missing}
    assert refused(tmp_path, content) == f"map.yml: charges.{missing}: is missing"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1; drop table charges", "is not an expression"),
        ("cost) as a, (day", "is more than one expression"),
        ("cost from raw) --", "is not an expression"),
        ("(select 1)", "has a subquery"),
        ("(select content from read_text('/etc/passwd'))", "has a subquery"),
        ("exists (select 1)", "has a subquery"),
        ("getenv('HOME')", "calls getenv"),
        ("current_setting('home_directory')", "calls current_setting"),
        ("read_text('/etc/passwd')", "calls read_text"),
        ("query('select 1')", "calls query"),
        ("sum(cost)", "calls sum"),
        ("row_number() over ()", "has a window"),
        ("random()", "calls random"),
        ("now()", "calls now"),
        ("?", "has a parameter"),
        ("$1", "has a parameter"),
        ("*", "has a star"),
        ("columns('cost')", "has a star"),
        ("cost +", "is not an expression"),
        ("", "is not an expression"),
        ("list_transform([1], lambda x: x)", "calls list_"),
    ],
)
def test_only_an_expression_over_the_rows_own_columns_is_taken(
    tmp_path: Path, expression: str, said: str
) -> None:
    content = plain(charges={"charge_description": expression})
    sentence = refused(tmp_path, content)
    assert sentence.startswith(f"charges.charge_description: {expression!r} ")
    assert said in sentence


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("upper(cost, day)", "No function matches the given name and argument types 'upper("),
        ("cost::decimal(99, 2)", "DECIMAL type width must be between 1 and 38"),
        ("interval cost day + 1", "not"),
    ],
)
def test_an_expression_that_does_not_bind_is_a_sentence(
    tmp_path: Path, expression: str, said: str
) -> None:
    sentence = refused(tmp_path, plain(charges={"charge_description": expression}))
    assert sentence.startswith("charges.charge_description: ")
    assert said in sentence


@pytest.mark.parametrize("section", ["where", "control_total"])
def test_filters_and_totals_are_expressions_too(tmp_path: Path, section: str) -> None:
    bad = "(select true)"
    changes = (
        {"control_total": {"value": "cost", "of": bad}} if section != "where" else {"where": bad}
    )
    assert "has a subquery" in refused(tmp_path, plain(**changes))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.yml"
    file.write_text(yaml.safe_dump(plain()) + "title: again\n")
    config = configured(tmp_path, "./twice.yml")
    with pytest.raises(ConfigError, match=r"twice\.yml, line \d+: the key 'title' is there twice"):
        load_settings(config)


# --- a user's own ---------------------------------------------------------------------------------


def configured(folder: Path, map_: str | None) -> Path:
    source = {"connector": "invoice_mapping", "location": "./bills"} | (
        {"map": map_} if map_ else {}
    )
    file = folder / "unitledger.yml"
    file.write_text(yaml.safe_dump({"sources": {"polar": source}}))
    return file


@pytest.mark.parametrize(
    ("map_", "said"),
    [
        (None, "map: is missing; allowed: a file such as ./my_map.yml"),
        ("./nowhere.yml", r"nowhere\.yml: no such map"),
        ("./bad.yml", r"bad\.yml: charges\.charge_description: '\(select 1\)' has a subquery"),
        ("./no.yml", r"no\.yml, line 2: "),
    ],
)
def test_a_map_of_ones_own_that_is_missing_or_wrong_is_a_sentence(
    tmp_path: Path, map_: str | None, said: str
) -> None:
    bad = plain(charges={"charge_description": "(select 1)"})
    (tmp_path / "bad.yml").write_text(yaml.safe_dump(bad))
    (tmp_path / "no.yml").write_text("title: [")
    with pytest.raises(ConfigError, match=said) as error:
        load_settings(configured(tmp_path, map_))
    assert str(error.value).startswith("unitledger.yml: sources.polar")


def test_a_map_beside_the_configuration_is_all_that_a_new_vendor_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "maps").mkdir(parents=True)
    (home / "maps" / "polar.yml").write_text(yaml.safe_dump(plain()))
    (home / "bills").mkdir()
    (home / "bills" / "2026-10.csv").write_text(csv("2026-10-01,1.25", "2026-10-02,-0.5"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    file = configured(home, "./maps/polar.yml")
    delivered = land(file)
    assert (delivered["source"], delivered["connector"]) == ("polar", "invoice_mapping")
    assert Decimal(delivered["delivered"][0]["amount"]) == Decimal("0.75")
    # What the map says is part of what the rows mean.
    in_cents = plain(money={"cost": {"divisor": 100}})
    (home / "maps" / "polar.yml").write_text(yaml.safe_dump(in_cents))
    assert Decimal(land(file)["delivered"][0]["amount"]) == Decimal("0.0075")


def land(file: Path) -> dict[str, Any]:
    """Land and normalize the one source of a configuration; return what the index says of it."""
    configured = load_settings(file)
    (item,) = configured.sources.values()
    assert configured.lake.land(item.source, item.connector, Window()).failures == {}
    assert normalize(configured.lake, item.source, item.connector) == {}
    (slot,) = configured.lake.index().filter(table="charges").to_dicts()
    return slot
